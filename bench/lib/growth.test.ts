// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Growth, Series } from './figures.js';
import { extrapolate } from './growth.js';

// Of y = 2, 4, 5, 4, 5 over 1 to 5, by hand: slope 6 / 10, intercept 4 - 0.6 * 3, squares of the residuals
// 0.64 + 0.36 + 1 + 0.36 + 0.04 = 2.4, so a variance of 2.4 / 3 = 0.8.
const Y = [2, 4, 5, 4, 5];
const of = (points: readonly (readonly [number, number])[]): Series => ({
  ...{ name: 'tables', x: 'names', y: 'section', unit: 'bytes' },
  lines: [{ name: 'section', points }],
});
const until = (at: number, model: Growth['model'] = 'linear'): Growth => ({ line: 'section', model, at });
const close = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) < 1e-9 * Math.max(1, expected), `${what}: ${found}, not ${expected}`);

test('a line: prediction and its standard error, as by hand', () => {
  const found = extrapolate(of(Y.map((y, i) => [i + 1, y])), until(10));
  close(found.predicted, 2.2 + 0.6 * 10, 'prediction');
  close(found.error, Math.sqrt(0.8 * (1 + 1 / 5 + 49 / 10)), 'error');
  assert.is(found.measured, undefined);
  assert.match(found.text, /bytes = 2\.2 \+ 0\.6 · n \(standard error of the slope 0\.282843\)/);
  assert.match(found.text, /at 10: 2\.2 \+ 0\.6 · 10 = 8\.2 ± 2\.21/);
  assert.match(found.text, /5 points, n from 1 to 5; n: names/);
});

test('a power: the same line through the logarithms, its error a factor', () => {
  const points = Y.map((y, i) => [Math.exp(i), Math.exp(y)] as const);
  const found = extrapolate(of(points), until(Math.exp(9), 'power'));
  close(found.predicted, Math.exp(2.8 + 0.6 * 9), 'prediction');
  close(found.error, Math.exp(Math.sqrt(0.8 * (1 + 1 / 5 + 49 / 10))), 'factor');
  const exact = extrapolate(of([1, 2, 4, 8, 16].map((x) => [x, 3 * Math.sqrt(x)])), until(64, 'power'));
  close(exact.predicted, 24, 'prediction without scatter');
  assert.match(exact.text, /bytes = 3 · n\^0\.5 .* at 64: 3 · 64\^0\.5 = 24/);
});

test('what was measured at the target stands beside the prediction and is not fitted', () => {
  const points = [1, 2, 3, 4, 5, 100].map((x) => [x, x === 100 ? 777 : 10 + x] as const);
  const found = extrapolate(of(points), until(100));
  close(found.predicted, 110, 'prediction');
  assert.is(found.measured, 777);
  assert.match(
    found.text,
    /at 100: 10 \+ 1 · 100 = 110 ± 0; measured there: 777, so the prediction is 85\.8 % below \(5 points/,
  );
});

test('no extrapolation from too little or from what cannot be fitted, with the reason', () => {
  const few = of([1, 2, 3, 4].map((x) => [x, x]));
  assert.throws(() => extrapolate(few, until(10)), /tables, section: 4 points below 10, expected at least 5/);
  assert.throws(() => extrapolate(few, { ...until(10), line: 'other' }), /no line "other"/);
  const same = of([1, 2, 3, 4, 5].map((y) => [7, y]));
  assert.throws(() => extrapolate(same, until(10)), /all points have the same x/);
  const zero = of([0, 1, 2, 3, 4].map((x) => [x, x + 1]));
  assert.throws(() => extrapolate(zero, until(10, 'power')), /\(0, 1\), expected values above 0/);
  const absent = of([1, 2, 3, 4, 5].map((x) => [x, x === 3 ? Number.NaN : x]));
  assert.throws(() => extrapolate(absent, until(10)), /\(3, NaN\) is no number/);
});

test.run();
