// SPDX-License-Identifier: MPL-2.0
// Lease events from a journal to a fresh etcd through the host's process.
import { join } from 'node:path';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed, frames } from './feed.js';
import { arrived, complete, LEASES } from './progress.js';

export type Pair = readonly [key: string, value: string];

export interface ThroughHost {
  protocol: 'etcd' | 'etcd-gateway';
  events: number;
  /** Events that go before, for the compilers. */
  warm: number;
}

/** Events per second, and what the host wrote. */
export async function throughHost({
  protocol,
  events,
  warm,
}: ThroughHost): Promise<{ rate: number; written: Pair[] }> {
  const directory = join(temporary('journal'), 'dhcp4');
  const etcd = await Etcd.start();
  const feed = await Feed.open(directory);
  const journals = { dhcp4: { directory, family: 4 as const } };
  const { endpoints } = etcd;
  const host = await Host.start({ journals, endpoints, protocol, plugins: { leases: {} } });
  // The journal's beginning, a few batches for the compilers, and rest.
  await feed.send(events, warm, false);
  await arrived(etcd, events + warm - 1, 60_000);
  await complete(etcd, warm);
  const bytes = frames(0, events, false);

  const start = performance.now();
  await Promise.all([feed.write(bytes), arrived(etcd, events - 1, 120_000)]);
  const seconds = (performance.now() - start) / 1000;
  await complete(etcd, events + warm);
  const written = (await etcd.list(LEASES)).map(({ key, value }) => [key, value] as const);
  await host.stop();
  await feed.close();
  await etcd.stop();
  return { rate: events / seconds, written };
}
