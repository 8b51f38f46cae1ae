// SPDX-License-Identifier: MPL-2.0
// When is everything that was fed in the store? Counting a prefix costs etcd as much as hundreds of writes, so
// what is asked while the clock runs is one key; the count comes afterwards, as the proof.
import type { Etcd } from '../../test/daemons/lib/etcd.js';
import { until } from '../../test/daemons/lib/process.js';
import { leaseAddress } from './feed.js';

export const LEASES = '/nnoe/dhcp/leases/';

/** Resolves when the lease of client `last`, which was fed last, is in etcd: at most a few transactions early. */
export async function arrived(etcd: Etcd, last: number, timeout: number): Promise<void> {
  const key = LEASES + leaseAddress(last).join('.');
  const there = async () => (await etcd.get(key)) !== undefined;
  await until(`${key} in etcd`, there, timeout, 25);
}

/** Resolves when etcd holds that many leases; throws when it does not within 5 s. */
export async function complete(etcd: Etcd, count: number): Promise<void> {
  const there = async () => (await etcd.count(LEASES)) === count;
  await until(`${count} leases in etcd`, there, 5_000, 250);
}
