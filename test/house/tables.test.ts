// SPDX-License-Identifier: MPL-2.0
// Errors and messages are tables with stable codes; every row is documented and in use.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ErrorSpec, errors } from '../../src/host/errors.js';
import { type MessageSpec, messages } from '../../src/host/messages.js';
import { hookMessages } from '../../tools/gen/hook-messages.js';
import { files, text } from './lib/tree.js';

const errorRows = Object.entries<ErrorSpec>(errors);
const messageRows = Object.entries<MessageSpec>(messages);
const product = files
  .filter((file) => /^src\/.*\.ts$/.test(file) && !/\.test\.ts$|host\/(errors|messages)\.ts$/.test(file))
  .map(text)
  .join('\n');

test('every code is well formed, unique over both tables, and its row carries it', () => {
  const codes = [...errorRows, ...messageRows].map(([code]) => code);
  assert.is(new Set(codes).size, codes.length);
  assert.equal(
    codes.filter((code) => !/^[A-Z]+(_[A-Z0-9]+)+$/.test(code)),
    [],
  );
  assert.equal(
    errorRows.filter(([code, row]) => row.code !== code),
    [],
  );
});

test('rows of one subject stand together', () => {
  const subject = (code: string) => code.split('_', 1)[0] ?? '';
  for (const rows of [errorRows, messageRows]) {
    const subjects = rows.map(([code]) => subject(code));
    const runs = subjects.filter((each, i) => each !== subjects[i - 1]);
    assert.equal(runs, [...new Set(runs)]);
  }
});

test('every error tells the operator what it means and what to do', () => {
  assert.equal(
    errorRows.filter(([, row]) => row.help.length < 45 || !row.help.endsWith('.')).map(([code]) => code),
    [],
  );
  assert.equal(
    errorRows.filter(([, row]) => /\.$/.test(row.message)).map(([code]) => code),
    [],
  );
});

test('every row is in use', () => {
  const unused = [...errorRows, ...messageRows]
    .map(([code]) => code)
    .filter((code) => !new RegExp(`\\b${code}\\b`).test(product));
  assert.equal(unused, []);
});

test('every message of the hook is logged somewhere, and explained', () => {
  const rooms = files
    .filter((file) => /^native\/kea-hook\/.*\.(cc|h)$/.test(file))
    .map(text)
    .join('\n');
  const entries = text('native/kea-hook/nnoe_messages.mes').split(/^% /m).slice(1);
  assert.ok(entries.length > 5);
  const wrong = entries.filter((entry) => {
    const [head = '', ...help] = entry.split('\n');
    const code = head.split(' ', 1)[0] ?? '';
    return !new RegExp(`\\b${code}\\b`).test(rooms) || help.join(' ').trim().length < 40;
  });
  assert.equal(
    wrong.map((entry) => entry.split(' ', 1)[0]),
    [],
  );
});

test('how severe a message of the hook is said to be is what it is logged as', () => {
  const logged = new Map(
    [...text('native/kea-hook/log.cc').matchAll(/LOG_(ERROR|WARN|INFO)\(logger, (NNOE_\w+)\)/g)].map(
      ([, level = '', code = '']) => [code, level.toLowerCase()],
    ),
  );
  const told = hookMessages(text('native/kea-hook/nnoe_messages.mes'));
  assert.equal(
    told.map(({ code, level }) => [code, level]),
    told.map(({ code }) => [code, logged.get(code)]),
  );
});

test.run();
