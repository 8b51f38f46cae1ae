// SPDX-License-Identifier: MPL-2.0
// Every key of the configuration, the host's and those of the released plugins, says all that people need.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, type Key, keysOf, keyText } from '../../src/host/config/catalogue.js';
import { parseConfig } from '../../src/host/config/load.js';
import { otherVariables, pathOfVariable, variableOf } from '../../src/host/config/variables.js';
import { plugins } from '../../src/plugins/plugins.js';
import { files, text } from './lib/tree.js';

const all = catalogue(plugins);
const keys = keysOf(all);
const without = (says: (key: Key) => boolean) => keys.filter((key) => !says(key)).map(keyText);
const isNumber = ({ schema }: Key) => schema.type === 'number' || schema.type === 'integer';

test('there are keys', () => {
  assert.ok(keys.length > 20);
  assert.ok(keys.some((key) => key.path[1] === 'leases'));
});

test('every key has a type and a sentence', () => {
  assert.equal(
    without(({ type, description }) => type !== 'anything' && /^[A-Z].*\.$/.test(description)),
    [],
  );
});

test('every section has a sentence', () => {
  assert.equal(
    all.filter(({ path, description }) => path.length > 0 && !/^[A-Z].*\.$/.test(description)),
    [],
  );
});

test('every key has a default, or is required, or says by an example what it may be', () => {
  assert.equal(
    without(({ default: value, schema }) => value !== undefined || (schema.examples?.length ?? 0) > 0),
    [],
  );
});

test('every number has a unit, and a range with two ends', () => {
  assert.equal(
    without((key) => !isNumber(key) || (key.unit !== '' && / to /.test(key.range))),
    [],
  );
});

test('every text has a range, in words where it is a pattern', () => {
  const isText = ({ schema }: Key) => schema.type === 'string' || schema.items?.type === 'string';
  assert.equal(
    without((key) => !isText(key) || (key.range !== '' && !key.range.startsWith('like '))),
    [],
  );
});

test('every variable sets one key', () => {
  assert.is(new Set(keys.map(variableOf)).size, keys.length);
  const misread = keys.filter((key) => {
    const path = key.path.map((step) => (step === '*' ? 'a-name' : step));
    return pathOfVariable(all, variableOf({ path }))?.join('.') !== path.join('.');
  });
  assert.equal(misread.map(keyText), []);
});

test('the variables that are no keys are those that the tree uses', () => {
  const used = new Set<string>();
  for (const file of files.filter(
    (each) => /(\.ts|\.sh|Makefile|\.md)$/.test(each) && !/config\/variables\.ts$/.test(each),
  ))
    for (const [, a, b, c, d] of text(file).matchAll(
      /process\.env\.(NNOE_\w+)|\$\{?(NNOE_[A-Z_]+)|`?\b(NNOE_[A-Z_]+)=|environment\.(NNOE_[A-Z]+)/g,
    ))
      used.add(a ?? b ?? c ?? d ?? '');
  const keysToo = new Set(keys.map(variableOf));
  const unknown = [...used].filter((name) => !(name in otherVariables) && !keysToo.has(name));
  assert.equal(unknown, []);
  assert.equal(
    Object.keys(otherVariables).filter((name) => !used.has(name)),
    [],
  );
});

for (const file of files.filter((each) => /^(examples|docs)\/.*nnoe.*\.toml$/.test(each)))
  test(`${file} is valid`, () => {
    assert.ok(parseConfig(text(file), plugins, file));
  });

test.run();
