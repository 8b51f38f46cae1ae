// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Lease, Leases } from './etcd-leases.js';
import type { LeaseGrant } from './etcd-protocol.js';

/** A cluster with a clock of its own: when each lease ends. */
function cluster() {
  let now = 1000;
  const ends = new Map<number, number>();
  const leases = new Leases(
    async ({ id, ttl }: LeaseGrant) => {
      assert.ok(Number.isInteger(ttl) && Number.isSafeInteger(id) && !ends.has(id));
      ends.set(id, now + ttl);
      return true;
    },
    () => now,
  );
  const advance = (seconds: number) => {
    now += seconds;
  };
  const end = ({ id }: Lease) => (ends.get(id) as number) - now;
  return { leases, ends, advance, end };
}

test('a key goes not before its ttl and at most a quarter and 3 s later, whenever it is put', async () => {
  const { leases, advance, end } = cluster();
  for (let i = 0; i < 2000; i++) {
    const ttl = 1 + ((i * 37) % 1000) / 3;
    const left = end(await leases.find(ttl));
    assert.ok(left >= ttl && left <= ttl * 1.25 + 3, `${left} s for ${ttl} s`);
    advance(((i * 7) % 11) / 10);
  }
});

test('one ttl makes six leases at most, however many keys there are', async () => {
  const { leases, ends, advance } = cluster();
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    await leases.find(60);
    most = Math.max(most, leases.size);
    advance(0.01);
  }
  assert.ok(most <= 6, String(most));
  assert.ok(ends.size <= 1000 / 15 + 1, String(ends.size));
});

test('any mixture of ttls from a second to a month makes some hundred', async () => {
  const { leases, advance } = cluster();
  let most = 0;
  for (let i = 0; i < 50_000; i++) {
    await leases.find(1 + ((i * 7919) % 2_592_000));
    most = Math.max(most, leases.size);
    advance(1);
  }
  assert.ok(most < 300, String(most));
});

test('who asks together shares one grant; a failed one is asked for again', async () => {
  let grants = 0;
  const leases = new Leases(async () => {
    if (++grants === 1) throw new Error('no');
    return true;
  });
  const first = await Promise.all([1, 2, 3].map(() => leases.find(10).then(String, () => 'failed')));
  assert.equal(first, ['failed', 'failed', 'failed']);
  const [a, b] = await Promise.all([leases.find(10), leases.find(10)]);
  assert.is(a, b);
  assert.is(grants, 2);
  leases.forget();
  assert.is.not(await leases.find(10), a);
});

test('a grant that takes several attempts counts from the last; what a lost answer made is not used', async () => {
  let now = 0;
  const made: number[] = [];
  const leases = new Leases(
    async ({ id }, again) => {
      now += 100;
      again();
      now += 1;
      made.push(id);
      return made.length > 1;
    },
    () => now,
  );
  const lease = await leases.find(60);
  assert.is(lease.id, made[1]);
  assert.is(lease.ends, 201 + 75);
  assert.ok(leases.serves(lease, 60));
  now += 20;
  assert.not(leases.serves(lease, 60));
});

test.run();
