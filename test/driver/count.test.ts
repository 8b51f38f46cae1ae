// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { count } from './count.js';

const uvu = (total: number, passed: number, skipped = 0) =>
  `• •   (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1ms\n`;

test('uvu: passed and failed are summed over suites', () => {
  assert.equal(count('uvu', uvu(3, 3)), { passed: 3, failed: 0 });
  assert.equal(count('uvu', uvu(3, 2) + uvu(2, 2)), { passed: 4, failed: 1 });
});

test('uvu: colours do not hide the summary', () => {
  assert.equal(count('uvu', '  Total:     2\n\x1b[32m  Passed:    2\x1b[39m\n  Skipped:   0\n'), {
    passed: 2,
    failed: 0,
  });
});

test('a file without summary or without tests has failed', () => {
  assert.is(count('uvu', 'Error: no').failed, 1);
  assert.is(count('uvu', uvu(0, 0)).failed, 1);
  assert.is(count('native', '[doctest] test cases: 0 | 0 passed | 0 failed | 0 skipped').failed, 1);
});

test('a skipped test counts as failed', () => {
  assert.is(count('uvu', uvu(2, 2, 1)).failed, 1);
});

test('doctest: passed and failed', () => {
  const line =
    '[doctest] test cases: 14 | 13 passed | 1 failed | 0 skipped\n[doctest] assertions: 99 | 98 passed | 1 failed |\n';
  assert.equal(count('native', line), { passed: 13, failed: 1 });
});

test('a native program without summary is one case', () => {
  assert.equal(count('native', '1000 journals\n'), { passed: 1, failed: 0 });
});

test.run();
