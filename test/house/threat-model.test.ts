// SPDX-License-Identifier: MPL-2.0
// The threat model names tests that there are, by the words that stand in them; and every limit has one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, text } from './lib/tree.js';

const page = text('docs/threat-model.md');
const cited = /`((?:src|test|native)\/[\w./-]+\.(?:test\.ts|cc))`(?:\s+"([^"]+)")?/g;

test('every test that is cited is there, by its name', () => {
  const all = [...page.matchAll(cited)];
  assert.ok(all.length > 40, `${all.length} citations`);
  const wrong = all.filter(
    ([, file = '', name]) => !files.includes(file) || (name !== undefined && !text(file).includes(name)),
  );
  assert.equal(
    wrong.map(([whole]) => whole),
    [],
  );
});

test('a test is cited by its name, unless the file is one fuzzer or one table of cases', () => {
  const whole = [...page.matchAll(cited)].flatMap(([, file = '', name]) =>
    name === undefined && !file.includes('/fuzz_') ? [file] : [],
  );
  assert.equal(whole, ['test/daemons/store-etcd-secure.test.ts']);
});

test('every row that says what limits something cites a test', () => {
  const rows = page.split('\n').filter((line) => /^\| /.test(line) && line.split('|').length === 5);
  const limits = rows.filter((line) => !/^\| (?:what it may|-)/.test(line));
  assert.ok(limits.length > 25, `${limits.length} rows`);
  assert.equal(
    limits.filter((line) => line.match(cited) === null),
    [],
  );
});

test.run();
