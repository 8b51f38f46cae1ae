// SPDX-License-Identifier: MPL-2.0
// The addon's part of decisions, as TypeScript sees it: a thread of its own reads what the bridges write, and sums it
// up in memory that does not grow, so that JavaScript need not keep pace.
import type { NativeBridge } from '../tables/native.js';

/** Numbers of native/shm/tables, and what they stand for. */
export interface DecisionLayout {
  /** By number, as the next two. */
  acts: readonly string[];
  reasons: readonly string[];
  blocks: readonly boolean[];
  /** How many there can be. */
  roleSets: number;
  lists: number;
}

export interface DecisionsState {
  /** Of live processes. */
  bridges: readonly NativeBridge[];
  /** Of errors.ts, with what is wrong; empty when all is well. */
  code: '' | 'DECISIONS_DIRECTORY' | 'DECISIONS_BUSY' | 'DECISIONS_FILE';
  reason: string;
  /** That were read since it was opened. */
  records: number;
  /** Overwritten before they were read. */
  lost: number;
  /** Places where no record was. */
  damaged: number;
}

export interface NativeRecord {
  timeUs: number;
  /** Address as text. */
  client: string;
  /** In presentation format, as asked; the root is empty. */
  name: string;
  type: number;
  act: number;
  reason: number;
  roleSet: number;
  list: number | undefined;
  generation: number;
}

/** What came most often, most first. */
export interface NativeRanking {
  keys: readonly string[];
  /** At least so often, and at most `error` more. Scaled by the sampling. */
  counts: Float64Array;
  error: number;
}

/** What came since the last call. */
export interface TakenDecisions {
  /**
   * Totals of all processes that ever were, each act's side by side: by role set, by list, by reason. Not only since
   * the last call. One array for all calls: to be read before the next.
   */
  counters: Float64Array;
  /** Of the counters: another when they may have grown. */
  version: number;
  records: number;
  lost: number;
  /** Uniform samples of all and of those blocked. */
  sample: readonly NativeRecord[];
  blockedSample: readonly NativeRecord[];
  names: NativeRanking;
  clients: NativeRanking;
  blockedNames: NativeRanking;
  blockedClients: NativeRanking;
}

export interface NativeDecisions {
  /** At most a tenth of a second old. */
  state(): DecisionsState;
  /** @param records most of each sample, up to 1024. @param top most keys of each ranking, up to 3072. */
  take(records: number, top: number): TakenDecisions;
  /** Waits for the thread, some milliseconds. */
  close(): void;
}
