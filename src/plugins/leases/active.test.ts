// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Active, endOf } from './active.js';

const hour = 3600;
const start = 1_700_000_000;

test('only leases in Kea’s state 0 with an end count, until the minute in which they end is over', () => {
  assert.is(endOf(1, start + hour), 0);
  assert.is(endOf(2, start + hour), 0);
  assert.is(endOf(0, 0), 0);
  const active = new Active(start);
  active.move(0, endOf(0, start + hour));
  assert.is(active.count(start), 1);
  assert.is(active.count(start + hour), 1);
  assert.is(active.count(start + hour + 60), 0);
});

test('one that never ends stays, one that ended before it was counted does not show', () => {
  const active = new Active(start);
  active.move(0, endOf(0, start + 0xffffffff));
  active.move(0, endOf(0, start - hour));
  assert.is(active.count(start + 1000 * hour), 1);
});

test('whatever is added, moved and taken away, and wherever the clock goes, it is what counting one by one gives', () => {
  const active = new Active(start);
  const ends: number[] = [];
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed % below;
  };
  let clock = start;
  for (let step = 0; step < 20_000; step++) {
    const i = random(300);
    const before = ends[i] ?? 0;
    const after = random(4) === 0 ? 0 : endOf(0, clock - 600 + random(20 * 60));
    active.move(before, after);
    ends[i] = after;
    // Mostly on, by minutes; sometimes far, and back.
    clock += random(50) === 0 ? random(20 * hour) - 10 * hour : random(120);
    if (step % 7 === 0) {
      const now = Math.ceil(clock / 60);
      assert.is(active.count(clock), ends.filter((end) => end !== 0 && end >= now).length);
    }
  }
});

test.run();
