// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { align } from './align.js';

const run = (left: string, right: string) => {
  const { onlyLeft, onlyRight, pairs } = align([...left], [...right], (a, b) => a === b);
  return `${onlyLeft.join('')}|${onlyRight.join('')}|${pairs}`;
};

test('equal lists pair up entirely', () => {
  assert.is(run('abcabc', 'abcabc'), '||6');
  assert.is(run('', ''), '||0');
});

test('a missing item is named, at the start, inside and at the end', () => {
  assert.is(run('abc', 'bc'), 'a||2');
  assert.is(run('abc', 'ac'), 'b||2');
  assert.is(run('abc', 'ab'), 'c||2');
  assert.is(run('abc', ''), 'abc||0');
});

test('a surplus item is named', () => {
  assert.is(run('abc', 'aabc'), '|a|3');
  assert.is(run('', 'x'), '|x|0');
  assert.is(run('abc', 'abcc'), '|c|3');
});

test('two that changed places are one missing and one surplus', () => {
  const result = align(['a', 'b', 'c'], ['b', 'a', 'c'], (a, b) => a === b);
  assert.is(result.pairs, 2);
  assert.equal(result.onlyLeft, result.onlyRight);
});

test.run();
