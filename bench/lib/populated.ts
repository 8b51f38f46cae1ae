// SPDX-License-Identifier: MPL-2.0
// A node that has been at work for long: its leases in the store, its journal read to the end, no walk owed.
import { join } from 'node:path';
import { embeddedStore } from '../../src/host/store/embedded.js';
import { etcdStore } from '../../src/host/store/etcd.js';
import { EmbeddedView } from '../../test/daemons/lib/embedded-view.js';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { tree } from '../../test/daemons/lib/kea.js';
import { until } from '../../test/daemons/lib/process.js';
import { parseScrape, sample } from '../../test/daemons/lib/scrape.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed } from './feed.js';
import { arrived, complete, type Held } from './progress.js';

const followed = '/nnoe/follower/keys/';
const STEP = 50_000;
const OPERATIONS = 128;
/** Bytes that etcd may fill. */
const quota = String(8 * 2 ** 30);

interface Stoppable extends Held {
  stop(): Promise<unknown>;
}

export interface Populated {
  held: Stoppable;
  host: Host;
  feed: Feed;
}

export interface Population {
  store: 'embedded' | 'etcd';
  leases: number;
  /** Below the prefix that a plugin of the host follows. */
  keys: number;
  say(line: string): void;
}

export async function populate({ store, leases, keys, say }: Population): Promise<Populated> {
  const directory = join(temporary('journal'), 'dhcp4');
  const etcd = store === 'etcd' ? await Etcd.start({ args: ['--quota-backend-bytes', quota] }) : undefined;
  const feed = await Feed.open(directory);
  await feed.emptyWalk(directory);
  const host = await Host.create({
    journals: { dhcp4: { directory, family: 4 } },
    plugins: { leases: {}, follower: {} },
    script: join(tree, 'dist/test/daemons/fixtures/following-host.js'),
    ...(etcd && { endpoints: etcd.endpoints }),
  });
  const writer = etcd
    ? etcdStore({ endpoints: etcd.endpoints })
    : embeddedStore({ directory: host.storeDirectory });
  for (let first = 0; first < keys; first += OPERATIONS)
    await writer.commit({ operations: puts(first, Math.min(OPERATIONS, keys - first)) });
  await writer.close();
  await host.start();
  const held = etcd ?? viewOf(host);
  for (let first = 0; first < leases; first += STEP) {
    const wanted = Math.min(leases, first + STEP);
    await feed.send(first, wanted - first, false);
    await arrived(held, wanted - 1, 120_000);
    if (wanted % 200_000 === 0) say(`${wanted} leases in the store`);
  }
  await complete(held, leases);
  await counted(host, leases);
  return { held, host, feed };
}

function viewOf({ storeDirectory }: Host): Stoppable {
  const view = new EmbeddedView(storeDirectory);
  return {
    get: (key) => view.get(key),
    count: (prefix) => view.count(prefix),
    list: (prefix) => view.list(prefix),
    stop: () => view.close(),
  };
}

/** As a policy or a role mapping is: about 100 bytes. */
function puts(first: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    put: `${followed}10.${(first + i) >> 16}.${((first + i) >> 8) & 255}.${(first + i) & 255}`,
    value: JSON.stringify({ roles: ['staff', 'printer'], note: 'x'.repeat(60) }),
  }));
}

/** Resolves when the host has gone through what it wrote before, and says that it is so many leases. */
export async function counted(host: Host, leases: number): Promise<void> {
  const probe = async () => sample(parseScrape(await host.metrics()), 'nnoe_dhcp_leases_active') === leases;
  await until(`${leases} leases counted`, probe, 300_000, 500);
}

export async function end({ host, feed, held }: Populated): Promise<void> {
  await host.stop();
  await feed.close();
  await held.stop();
}
