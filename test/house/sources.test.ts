// SPDX-License-Identifier: MPL-2.0
// What every source file has to keep to.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, sources, text } from './lib/tree.js';

const offenders = (matches: (file: string) => boolean, among = sources) => among.filter(matches);

test('the listing sees the tree', () => {
  for (const file of ['native/shm/producer.h', 'src/host/plugin.ts', 'Makefile'])
    assert.ok(sources.includes(file), file);
});

test('each begins with its licence', () => {
  const head = (file: string) => text(file).split('\n', 2).join('\n');
  assert.equal(
    offenders((file) => !head(file).includes('SPDX-License-Identifier: MPL-2.0')),
    [],
  );
});

test('none is longer than 400 lines', () => {
  assert.equal(
    offenders((file) => text(file).split('\n').length > 401),
    [],
  );
});

test('none puts work off in a comment', () => {
  const marker = new RegExp(
    `\\b(${['TO', 'FIX'].map((s) => `${s}${s === 'TO' ? 'DO' : 'ME'}`).join('|')}|X{3})\\b`,
  );
  assert.equal(
    offenders((file) => marker.test(text(file))),
    [],
  );
});

test('none ends without a newline or holds trailing blanks or tabs', () => {
  const untidy = (file: string) => !text(file).endsWith('\n') || /[ \t]\n/.test(text(file));
  assert.equal(offenders(untidy), []);
});

test('warnings are errors in every native target', () => {
  const options = text('cmake/options.cmake');
  for (const flag of ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-Wshadow', '-Wconversion']) {
    assert.ok(options.includes(flag), flag);
  }
  const targets = files
    .filter((file) => file.endsWith('CMakeLists.txt'))
    .flatMap((file) => {
      const body = text(file);
      const made = [...body.matchAll(/add_(?:library|executable)\((\w+)(?! INTERFACE)/g)].map(
        (match) => match[1] ?? '',
      );
      return made
        .filter((name) => !body.includes(`nnoe_target(${name})`) && !body.includes('nnoe_target(${'))
        .map((name) => `${file}: ${name}`);
    });
  assert.equal(targets, []);
});

test.run();
