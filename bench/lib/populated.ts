// SPDX-License-Identifier: MPL-2.0
// A node that has been at work for long: its leases in the store, its journal read to the end, no walk owed.
import { join } from 'node:path';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { tree } from '../../test/daemons/lib/kea.js';
import { until } from '../../test/daemons/lib/process.js';
import { parseScrape, sample } from '../../test/daemons/lib/scrape.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed } from './feed.js';
import { arrived, complete } from './progress.js';

const followed = '/nnoe/follower/keys/';
const STEP = 50_000;
const OPERATIONS = 128;

const encode = (text: string): string => Buffer.from(text).toString('base64');

export interface Populated {
  etcd: Etcd;
  host: Host;
  feed: Feed;
}

/** @param keys how many there are below the prefix that a plugin of the host follows. */
export async function populate(
  leases: number,
  keys: number,
  say: (line: string) => void,
): Promise<Populated> {
  const directory = join(temporary('journal'), 'dhcp4');
  const etcd = await Etcd.start({ args: ['--quota-backend-bytes', String(8 * 2 ** 30)] });
  const feed = await Feed.open(directory);
  await feed.emptyWalk(directory);
  for (let first = 0; first < keys; first += OPERATIONS)
    await etcd.call('kv/txn', { success: puts(first, Math.min(OPERATIONS, keys - first)) });
  const host = await Host.start({
    journals: { dhcp4: { directory, family: 4 } },
    endpoints: etcd.endpoints,
    plugins: { leases: {}, follower: {} },
    script: join(tree, 'dist/test/daemons/fixtures/following-host.js'),
  });
  for (let first = 0; first < leases; first += STEP) {
    const wanted = Math.min(leases, first + STEP);
    await feed.send(first, wanted - first, false);
    await arrived(etcd, wanted - 1, 120_000);
    if (wanted % 200_000 === 0) say(`${wanted} leases in etcd`);
  }
  await complete(etcd, leases);
  await counted(host, leases);
  return { etcd, host, feed };
}

/** As a policy or a role mapping is: about 100 bytes. */
function puts(first: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    requestPut: {
      key: encode(`${followed}10.${(first + i) >> 16}.${((first + i) >> 8) & 255}.${(first + i) & 255}`),
      value: encode(JSON.stringify({ roles: ['staff', 'printer'], note: 'x'.repeat(60) })),
    },
  }));
}

/** Resolves when the host has gone through what it wrote before, and says that it is so many leases. */
export async function counted(host: Host, leases: number): Promise<void> {
  const probe = async () => sample(parseScrape(await host.metrics()), 'nnoe_dhcp_leases_active') === leases;
  await until(`${leases} leases counted`, probe, 180_000, 500);
}

export async function end({ host, feed, etcd }: Populated): Promise<void> {
  await host.stop();
  await feed.close();
  await etcd.stop();
}
