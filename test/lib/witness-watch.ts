// SPDX-License-Identifier: MPL-2.0
// Everything that happens below a prefix in etcd, as npm etcd3's own watcher tells it over a connection that nobody
// disturbs: the witness of what followers should have been told.
import { Etcd3 } from 'etcd3';
import type { HistoryEvent } from './told.js';

export interface History {
  /** From the store's first revision on. */
  readonly events: HistoryEvent[];
  /** When this process was told of each revision, us since 1970. */
  readonly times: Map<number, number>;
  close(): Promise<void>;
}

export async function recordHistory(endpoint: string, prefix: string): Promise<History> {
  const client = new Etcd3({ hosts: endpoint });
  const events: HistoryEvent[] = [];
  const times = new Map<number, number>();
  const watcher = await client.watch().prefix(prefix).startRevision('1').create();
  watcher.on('data', ({ events: news }) => {
    const now = (performance.timeOrigin + performance.now()) * 1000;
    for (const { type, kv } of news) {
      const revision = Number(kv.mod_revision);
      events.push({ key: kv.key.toString(), revision, deleted: type === 'Delete' });
      times.set(revision, now);
    }
  });
  const close = async () => {
    await watcher.cancel();
    client.close();
  };
  return { events, times, close };
}
