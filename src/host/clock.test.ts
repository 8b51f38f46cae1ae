// SPDX-License-Identifier: MPL-2.0
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PatientClock } from './clock.js';

test('a deadline passes, a cancelled one does not', async () => {
  const clock = new PatientClock(() => true);
  const passed: string[] = [];
  clock.deadline(0.3, () => passed.push('a'));
  clock.deadline(0.3, () => passed.push('b'))();
  await wait(200);
  assert.equal(passed, []);
  await wait(900);
  assert.equal(passed, ['a']);
  clock.close();
});

test('time during which the store does not answer does not count', async () => {
  let up = false;
  const clock = new PatientClock(() => up);
  let passed = false;
  clock.deadline(0.5, () => {
    passed = true;
  });
  await wait(1200);
  assert.is(passed, false);
  up = true;
  await wait(1200);
  assert.is(passed, true);
  clock.close();
});

test('the wall clock may jump', async () => {
  const real = Date.now;
  const clock = new PatientClock(() => true);
  try {
    let passed = 0;
    clock.deadline(0.6, () => passed++);
    Date.now = () => real() + 86_400_000;
    await wait(300);
    assert.is(passed, 0, 'a day ahead');
    Date.now = () => real() - 86_400_000;
    await wait(900);
    assert.is(passed, 1, 'a day back');
  } finally {
    Date.now = real;
    clock.close();
  }
});

test.run();
