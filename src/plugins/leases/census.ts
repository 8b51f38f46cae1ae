// SPDX-License-Identifier: MPL-2.0
// What this node wrote before this life began: the keys are gone through once, at a quarter of a core at most,
// and those of this node become known, with their revision and their end but not their content. Until then
// the number of active leases is not known. Events go on meanwhile: what they touched is newer and is left alone.
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { parseAddress } from '../../host/address.js';
import type { KeyValue, ReadPrefix } from '../../host/plugin.js';
import { endOf } from './active.js';
import type { Known } from './known.js';
import { readStored } from './stored.js';
import { firstPage } from './sweep.js';

const pageSize = 2000;
/** Entries that are looked at before others have a turn. */
const slice = 500;
/** Rest after a page, in multiples of the time it took. */
const rest = 3;

export interface CensusOptions {
  node: string;
  prefix: ReadPrefix;
  known: Record<4 | 6, Known>;
}

export class Census {
  readonly #o: CensusOptions;
  #after: string | undefined;
  #done = false;
  /** Grows when the store turns out to be another one: pages of the one before do not count. */
  #store = 0;
  /** Names of keys that were deleted since the page under way was asked for: it may still show them. */
  readonly #gone = new Set<string>();

  constructor(options: CensusOptions) {
    this.#o = options;
  }

  /** Whether every key of this node is known. */
  get done(): boolean {
    return this.#done;
  }

  /** A key was deleted. */
  gone(name: string): void {
    if (!this.#done) this.#gone.add(name);
  }

  /** Goes on where it stood; rejects on abort, or when the store fails for good. */
  async run(signal: AbortSignal): Promise<void> {
    while (!this.#done) {
      const began = performance.now();
      this.#gone.clear();
      const store = this.#store;
      const { entries } = await firstPage(this.#o.prefix, pageSize, this.#after);
      signal.throwIfAborted();
      if (!(await this.#takeAll(entries, store, signal))) continue;
      this.#done = entries.length < pageSize;
      this.#after = this.#o.prefix.name(entries.at(-1)?.key ?? '');
      if (!this.#done) await wait((performance.now() - began) * rest, undefined, { signal });
    }
    this.#gone.clear();
  }

  /** The store is another one. Run again. */
  reset(): void {
    this.#store++;
    this.#after = undefined;
    this.#done = false;
  }

  /** False: the store turned out to be another one. */
  async #takeAll(entries: readonly KeyValue[], store: number, signal: AbortSignal): Promise<boolean> {
    for (const [i, entry] of entries.entries()) {
      if (i % slice === slice - 1) await setImmediate(undefined, { signal });
      if (store !== this.#store) return false;
      this.#take(entry);
    }
    return store === this.#store;
  }

  #take(entry: KeyValue): void {
    const { prefix, known: both, node } = this.#o;
    const name = prefix.name(entry.key) ?? '';
    const address = parseAddress(name);
    if (address === undefined || this.#gone.has(name)) return;
    const known = both[address.length === 4 ? 4 : 6];
    if (known.find(address) >= 0) return;
    const stored = readStored(entry.value);
    if (stored.node !== node) return;
    const slot = known.add(address);
    const { seq, word } = stored;
    known.set(slot, { revision: entry.modRevision, seq, hashLow: 0, hashHigh: 0, client: 0, word });
    known.setUnread(slot);
    known.setEnd(slot, endOf(stored.state, stored.expiresAt));
  }
}
