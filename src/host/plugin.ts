// SPDX-License-Identifier: MPL-2.0
// The plugin contract. A plugin is one constant: declarations, which the host reads without running it, and
// `setup`, which wires its behaviour. `ctx` carries only what was declared.
//
// What the host promises: batches of one source come in journal order; a record is handed over at least once
// (after a crash or a restart of the plugin it may come again, from the first batch that had not settled); the
// cursor moves past a batch when its promise resolves. What a plugin owes: it never loops without end in one
// turn of the event loop (nobody in the process can defend against that) and applies records idempotently.
import type { Logger } from 'pino';
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { z } from 'zod';
import type { LeaseEvent } from './gen/events.js';
import type { Change, CommitResult, FollowHandlers, KeyValue, Page, Transaction } from './store/store.js';

export type { Change, CommitResult, FollowHandlers, KeyValue, LeaseEvent, Page, Transaction };

export type Stability = 'stable' | 'beta' | 'experimental';

/** One record of the lease stream, in journal order. */
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
   * between: the host then has another walk made.
   */
  | { kind: 'walk-end'; seq: number; walk: WalkScope; complete: boolean; leases: number }
  /** Events are missing here; the host asks for a walk itself when `onGap` is 'replay'. */
  | { kind: 'gap'; seq: number; reason: string; count: number };

export interface WalkScope {
  /** Sequence of the record that began the walk. */
  id: number;
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
   * Byte fields of events are views into one buffer that belongs to this batch: keep a copy (or a string) of
   * what outlives it, or the whole buffer stays in memory.
   */
  records: LeaseRecord[];
  /** No earlier life of this consumer can have been handed any of these; false: some of them perhaps. */
  fresh: boolean;
  /** Aborts when the plugin is being stopped or has exceeded its time. */
  signal: AbortSignal;
}

export interface StreamTypes {
  lease: LeaseBatch;
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
  /** Time a batch may take while the store answers, s; beyond it the plugin is restarted. Default 30. */
  deadline?: number;
}

export interface PrefixSpec {
  /** Below the configured root (`/nnoe/`), without leading and with trailing slash: `dhcp/leases/`. */
  prefix: string;
  access: 'read' | 'write';
}

/**
 * A declared prefix, as the plugin uses it. Names given are relative to it; keys in what comes back, and in
 * transactions, are absolute: `key` and `name` turn one into the other.
 */
export interface ReadPrefix {
  /** Absolute key for `name`, for use in transactions. */
  key(name: string): string;
  /** The part of an absolute key below this prefix; undefined when it is not below it. */
  name(key: string): string | undefined;
  get(name: string): Promise<KeyValue | undefined>;
  list(options?: { pageSize?: number; after?: string }): AsyncIterable<Page>;
  /** Until the plugin stops. A handler that throws, and `error`, fail the plugin. */
  follow(handlers: FollowHandlers): void;
}

/** Label to what bounds its values, for the reference: `{ kind: 'put, delete' }`. Never what clients choose. */
export type LabelSpec = Readonly<Record<string, string>>;

interface MetricCommon {
  /** A sentence. */
  help: string;
  labels?: LabelSpec;
  /** The whole name, where others know it already; otherwise it is `nnoe_<plugin>_<key>`. */
  name?: string;
}

export type MetricSpec =
  | ({ type: 'counter' } & MetricCommon)
  | ({ type: 'gauge' } & MetricCommon)
  | ({ type: 'histogram'; buckets: readonly number[] } & MetricCommon);

export type MetricOf<M extends MetricSpec> = M extends { type: 'counter' }
  ? Counter
  : M extends { type: 'gauge' }
    ? Gauge
    : Histogram;

/** Only grows; its name ends in `_total`. */
export const counter = (help: string, labels: LabelSpec = {}) => ({ type: 'counter', help, labels }) as const;
export const gauge = (help: string, labels: LabelSpec = {}) => ({ type: 'gauge', help, labels }) as const;
/** @param buckets their upper ends, growing, in the metric's unit. */
export const histogram = (help: string, buckets: readonly number[], labels: LabelSpec = {}) =>
  ({ type: 'histogram', help, labels, buckets }) as const;
/** Gives a metric a name of its own, which others know already. */
export const named = <const M extends MetricSpec>(name: string, spec: M) => ({ ...spec, name });

/** `reason` is a sentence for an operator; mandatory unless ok. */
export type Health = { state: 'ok'; reason?: string } | { state: 'degraded' | 'failed'; reason: string };

export type Consumes = { [S in StreamName]?: ConsumeSpec };

/** What a plugin declares; data, read by the host without running the plugin. */
export interface Declarations {
  config: z.ZodObject;
  consumes: Consumes;
  prefixes: Record<string, PrefixSpec>;
  metrics: Record<string, MetricSpec>;
}

export interface Context<D extends Declarations> {
  readonly config: z.output<D['config']>;
  readonly log: Logger;
  /** This node's name: what `node` says in values we write. */
  readonly node: string;
  readonly prefix: { readonly [P in keyof D['prefixes']]: ReadPrefix };
  readonly metrics: { readonly [M in keyof D['metrics']]: MetricOf<D['metrics'][M]> };
  /** Aborts when the plugin has to stop. */
  readonly signal: AbortSignal;
  /** Most operations in one transaction of the store. */
  readonly limits: { operations: number; bytes: number };
  /** Every key must lie under a declared prefix with access 'write'. Retries while the store is away. */
  commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult>;
  /** Called when the store came back empty or is another one. */
  onStoreReset(listener: () => void): void;
  /** Asks for a walk over the lease database of one source, or of all; remembered until one is complete. */
  requestWalk(source?: string): void;
  /** Runs `work` every `seconds` (monotonic) until the plugin stops; never two at a time; errors fail the plugin. */
  every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void;
}

/** What `setup` returns: a handler for every stream declared, and none for others. */
export type Running<D extends Declarations = Declarations> = {
  health(): Health;
  /** Called once at the end, after the last batch settled or was given up; the deadline is the host's. */
  stop?(): Promise<void> | void;
} & {
  [S in keyof D['consumes'] & StreamName]: (batch: StreamTypes[S]) => Promise<void> | void;
} & { [S in Exclude<StreamName, keyof D['consumes']>]?: never };

export interface Plugin<D extends Declarations = Declarations> {
  api: 1;
  /** Also its folder, configuration section, log name and metric prefix: [a-z][a-z0-9-]*. */
  name: string;
  stability: Stability;
  summary: string;
  config: D['config'];
  consumes: D['consumes'];
  prefixes: D['prefixes'];
  metrics: D['metrics'];
  /** May wait for the store: the time limit counts only while the store answers. */
  setup(ctx: Context<D>): Running<D> | Promise<Running<D>>;
}

/** Types the declarations against `setup`; checked again by the host when it loads the plugin. */
export function definePlugin<
  C extends z.ZodObject,
  const S extends Consumes,
  const P extends Record<string, PrefixSpec>,
  const M extends Record<string, MetricSpec>,
>(plugin: Plugin<{ config: C; consumes: S; prefixes: P; metrics: M }>): typeof plugin {
  return plugin;
}

/** Any plugin, whatever it declares: what lists of plugins hold. */
// biome-ignore lint/suspicious/noExplicitAny: a plugin's context type is its own; no list can name them all.
export type AnyPlugin = Plugin<any>;
