// SPDX-License-Identifier: MPL-2.0
// The plugin contract, which others import as `nnoe/plugin`; docs/plugins.md leads through it. A plugin is one
// constant: declarations, which the host reads without running it, and `setup`, which wires its behaviour.
// `ctx` carries only what was declared.
//
// What the host promises: batches of one source come in journal order; a record is handed over at least once
// (after a crash or a restart of the plugin it may come again, from the first batch that had not settled); the
// cursor moves past a batch when its promise resolves. What a plugin owes: it never loops without end in one
// turn of the event loop (nobody in the process can defend against that) and applies records idempotently.
import type { z } from 'zod';
import type { MetricOf, MetricSpec } from './plugin/metrics.js';
import type { PrefixOf, PrefixSpec } from './plugin/prefixes.js';
import type { Consumes, StreamName, StreamSpecs, StreamTypes } from './plugin/streams.js';
import type { Publishes, TableOf, TableSpec } from './plugin/tables.js';
import type { CommitResult, Transaction } from './store/store.js';

/** The schema library, for `config`: the host's own copy, so that there are never two versions of it. */
export { z } from 'zod';
export { addressText, colonHex, parseAddress } from './address.js';
export type { VerdictName, VerdictReason } from './decisions/words.js';
export type { ErrorCode, NnoeError } from './errors.js';
export { type LeaseEvent, LeaseType, Operation, Origin } from './gen/events.js';
export {
  type Counter,
  counter,
  type Gauge,
  gauge,
  type Histogram,
  histogram,
  type LabelSpec,
  type LabelValues,
  type MetricOf,
  type MetricSpec,
  named,
} from './plugin/metrics.js';
export type { FollowHandlers, PrefixOf, PrefixSpec, ReadPrefix, WritePrefix } from './plugin/prefixes.js';
export type {
  ConsumeSpec,
  Consumes,
  DecisionBatch,
  DecisionCount,
  DecisionRecord,
  DecisionSpec,
  LeaseBatch,
  LeaseRecord,
  Ranking,
  StreamName,
  StreamSpecs,
  StreamTypes,
  WalkScope,
} from './plugin/streams.js';
export type {
  Generation,
  ListedName,
  ListFormat,
  ListKind,
  ListSpec,
  LoadOptions,
  LoadReport,
  NameScope,
  NamesTable,
  PolicyQuestion,
  PolicyRuling,
  ProgramsTable,
  PublishedTable,
  Publishes,
  RoleMapping,
  RoleSet,
  RolesTable,
  SubscribeRule,
  TableName,
  TableOf,
  TableSpec,
  Tables,
  TakeOptions,
} from './plugin/tables.js';
export type {
  Change,
  CommitResult,
  Compare,
  KeyValue,
  Operation as StoreOperation,
  Page,
  Transaction,
} from './store/store.js';

/** What users may build on: 'stable' changes only with the contract's number, 'experimental' may go away. */
export type Stability = 'stable' | 'beta' | 'experimental';

/** `reason` is a sentence for an operator; mandatory unless ok. */
export type Health = { state: 'ok'; reason?: string } | { state: 'degraded' | 'failed'; reason: string };

/** Structured logging: details are fields of their own beside the message. The host adds the plugin's name. */
export interface PluginLog {
  debug: LogLine;
  info: LogLine;
  warn: LogLine;
  error: LogLine;
}
export interface LogLine {
  (message: string): void;
  (details: object, message: string): void;
}

/** What a plugin declares; data, read by the host without running the plugin. */
export interface Declarations {
  /** `z.object({ … })` with a default for every key, so that a plugin runs without a section of its own. */
  config: z.ZodObject;
  consumes: Consumes;
  /** By the names under which `ctx.prefix` has them. */
  prefixes: Record<string, PrefixSpec>;
  /** By the names under which `ctx.table` has them; left out: none. A table has one publisher in a host. */
  publishes?: Publishes;
  /** By name, [a-z][a-z0-9_]*. */
  metrics: Record<string, MetricSpec>;
}

type TablesOf<P> = P extends Publishes ? { readonly [T in keyof P]: TableOf<P[T]> } : Record<never, never>;

