// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Known } from './known.js';

const v4 = (i: number) => Buffer.from([10, (i >> 16) & 255, (i >> 8) & 255, i & 255]);
const v6 = (i: number) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(0x20010db8);
  bytes.writeUInt32BE(i, 12);
  return bytes;
};

test('agrees with a Map over random adds and removals, for both families', () => {
  for (const [family, make] of [
    [4, v4],
    [6, v6],
  ] as const) {
    const known = new Known(family);
    const model = new Map<number, number>();
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    for (let step = 0; step < 60_000; step++) {
      const i = random(20_000);
      const slot = known.find(make(i));
      assert.is(slot >= 0, model.has(i));
      if (slot >= 0) assert.is(known.revision(slot), model.get(i));
      if (slot >= 0 && random(2) === 0) {
        known.remove(slot);
        model.delete(i);
      } else {
        const revision = random(1_000_000) * 2 ** 20;
        known.setRevision(known.add(make(i)), revision);
        model.set(i, revision);
      }
    }
    assert.is(known.size, model.size);
    for (const [i, revision] of model) assert.is(known.revision(known.find(make(i))), revision);
  }
});

test('a slot given back is new when it is used again', () => {
  const known = new Known(4);
  const slot = known.add(v4(1));
  known.set(slot, { revision: 9, seq: 8, hashLow: 7, hashHigh: 6, client: 5, word: 'expire' });
  known.setUnsure(slot);
  known.setWalk(slot, 3);
  known.remove(slot);
  assert.is(known.find(v4(1)), -1);
  assert.not(known.isLive(slot));
  assert.is(known.add(v4(2)), slot);
  assert.is(known.revision(slot), 0);
  assert.is(known.walk(slot), 0);
  assert.is(known.word(slot), 'offer');
  assert.not(known.isUnsure(slot));
});

test('facts are kept, and being told them ends doubt', () => {
  const known = new Known(6);
  const slot = known.add(v6(5));
  known.setUnsure(slot);
  assert.ok(known.isUnsure(slot));
  known.set(slot, {
    revision: 2 ** 50,
    seq: 2 ** 52,
    hashLow: 2 ** 32 - 1,
    hashHigh: 1,
    client: 3,
    word: 'renew',
  });
  assert.not(known.isUnsure(slot));
  assert.is(known.revision(slot), 2 ** 50);
  assert.is(known.seq(slot), 2 ** 52);
  assert.ok(known.sameHash(slot, 2 ** 32 - 1, 1));
  assert.is(known.word(slot), 'renew');
  known.raiseSeq(slot, 5);
  assert.is(known.seq(slot), 2 ** 52);
});

test('memory: at most 60 bytes a key for IPv4', () => {
  const before = process.memoryUsage().arrayBuffers;
  const known = new Known(4);
  for (let i = 0; i < 300_000; i++) known.add(v4(i));
  const bytes = (process.memoryUsage().arrayBuffers - before) / 300_000;
  assert.ok(bytes < 60, `${bytes} bytes`);
  assert.is(known.size, 300_000);
});

test.run();
