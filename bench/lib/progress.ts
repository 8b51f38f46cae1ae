// SPDX-License-Identifier: MPL-2.0
// When is everything that was fed in the store? Counting a prefix costs a store as much as hundreds of writes, so
// what is asked while the clock runs is one key; the count comes afterwards, as the proof.
import type { Entry } from '../../test/daemons/lib/etcd.js';
import { until } from '../../test/daemons/lib/process.js';
import { leaseAddress } from './feed.js';

export const LEASES = '/nnoe/dhcp/leases/';

/** A store, seen from outside the host. */
export interface Held {
  get(key: string): Promise<Entry | undefined>;
  count(prefix: string): Promise<number>;
  list(prefix: string): Promise<Entry[]>;
}

/** Resolves when the lease of client `last`, which was fed last, is in the store: at most a few transactions early. */
export async function arrived(store: Held, last: number, timeout: number): Promise<void> {
  const key = LEASES + leaseAddress(last).join('.');
  const there = async () => (await store.get(key)) !== undefined;
  await until(`${key} in the store`, there, timeout, 25);
}

/** Resolves when the store holds that many leases; throws when it does not within 5 s. */
export async function complete(store: Held, count: number): Promise<void> {
  const there = async () => (await store.count(LEASES)) === count;
  await until(`${count} leases in the store`, there, 5_000, 250);
}