/** What `setup` is given: only what was declared. In plain JavaScript anything else throws PLUGIN_UNDECLARED. */
export interface Context<D extends Declarations> {
  /** The plugin's section of nnoe.toml, as its schema made it. */
  readonly config: z.output<D['config']>;
  readonly log: PluginLog;
  /** This node's name: what `node` says in values we write. */
  readonly node: string;
  readonly prefix: { readonly [P in keyof D['prefixes']]: PrefixOf<D['prefixes'][P]> };
  readonly table: TablesOf<D['publishes']>;
  readonly metrics: { readonly [M in keyof D['metrics']]: MetricOf<D['metrics'][M]> };
  /** Aborts when the plugin has to stop. */
  readonly signal: AbortSignal;
  /** Most operations and bytes (keys and values) in one transaction of the store. */
  readonly limits: { operations: number; bytes: number };
  /**
   * Every key must lie under a declared prefix, those written under one with access 'write'. Retries while the
   * store is away, so an answer can be lost: without compares a transaction must be safe to apply twice, and
   * `retried` in the result says when an earlier attempt may have been the one that was applied.
   * Rejects with an NnoeError: PLUGIN_UNDECLARED, STORE_INVALID (more operations than `limits`, a key twice),
   * STORE_TOO_LARGE; or with the reason of the signal that aborted.
   */
  commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult>;
  /** Called when the store came back empty or is another one: what the plugin wrote is gone. */
  onStoreReset(listener: () => void): void;
  /**
   * Asks for a walk over the lease database of one source, or of all; remembered until one is complete. The
   * leases come as `snapshot` records.
   */
  requestWalk(source?: string): void;
  /**
   * Runs `work` every so many seconds (0.01..86400, monotonic) until the plugin stops; first after that time,
   * never two at a time. Work that rejects fails the plugin.
   */
  every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void;
}

/**
 * What operators may ask of a running plugin over the control socket, by names of a-z and -; answered with what JSON
 * can say. `report` only looks, the others may change something. What one throws is told to whoever asked.
 * `subject`: what it is about, where that was said.
 */
export type Operations = Readonly<Record<string, (subject: string | undefined) => object | Promise<object>>>;

/** What `setup` returns: a handler for every stream declared, and none for others. */
export type Running<D extends Declarations = Declarations> = {
  /** How the plugin is now. Asked at any time, so it answers from what it knows. One that throws fails the plugin. */
  health(): Health;
  /** Called once at the end, after the last batch settled or was given up; a few seconds at most. */
  stop?(): Promise<void> | void;
  operations?: Operations;
} & HandlerOf<D['consumes'], 'lease'> &
  HandlerOf<D['consumes'], 'decision'>;

type HandlerOf<C extends Consumes, N extends StreamName> = {
  [S in keyof C & N]: (batch: StreamTypes[N]) => Promise<void> | void;
} & { [S in Exclude<N, keyof C>]?: never };

export interface Plugin<D extends Declarations = Declarations> {
  /** Number of this contract. */
  api: 1;
  /** Also its configuration section, log name and metric prefix: [a-z][a-z0-9-]*, up to 63 characters. */
  name: string;
  stability: Stability;
  /** One sentence: what it is good for. */
  summary: string;
  /** Runs only where its section says `enabled = true`; left out: unless that says false. */
  optIn?: boolean;
  config: D['config'];
  consumes: D['consumes'];
  prefixes: D['prefixes'];
  publishes?: D['publishes'];
  metrics: D['metrics'];
  /**
   * Begins a life of the plugin. May wait for the store: its 30 s count only while the store answers. One that
   * throws is tried again, after a pause of 1 s that grows to 60 s.
   */
  setup(ctx: Context<D>): Running<D> | Promise<Running<D>>;
}

/** T, without keys that Shape does not have. */
type Exact<T, Shape> = T & { [K in Exclude<keyof T, keyof Shape>]: never };

/**
 * Types the declarations against `setup`; gives the plugin back as it is. The host checks it again when it loads
 * it, and refuses it with PLUGIN_INVALID.
 */
export function definePlugin<
  C extends z.ZodObject,
  const S extends Consumes,
  const P extends Record<string, PrefixSpec>,
  const M extends Record<string, MetricSpec>,
  const T extends Publishes = Record<never, never>,
>(
  plugin: Plugin<{ config: C; consumes: S; prefixes: P; publishes: T; metrics: M }> & {
    consumes: { [K in keyof S]: K extends StreamName ? Exact<S[K], StreamSpecs[K]> : never };
    prefixes: { [K in keyof P]: Exact<P[K], PrefixSpec> };
    publishes?: { [K in keyof T]: Exact<T[K], TableSpec> };
  },
): Plugin<{ config: C; consumes: S; prefixes: P; publishes: T; metrics: M }> {
  return plugin;
}

/** Any plugin, whatever it declares: what lists of plugins hold. */
// biome-ignore lint/suspicious/noExplicitAny: a plugin's context type is its own; no list can name them all.
export type AnyPlugin = Plugin<any>;
