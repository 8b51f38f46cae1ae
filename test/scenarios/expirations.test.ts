// SPDX-License-Identifier: MPL-2.0
// A hundred thousand leases that expire at once: every one is reported, DHCP goes on, and nothing is left in
// the store.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { leasePrefix, readHistory } from '../daemons/lib/history.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';
import { until } from '../daemons/lib/process.js';
import { readCsv } from '../daemons/lib/witness.js';

const count = 100_000;

/** Leases that all ended a minute ago, in the lease file's first format. */
function leases(): string {
  const expire = Math.floor(Date.now() / 1000) - 60;
  const lines = [
    'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context',
  ];
  for (let i = 1; i <= count; i++) {
    const [a, b, c] = [(i >> 16) & 255, (i >> 8) & 255, i & 255];
    const mac = ['02', '00', '00', ...[a, b, c].map((x) => x.toString(16).padStart(2, '0'))].join(':');
    lines.push(`10.${64 + a}.${b}.${c},${mac},,3600,${expire},1,0,0,,0,`);
  }
  return `${lines.join('\n')}\n`;
}

const isOld = (address: string) => !address.startsWith('10.0.');

test('a hundred thousand leases expire in one go', async () => {
  const subnets = [
    {
      id: 1,
      subnet: '10.0.0.0/8',
      pools: [{ pool: '10.0.0.1-10.0.255.254' }],
      relay: { 'ip-addresses': ['127.0.0.1'] },
    },
  ];
  const plane = await Plane.start({
    keas: [
      {
        family: 4,
        threads: 2,
        leases: leases(),
        expiry: { 'reclaim-timer-wait-time': 0 },
        extra: { subnet4: subnets },
      },
    ],
  });
  const kea = plane.kea(4);
  const held = () => plane.etcd.count(leasePrefix);
  await until('the walk to show every lease', async () => (await held()) === count, 60_000, 500);
  const rate = { rate: 50, clients: 50, seconds: 5, dropTime: 5 };
  // Kea's own timer is off, so that all of them end in this one call, during which Kea answers nobody.
  await kea.command('leases-reclaim', { remove: true });
  const clients = load(kea, rate);
  const gone = async () => (await held()) <= 2 * rate.clients;
  await until('every lease to be gone from the store', gone, 60_000, 500);
  const report = await clients.finished();
  await plane.drained();
  const expired = (await readHistory(plane.etcd, 4)).filter(
    (event) => event.operation === 'expire' && isOld(event.address),
  );
  assert.is(new Set(expired.map((event) => event.address)).size, count);
  assert.is(expired.length, count);
  const deleted = readCsv(kea.at.csv, 4).filter((line) => line.deleted && isOld(line.address));
  assert.is(deleted.length, count);
  assert.ok((await sameLeases(plane, 4)) > 0);
  assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  await plane.stop();
});

test('leases that expire one by one are one event each', async () => {
  const hook = { 'snapshot-on-start': false };
  const plane = await Plane.start({
    keas: [
      { family: 4, threads: 0, hook, validLifetime: 2 },
      { family: 6, threads: 0, hook, validLifetime: 2, extra: { 'preferred-lifetime': 1 } },
    ],
  });
  await Promise.all(
    plane.keas.map((kea) =>
      load(kea, { rate: 100, clients: 100, seconds: 2, leases: 'address-and-prefix' }).finished(),
    ),
  );
  for (const kea of plane.keas) {
    const held = async () => (await kea.ask(`lease${kea.family}-get-all`)).result === 3;
    await until('every lease to be reclaimed', held, 15_000, 100);
  }
  await plane.drained();
  for (const { family } of plane.keas) assert.ok((await exactHistory(plane, family)) >= 200);
  assert.is(await plane.etcd.count(leasePrefix), 0);
  await plane.stop();
});

test.run();
