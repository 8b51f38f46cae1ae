// SPDX-License-Identifier: MPL-2.0
// The plugin `leases` on a real etcd, which stalls, dies, runs out of space and comes back empty meanwhile.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseEvent } from '../../src/host/gen/events.js';
import { etcdStore } from '../../src/host/store/etcd.js';
import type { Store } from '../../src/host/store/store.js';
import { type Harness, harness, Operation } from '../../src/host/testing.js';
import plugin from '../../src/plugins/leases/plugin.js';
import { Etcd } from './lib/etcd.js';
import { sleep, until } from './lib/process.js';

const prefix = '/nnoe/dhcp/leases/';
const now = Math.floor(Date.now() / 1000);
const opened: Store[] = [];

const open = (etcd: Etcd, requestTimeout = 1): Store => {
  const store = etcdStore({ endpoints: etcd.endpoints, connectTimeout: 1, requestTimeout });
  opened.push(store);
  return store;
};
const life = (store: Store, config: Record<string, unknown> = {}) =>
  harness<Store>(plugin, { store, node: 'a', config });

const lease = (i: number, fields: Partial<LeaseEvent> = {}): Partial<LeaseEvent> => ({
  operation: Operation.ASSIGN,
  address: Buffer.from([10, 0, i >> 8, i & 255]),
  prefixLen: 32,
  hwaddr: Buffer.from([2, 0, 0, 0, i >> 8, i & 255]),
  clientId: Buffer.from([1, 2, 0, 0, 0, i >> 8, i & 255]),
  hostname: Buffer.from(`host-${i}`),
  subnetId: 1,
  cltt: now,
  validLft: 3600,
  observedUs: now * 1e6 + i,
  ...fields,
});
const range = (count: number, make: (i: number) => Partial<LeaseEvent>) =>
  Array.from({ length: count }, (_, i) => make(i));

/** Address to cltt, as etcd holds it. */
async function held(etcd: Etcd): Promise<Record<string, number>> {
  const entries = await etcd.list(prefix);
  return Object.fromEntries(
    entries.map(({ key, value }) => [key.slice(prefix.length), JSON.parse(value).cltt as number]),
  );
}
const expected = (events: Partial<LeaseEvent>[]) =>
  Object.fromEntries(events.map(({ address, cltt }) => [(address as Buffer).join('.'), cltt as number]));

/** Emits in batches of 50, eight at a time, as the host does. */
async function stream(h: Harness<Store>, events: Partial<LeaseEvent>[]): Promise<void> {
  const under: Promise<void>[] = [];
  for (let at = 0; at < events.length; at += 50) {
    if (under.length >= 8) await under.shift();
    under.push(h.emit('lease', ...events.slice(at, at + 50)));
  }
  await Promise.all(under);
}

test('a thousand keys come, change and go', async () => {
  const etcd = await Etcd.start();
  // Patient: an attempt given up too early would be applied and then conflict with itself.
  const h = await life(open(etcd, 30), { history: true });
  const assigned = range(1000, (i) => lease(i));
  await stream(h, assigned);
  assert.equal(await held(etcd), expected(assigned));
  const renewed = range(1000, (i) => lease(i, { operation: Operation.RENEW, cltt: now + 1 }));
  await stream(h, renewed);
  assert.equal(await held(etcd), expected(renewed));
  await stream(
    h,
    range(1000, (i) => lease(i, { operation: i % 2 ? Operation.RELEASE : Operation.EXPIRE, cltt: now + 1 })),
  );
  assert.equal(await held(etcd), {});
  assert.is(await etcd.count('/nnoe/dhcp/history/'), 3000);
  assert.is(await h.metric('conflicts_total'), 0);
  await h.stop();
  await etcd.stop();
});

