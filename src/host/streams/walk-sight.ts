// SPDX-License-Identifier: MPL-2.0
// What one consumer has seen of the walks in its journal. A walk counts as complete for a consumer only when
// every record from its beginning was handed to it without a hole between: what was not shown would otherwise
// be taken for gone. Where it does not, another walk becomes owed.
import type { LeaseRecord } from '../plugin.js';
import { undecodable } from './records.js';
import type { WalkDebt } from './walk-debt.js';

type GapRecord = Extract<LeaseRecord, { kind: 'gap' }>;

/** Holes that the hook made: it walks by itself. */
const hookWalks = new Set(['NEW_JOURNAL', 'UNWRITABLE']);

/** More walks than this under way at once means that their ends never came. */
const mostOpen = 8;

export class WalkSight {
  readonly #debt: WalkDebt;
  readonly #replays: boolean;
  /** Walks whose every record so far was seen, by their beginning. */
  readonly #open = new Set<number>();
  /** The walk whose beginning was seen last, and how many leases of it were. */
  #walk = 0;
  #leases = 0;

  constructor(debt: WalkDebt, replays: boolean) {
    this.#debt = debt;
    this.#replays = replays;
  }

  /** Corrects `complete` in place; returns the holes among the records. */
  inspect(records: LeaseRecord[]): GapRecord[] {
    let gaps: GapRecord[] | undefined;
    let snapshots = false;
    for (const record of records) {
      switch (record.kind) {
        case 'lease':
          break;
        case 'snapshot':
          snapshots = true;
          this.#leases++;
          break;
        case 'gap':
          gaps ??= [];
          gaps.push(record);
          this.#gap(record);
          break;
        case 'walk-begin':
          this.#begin(record.walk.id);
          break;
        case 'walk-end':
          snapshots = false;
          this.#end(record);
      }
    }
    if (snapshots) this.#debt.alive(this.#walk, this.#leases);
    return gaps ?? none;
  }

  #begin(id: number): void {
    if (this.#open.size >= mostOpen) this.#open.clear();
    this.#open.add(id);
    this.#walk = id;
    this.#leases = 0;
    this.#debt.alive(id, 0);
  }

  #gap(gap: GapRecord): void {
    this.#open.clear();
    if (!this.#replays) return;
    const claim = hookWalks.has(gap.reason) ? 'hook' : 'host';
    this.#debt.owe(gap.seq, claim, gap.reason === undecodable ? 'a record that cannot be read' : gap.reason);
  }

  #end(end: Extract<LeaseRecord, { kind: 'walk-end' }>): void {
    const seen = this.#open.delete(end.walk.id);
    this.#debt.ended(end.walk.id, end.seq, end.complete && end.walk.subnetId === 0, end.leases);
    if (!end.complete || seen) return;
    end.complete = false;
    if (this.#replays) this.#debt.owe(end.seq, 'host', 'a walk was seen in part only');
  }
}

const none: GapRecord[] = [];
