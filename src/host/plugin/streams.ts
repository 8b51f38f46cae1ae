// SPDX-License-Identifier: MPL-2.0
// The contract's streams: what a plugin may consume, and what it is handed of it.
import type { VerdictName, VerdictReason } from '../decisions/words.js';
import type { LeaseEvent } from '../gen/events.js';

/** One record of the lease stream, in journal order. `seq` grows along the stream, not always by one. */
export type LeaseRecord =
  /** Something happened to a lease. */
  | { kind: 'lease'; seq: number; event: LeaseEvent }
  /** A walk over Kea's lease database begins; `snapshot` records follow, mixed with events. */
  | { kind: 'walk-begin'; seq: number; walk: WalkScope }
  /** A lease as Kea's database holds it. Already ordered against events: apply it as it comes. */
  | { kind: 'snapshot'; seq: number; event: LeaseEvent }
  /**
   * The walk is over. When complete, what is in its scope and was not shown does not exist in Kea. Never
   * complete for a plugin that was not handed every record since `walk-begin` in this life, or met a gap
   * between: the host then has another walk made. `leases` is how many snapshot records the walk made.
   */
  | { kind: 'walk-end'; seq: number; walk: WalkScope; complete: boolean; leases: number }
  /**
   * Events are missing here, `count` of them as far as it is known. `reason` is NEW_JOURNAL, OVERRUN, DAMAGED,
   * UNWRITABLE or UNDECODABLE. The host asks for a walk itself when `onGap` is 'replay'.
   */
  | { kind: 'gap'; seq: number; reason: string; count: number };

export interface WalkScope {
  /** Sequence of the record that began the walk. */
  id: number;
  /** START, GAP, COMMAND, HOST or WIPE: why Kea's lease database was read. */
  cause: string;
  /** 0: every subnet of that server. */
  subnetId: number;
}

/** What a consumer is handed: records of one source, in order; a source is one Kea server's journal. */
export interface LeaseBatch {
  /** Name of the journal in the configuration, such as `dhcp4`. */
  source: string;
  family: 4 | 6;
  /**
   * At least one. Byte fields of events are views into one buffer that belongs to this batch: keep a copy (or
   * a text) of what outlives it, or the whole buffer stays in memory.
   */
  records: LeaseRecord[];
  /** No earlier life of this consumer can have been handed any of these; false: some of them perhaps. */
  fresh: boolean;
  /** Aborts when the plugin is being stopped or has exceeded its time. */
  signal: AbortSignal;
}

/** How often there was a verdict. */
export interface DecisionCount {
  verdict: VerdictName;
  /** Whether the client did not get what it asked for: all but allow, truncate and pool. */
  blocked: boolean;
  count: number;
}

/** One decision of a dnsdist about one query. */
export interface DecisionRecord {
  /** ms since 1970, to some milliseconds. */
  time: number;
  /** Its address, as text. */
  client: string;
  /** What it asked for: as it was written, in presentation format without the final dot; the root is empty. */
  name: string;
  /** Number of the type that it asked for, such as 28 for AAAA. */
  type: number;
  verdict: VerdictName;
  blocked: boolean;
  reason: VerdictReason;
  /** Of the client. */
  roles: readonly string[];
  /** That decided. */
  list?: string;
  /** Of tables; 0: none. */
  generation: number;
}

/** What came most often, in bounded memory. */
export interface Ranking {
  /** Most first. `count`: at least so often, and at most `error` more; scaled up where dnsdist takes a sample. */
  top: readonly { key: string; count: number }[];
  /** Also what anything that is not named may have had at most. */
  error: number;
}

/**
 * What all dnsdists of this machine decided in an interval, about a second long. Counts are exact and add up: they
 * come with a later batch when a plugin was not there for this one. All else is lossy: rankings and records are of
 * what dnsdist recorded (its `sampling`), was not lost, and came while the plugin had time for it.
 */
export interface DecisionBatch {
  /** Length of the interval. */
  seconds: number;
  /** By the roles of clients: every decision once, as in `reasons`. */
  roles: readonly (DecisionCount & { roles: readonly string[] })[];
  /** By the list that decided; decisions without one are not in it. */
  lists: readonly (DecisionCount & { list: string })[];
  reasons: readonly (DecisionCount & { reason: VerdictReason })[];
  /** In lower case. */
  names: Ranking;
  clients: Ranking;
  blockedNames: Ranking;
  blockedClients: Ranking;
  /** A uniform sample of what was recorded, up to `records`; all of it when it is less. In no order. */
  records: readonly DecisionRecord[];
  /** The same of those blocked. */
  blockedRecords: readonly DecisionRecord[];
  /** Records that were read. */
  read: number;
  /** Records that dnsdist overwrote before they were read. */
  lost: number;
  /** Aborts when the plugin is being stopped or has exceeded its time. */
  signal: AbortSignal;
}

/** Streams by name, with what their handlers are called with. */
export interface StreamTypes {
  lease: LeaseBatch;
  decision: DecisionBatch;
}
export type StreamName = keyof StreamTypes;

export interface ConsumeSpec {
  /** Most records in a batch, 1..4096. A batch is what is there now, never waited for. */
  batch: number;
  /**
   * Batches of one source handed over and not yet settled, 1..16, default 1. Beyond 1 the next batch comes
   * before the last settled, in order; the cursor moves with the oldest. Sources overlap in any case.
   */
  window?: number;
  /** What a hole means: 'replay' has Kea's lease database read again, 'ignore' goes on. */
  onGap: 'replay' | 'ignore';
  /** Time a batch may take while the store answers, s, up to 3600; beyond it the plugin is restarted. Default 30. */
  deadline?: number;
}

export interface DecisionSpec {
  /** Most records in each sample of a batch, 0..1024, default 0. */
  records?: number;
  /** Most keys in each ranking of a batch, 0..3072, default 0. */
  top?: number;
  /** Time a batch may take, s, up to 3600; beyond it the plugin is restarted. Default 30. */
  deadline?: number;
}

/** Streams by name, with what is declared of them. */
export interface StreamSpecs {
  lease: ConsumeSpec;
  decision: DecisionSpec;
}

export type Consumes = { [S in StreamName]?: StreamSpecs[S] };