test('killed and stopped again and again under load: nothing is lost, nothing stays', async () => {
  const etcd = await Etcd.start();
  const store = open(etcd);
  const h = await life(store, { history: true });
  let done = false;
  const trouble = (async () => {
    for (let i = 0; !done; i++) {
      await sleep(150);
      if (i % 2 === 0) {
        await etcd.killMember(0);
        await sleep(50);
        etcd.startMember(0);
        await etcd.ready();
      } else {
        etcd.member(0).proc?.signal('SIGSTOP');
        await sleep(1300);
        etcd.member(0).proc?.signal('SIGCONT');
      }
    }
  })();
  let final: Partial<LeaseEvent>[] = [];
  let events = 0;
  for (let round = 0; round < 12; round++) {
    const gone = (i: number) => i % 10 === round % 10;
    const all = range(300, (i) =>
      lease(i, {
        operation: gone(i) ? Operation.RELEASE : Operation.ASSIGN,
        cltt: now + round,
        observedUs: (now + round) * 1e6 + i,
      }),
    );
    await stream(h, all);
    events += all.length;
    final = all.filter((_, i) => !gone(i));
    await sleep(40);
  }
  done = true;
  await trouble;
  assert.equal(await held(etcd), expected(final));
  assert.is(await etcd.count('/nnoe/dhcp/history/'), events);
  assert.is(h.failure, undefined);
  assert.is(store.health().state, 'ok');
  await h.stop();
  await etcd.stop();
});

test('a long stall is told of, and over it nothing is lost', async () => {
  const etcd = await Etcd.start();
  const h = await life(open(etcd));
  await stream(h, [lease(1)]);
  etcd.member(0).proc?.signal('SIGSTOP');
  const waiting = stream(
    h,
    range(300, (i) => lease(i, { cltt: now + 5 })),
  );
  await until('health to be degraded', () => h.health().state === 'degraded', 20_000);
  etcd.member(0).proc?.signal('SIGCONT');
  await waiting;
  assert.is(Object.keys(await held(etcd)).length, 300);
  await until('health to be well', () => h.health().state === 'ok');
  await h.stop();
  await etcd.stop();
});

test('out of space, and on when there is space again', async () => {
  const args = ['--quota-backend-bytes=4194304'];
  const etcd = await Etcd.start({ args });
  const store = open(etcd);
  const h = await life(store);
  const userContext = Buffer.from(JSON.stringify({ filler: 'x'.repeat(8000) }));
  let rounds = 0;
  let enough = false;
  const filled = (async () => {
    while (!enough) {
      const cltt = now + ++rounds;
      await stream(
        h,
        range(300, (i) => lease(i, { userContext, cltt })),
      );
    }
  })();
  await until('the alarm', () => store.health().code === 'STORE_NO_SPACE');
  enough = true;
  // What an operator does: more room, and the alarm taken back.
  args[0] = '--quota-backend-bytes=268435456';
  await etcd.killMember(0);
  etcd.startMember(0);
  await etcd.ready();
  const { alarms } = await etcd.call('maintenance/alarm', { action: 'GET' });
  for (const alarm of alarms as object[])
    await etcd.call('maintenance/alarm', { ...alarm, action: 'DEACTIVATE' });
  await filled;
  assert.equal(await held(etcd), expected(range(300, (i) => lease(i, { cltt: now + rounds }))));
  assert.is(h.failure, undefined);
  assert.is(store.health().state, 'ok');
  await h.stop();
  await etcd.stop();
});

test('an etcd that came back empty is filled again from a walk', async () => {
  const etcd = await Etcd.start();
  const h = await life(open(etcd));
  const leases = range(500, (i) => lease(i));
  await stream(h, leases);
  await etcd.stop();
  const fresh = await Etcd.start({ clientPort: etcd.member(0).clientPort });
  await until('the plugin to ask for a walk', () => h.walksRequested > 0, 20_000);
  await h.walk(leases.map((event) => ({ ...event, operation: Operation.SNAPSHOT })));
  assert.equal(await held(fresh), expected(leases));
  await h.stop();
  await fresh.stop();
});

test('a second life adopts what the first wrote, without writing it again', async () => {
  const etcd = await Etcd.start();
  const store = open(etcd);
  const first = await life(store);
  const leases = range(700, (i) => lease(i));
  await stream(first, leases);
  await first.stop();
  const before = await etcd.list(prefix);
  const second = await life(store);
  second.seq = first.seq;
  await second.walk(leases.map((event) => ({ ...event, operation: Operation.SNAPSHOT })));
  assert.equal(await etcd.list(prefix), before);
  const removed = await second.metric('removed_total');
  assert.is(removed, 0);
  await second.walk(leases.slice(0, 600).map((event) => ({ ...event, operation: Operation.SNAPSHOT })));
  await until('what the walk did not show to go', async () => (await etcd.count(prefix)) === 600);
  await second.stop();
  await etcd.stop();
});

test.after(async () => {
  await Promise.all(opened.map((store) => store.close()));
});

test.run();
