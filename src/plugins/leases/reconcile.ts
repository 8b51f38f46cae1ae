// SPDX-License-Identifier: MPL-2.0
// What a walk over Kea's lease database proves. At its end the store is gone through once: a key of this node
// that the walk did not show, and that no event has touched since it began, is not in Kea and is deleted; a
// key that the walk showed but that is not as we left it has us ask for another walk.
import { setImmediate as turn } from 'node:timers/promises';
import { parseAddress } from '../../host/address.js';
import type { KeyValue, WalkScope } from '../../host/plugin.js';
import type { Known } from './known.js';
import { readStored } from './stored.js';
import type { SweepOptions, Swept } from './sweep.js';
import { sweep } from './sweep.js';

export interface Walk extends WalkScope {
  ordinal: number;
}

export interface Reconciled {
  removed: number;
  /** Keys that were gone or altered behind our back; the next walk writes them again. */
  damaged: number;
}

export type SweepStore = Pick<SweepOptions, 'prefix' | 'commit' | 'operations'>;

export interface ReconcilerOptions {
  node: string;
  store: SweepStore;
  pending(known: Known, slot: number): boolean;
  /** A key was deleted by a sweep. */
  gone(name: string): void;
}

/** Rest between pages: half of the time is left to the stream. */
const rest = 1;
const pageSize = 500;
const slotsATurn = 65_536;
/** More walks of one source under way than this: the ends of the first never came. */
const mostOpen = 8;

export class Reconciler {
  readonly #o: ReconcilerOptions;
  /** By source, then by id: those that have begun and not ended. */
  readonly #open = new Map<string, Map<number, Walk>>();
  #ordinal = 0;

  constructor(options: ReconcilerOptions) {
    this.#o = options;
  }

  begin(source: string, scope: WalkScope): void {
    const walks = this.#open.get(source) ?? new Map<number, Walk>();
    this.#open.set(source, walks);
    walks.set(scope.id, { ...scope, ordinal: ++this.#ordinal });
    const [oldest] = walks.keys();
    if (walks.size > mostOpen && oldest !== undefined) walks.delete(oldest);
  }

  /** What marks a key as shown now; 0 when no walk is known to be under way. */
  mark(source: string): number {
    let latest = 0;
    for (const { ordinal } of this.#open.get(source)?.values() ?? []) latest = ordinal;
    return latest * 2;
  }

  /** The walk that ends here, when its beginning was seen too. */
  end(source: string, id: number): Walk | undefined {
    const walk = this.#open.get(source)?.get(id);
    this.#open.get(source)?.delete(id);
    return walk;
  }

  /** @param known must be up to date with everything that was handed over before the end of the walk. */
  async run(known: Known, walk: Walk, signal: AbortSignal): Promise<Reconciled> {
    let damaged = 0;
    const swept = await sweep({
      ...this.#o.store,
      pageSize,
      rest,
      signal,
      victim: (entry, name) => {
        const address = parseAddress(name);
        if (address?.length !== known.width) return false;
        const slot = known.find(address);
        if (slot >= 0 && this.#stays(known, slot, walk)) {
          if (this.#isAltered(known, slot, entry)) damaged++;
          return false;
        }
        return this.#isOurs(entry, walk);
      },
      removed: (_, name) => this.forget(known, name),
    });
    return { removed: swept.removed, damaged: damaged + (await this.#lost(known, walk, swept)) };
  }

  /** Whether the walk or something newer speaks for a key; notes that it was met in the store. */
  #stays(known: Known, slot: number, walk: Walk): boolean {
    const shown = known.walk(slot);
    if (shown >= walk.ordinal * 2) {
      known.setWalk(slot, shown | 1);
      return true;
    }
    return this.#o.pending(known, slot) || known.seq(slot) > walk.id;
  }

  #isAltered(known: Known, slot: number, entry: KeyValue): boolean {
    if (known.isUnsure(slot) || this.#o.pending(known, slot)) return false;
    if (known.revision(slot) >= entry.modRevision) return false;
    known.setUnsure(slot);
    // Another node that took the lease over did what it should.
    const { node } = readStored(entry.value);
    return node === undefined || node === this.#o.node;
  }

  #isOurs(entry: KeyValue, walk: Walk): boolean {
    const stored = readStored(entry.value);
    if (stored.node !== this.#o.node || stored.seq >= walk.id) return false;
    return walk.subnetId === 0 || stored.subnetId === walk.subnetId;
  }

  /** A key was deleted by a sweep. */
  forget(known: Known, name: string): void {
    const address = parseAddress(name);
    if (address?.length !== known.width) return;
    this.#o.gone(name);
    const slot = known.find(address);
    if (slot < 0) return;
    known.setRevision(slot, 0);
    known.setEnd(slot, 0);
    if (!this.#o.pending(known, slot)) known.remove(slot);
  }

  /** Forgets keys that the walk showed and the store has lost; they count as damaged. */
  async #lost(known: Known, walk: Walk, swept: Swept): Promise<number> {
    let lost = 0;
    const unmet = walk.ordinal * 2;
    for (let slot = 0; slot < known.slots; slot++) {
      if (slot % slotsATurn === slotsATurn - 1) await turn();
      if (!known.isLive(slot) || known.walk(slot) !== unmet || known.isUnsure(slot)) continue;
      const revision = known.revision(slot);
      // Written after the first page was read: it may have come behind where the reading was.
      if (revision === 0 || revision > swept.revision || this.#o.pending(known, slot)) continue;
      known.remove(slot);
      lost++;
    }
    return lost;
  }
}
