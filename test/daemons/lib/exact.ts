// SPDX-License-Identifier: MPL-2.0
// The two assertions that everything comes down to.
import * as assert from 'uvu/assert';
import {
  type CompareOptions,
  type Comparison,
  describe,
  readLeases,
  type Stored,
  type StoreView,
} from './history.js';
import type { Kea } from './kea.js';
import { finalLeases, type Line, readCsv } from './witness.js';

/** What the assertions need of a plane. */
export interface Planes {
  etcd: StoreView;
  kea(family: 4 | 6): Kea;
  compare(family: 4 | 6, options?: Partial<CompareOptions>): Promise<Comparison>;
}

/** Every line of Kea's lease file is in the history, in order, and nothing else is. Returns how many. */
export async function exactHistory(
  plane: Pick<Planes, 'compare'>,
  family: 4 | 6,
  options: Partial<CompareOptions> & {
    /** Kea expires a lease without writing so when it gives the address to somebody at once. */
    reuse?: boolean;
  } = {},
): Promise<number> {
  const result = await plane.compare(family, options);
  if (options.reuse) result.extra = result.extra.filter((event) => event.operation !== 'expire');
  const told = `kea-dhcp${family}: ${describe(result)}`;
  assert.is(result.lost.length + result.misplaced.length + result.extra.length, 0, told);
  return result.lines;
}

const shape = (lease: Line | Stored) =>
  `${lease.owner} ${lease.hwaddr} cltt ${lease.cltt} valid ${lease.validLft} state ${lease.state} ` +
  `/${lease.prefixLen} type ${lease.type} ${JSON.stringify(lease.hostname)}`;

/** The store holds the leases that Kea holds, and no other. Returns how many. */
export async function sameLeases(plane: Pick<Planes, 'etcd' | 'kea'>, family: 4 | 6): Promise<number> {
  const held = finalLeases(readCsv(plane.kea(family).at.csv, family));
  const stored = await readLeases(plane.etcd, family);
  const faults: string[] = [];
  for (const address of new Set([...held.keys(), ...stored.keys()])) {
    const [kea, store] = [held.get(address), stored.get(address)].map((l) => (l ? shape(l) : 'nothing'));
    if (kea !== store) faults.push(`${address}: Kea holds ${kea}; the store ${store}`);
  }
  const shown = faults.slice(0, 10).join('\n');
  assert.is(faults.length, 0, `kea-dhcp${family}, ${faults.length} of ${held.size} leases differ:\n${shown}`);
  return held.size;
}
