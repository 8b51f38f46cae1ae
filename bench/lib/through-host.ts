// SPDX-License-Identifier: MPL-2.0
// Lease events from a journal to a fresh store through the host's process.
import { join } from 'node:path';
import { EmbeddedView } from '../../test/daemons/lib/embedded-view.js';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed, frames } from './feed.js';
import { arrived, complete, type Held, LEASES } from './progress.js';

export type Pair = readonly [key: string, value: string];

export interface ThroughHost {
  kind: 'embedded' | 'etcd' | 'etcd-gateway';
  events: number;
  /** Events that go before, for the compilers. */
  warm: number;
}

interface Target {
  /** The host's configuration of it. */
  store: Record<string, string | number | string[]>;
  held: Held;
  stop(): Promise<unknown>;
}

async function target(kind: ThroughHost['kind']): Promise<Target> {
  const directory = temporary('store');
  if (kind === 'embedded') {
    const view = new EmbeddedView(directory);
    return { store: { kind, directory }, held: view, stop: () => view.close() };
  }
  const etcd = await Etcd.start();
  const { endpoints } = etcd;
  const store = { kind, directory, endpoints, 'connect-timeout': 2, 'request-timeout': 5 };
  return { store, held: etcd, stop: () => etcd.stop() };
}

/** Events per second, and what the host wrote. */
export async function throughHost({
  kind,
  events,
  warm,
}: ThroughHost): Promise<{ rate: number; written: Pair[] }> {
  const directory = join(temporary('journal'), 'dhcp4');
  const { store, held, stop } = await target(kind);
  const feed = await Feed.open(directory);
  const journals = { dhcp4: { directory, family: 4 as const } };
  const host = await Host.start({ journals, plugins: { leases: {} }, extra: { store } });
  // The journal's beginning, a few batches for the compilers, and rest.
  await feed.send(events, warm, false);
  await arrived(held, events + warm - 1, 60_000);
  await complete(held, warm);
  const bytes = frames(0, events, false);

  const start = performance.now();
  await Promise.all([feed.write(bytes), arrived(held, events - 1, 120_000)]);
  const seconds = (performance.now() - start) / 1000;
  await complete(held, events + warm);
  const written = (await held.list(LEASES)).map(({ key, value }) => [key, value] as const);
  await host.stop();
  await feed.close();
  await stop();
  return { rate: events / seconds, written };
}
