// SPDX-License-Identifier: MPL-2.0
// limit: 240 s
// Whatever etcd does, clients get their leases without delay, nothing of it is lost, and everything is in
// the store once etcd is well again.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { historyPrefix, leasePrefix, readLeases } from '../daemons/lib/history.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane, type PlaneOptions } from '../daemons/lib/plane.js';
import { run, sleep, until } from '../daemons/lib/process.js';

const keas: PlaneOptions['keas'] = [
  { family: 4, threads: 2, hook: { 'snapshot-on-start': false } },
  { family: 6, threads: 0, hook: { 'snapshot-on-start': false } },
];
const mix = { rate: 100, clients: 100, renews: 30, releases: 30, leases: 'address-and-prefix' } as const;

/** Load on both servers while `trouble` goes on; no packet may go unanswered. */
async function under(plane: Plane, seconds: number, trouble: () => Promise<void>): Promise<void> {
  const loads = plane.keas.map((kea) => load(kea, { ...mix, seconds }));
  await trouble();
  for (const report of await Promise.all(loads.map((l) => l.finished()))) {
    assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  }
}

async function nothingLost(plane: Plane): Promise<void> {
  await plane.etcd.ready();
  await plane.host.healthy(60_000);
  await plane.drained();
  for (const { family } of plane.keas) {
    assert.ok((await exactHistory(plane, family)) > 150);
    await sameLeases(plane, family);
  }
  await plane.stop();
}

/** The host says that it is not well, and why. */
async function complains(plane: Plane, reason: RegExp): Promise<void> {
  const probe = async () => {
    const health = await plane.host.health();
    return health !== undefined && reason.test(JSON.stringify(health.body));
  };
  await until(`the host's health to say ${reason}`, probe, 15_000, 50);
}

test('etcd refuses connections', async () => {
  const plane = await Plane.start({ keas });
  await plane.etcd.killMember(0);
  await under(plane, 3, () => complains(plane, /STORE_|unavailable|refused/i));
  plane.etcd.startMember(0);
  await nothingLost(plane);
});

test('etcd stalls without closing a connection', async () => {
  const plane = await Plane.start({ keas });
  const etcd = plane.etcd.member(0).proc;
  await under(plane, 9, async () => {
    await sleep(500);
    etcd?.signal('SIGSTOP');
    await complains(plane, /STORE_|timeout|deadline/i);
    etcd?.signal('SIGCONT');
  });
  await nothingLost(plane);
});

test('two of three members are gone, so there is no quorum', async () => {
  const plane = await Plane.start({ keas, etcd: { members: 3 } });
  await under(plane, 8, async () => {
    await sleep(300);
    await plane.etcd.killMember(0);
    await plane.etcd.killMember(1);
    await complains(plane, /STORE_|quorum|leader/i);
    plane.etcd.startMember(0);
    plane.etcd.startMember(1);
  });
  await nothingLost(plane);
});

test('etcd has no space left and raises its alarm', async () => {
  const plane = await Plane.start({ keas, etcd: { args: ['--quota-backend-bytes', '16777216'] } });
  const filler = 'x'.repeat(1_000_000);
  const ctl = (...args: string[]) =>
    run('etcdctl', ['--endpoints', plane.etcd.endpoints.join(','), ...args], { ETCDCTL_API: '3' });
  await under(plane, 5, async () => {
    for (let i = 0; i < 40; i++) {
      const full = await plane.etcd.put(`/filler/${i % 4}`, filler).then(
        () => false,
        (error: Error) => /space/.test(error.message),
      );
      if (full) break;
    }
    await complains(plane, /NOSPACE|space/i);
  });
  // What an operator does: delete, compact, defragment, disarm.
  await plane.etcd.delete('/filler/');
  await plane.etcd.call('kv/compaction', { revision: await plane.etcd.revision() });
  ctl('defrag');
  ctl('alarm', 'disarm');
  await nothingLost(plane);
});

test('the connection breaks in the middle of transactions, again and again', async () => {
  const plane = await Plane.start({ keas, proxy: true });
  const { proxy } = plane;
  if (!proxy) throw new Error('no proxy');
  await under(plane, 4, async () => {
    for (let i = 0; i < 8; i++) {
      await sleep(150);
      proxy.loseAnswers();
      const before = proxy.broken;
      await until('an answer to be lost', () => proxy.broken > before);
      proxy.pass();
    }
  });
  assert.ok(proxy.broken >= 8);
  await nothingLost(plane);
});

test('etcd comes back empty', async () => {
  const plane = await Plane.start({ keas });
  await under(plane, 3, async () => {
    await sleep(1_000);
    await plane.etcd.killMember(0);
    rmSync(join(plane.etcd.member(0).directory, 'data'), { recursive: true });
    plane.etcd.startMember(0);
  });
  await plane.host.healthy(60_000);
  // Leases that did not change since are back as well: the host had Kea's lease database read again.
  const kea = plane.kea(4);
  const held = await kea.command('lease4-get-all');
  const count = (held.leases as unknown[]).length;
  const probe = async () => (await readLeases(plane.etcd, 4)).size >= count;
  await until('all leases to be in the store again', probe, 30_000, 100);
  await plane.drained();
  for (const { family } of plane.keas) await sameLeases(plane, family);
  assert.ok((await plane.etcd.count(historyPrefix)) > 0);
  assert.ok((await plane.etcd.count(leasePrefix)) > 0);
  await plane.stop();
});

test.run();
