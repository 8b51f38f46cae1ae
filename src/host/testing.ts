// SPDX-License-Identifier: MPL-2.0
// The harness that plugins are tested with, which others import as `nnoe/testing`: a plugin's real life on a
// store in memory, without journal and without native code.
//
//   const h = await harness(plugin, { config: { … } });
//   await h.emit('lease', { operation: Operation.ASSIGN, address: ipv4('192.0.2.1') });
//   assert.equal(h.store.dump(), { … });
//   await h.stop();

import { pino } from 'pino';
import { Registry } from 'prom-client';
import { PatientClock } from './clock.js';
import type { AnswerConfig } from './config.js';
import { NnoeError } from './errors.js';
import type { LeaseEvent } from './gen/events.js';
import { metricName, pluginMetrics } from './metrics.js';
import type { TableName } from './plugin/tables.js';
import type {
  AnyPlugin,
  ConsumeSpec,
  DecisionBatch,
  DecisionRecord,
  DecisionSpec,
  Declarations,
  Health,
  LeaseBatch,
  LeaseRecord,
  Plugin,
  PluginLog,
  StreamName,
} from './plugin.js';
import type { Store } from './store/store.js';
import { createContext } from './supervisor/context.js';
import { checkPlugins, decisionSpec } from './supervisor/declarations.js';
import { Life } from './supervisor/life.js';
import { TablesService } from './tables/service.js';
import { decisionBatch, shortened } from './testing/decisions.js';
import { type LoggedLine, recorder } from './testing/logged.js';
import { MemoryStore } from './testing/memory-store.js';
import { MemoryTables, type MemoryTablesOptions } from './testing/memory-tables.js';
import { type TableViews, views } from './testing/table-views.js';
import { leaseEvent } from './testing/values.js';

export { LeaseType, Operation, Origin } from './gen/events.js';
export type { LoggedLine } from './testing/logged.js';
export { MemoryStore, type MemoryStoreOptions } from './testing/memory-store.js';
export type { MemoryTables, MemoryTablesOptions } from './testing/memory-tables.js';
export type { NamesView, ProgramsView, RolesView } from './testing/table-views.js';
export { hwaddr, ipv4, ipv6, leaseEvent } from './testing/values.js';

export interface HarnessOptions<S extends Store = MemoryStore> {
  /** As in the plugin's section of nnoe.toml; checked by its schema, unknown keys refused. */
  config?: Record<string, unknown>;
  /** Default: an empty MemoryStore, closed by `stop`. One that is given stays open, for another life on it. */
  store?: S;
  /** Default 'test-node'. */
  node?: string;
  /** Above every prefix; default '/nnoe'. */
  root?: string;
  /** Name of the journal that records come from; default 'dhcp4'. */
  source?: string;
  /** Default 4. */
  family?: 4 | 6;
  /** What the tables directory knows of before the plugin begins, and the answers of the configuration. */
  tables?: MemoryTablesOptions & { answers?: Record<string, Partial<AnswerConfig>> };
  /** Default: what the plugin logs is kept in `logged`. */
  log?: PluginLog;
}

/** What `emit` takes, by stream. */
export interface Emitted {
  /** What is left out is as `leaseEvent` has it. */
  lease: Partial<LeaseEvent>;
  /** What is left out: a client of role `default` is allowed `www.example` by no policy. */
  decision: Partial<DecisionRecord>;
}

export interface WalkOptions {
  /** Default 0: every subnet. */
  subnetId?: number;
  /** Default true. */
  complete?: boolean;
  /** Default 'COMMAND'. */
  cause?: string;
}

/** What `table` gives for each table that a plugin declared. */
type ViewOf<P, T> = T extends keyof P
  ? P[T] extends { table: infer N extends TableName }
    ? TableViews[N]
    : never
  : never;

// biome-ignore lint/suspicious/noExplicitAny: the default stands for any plugin, as in AnyPlugin.
export interface Harness<S extends Store = MemoryStore, M extends string = string, P = any> {
  /** Where the plugin's keys are, absolute: `h.store.dump('/nnoe/…')`. */
  readonly store: S;
  /** Sequence of the last record handed over; raise it to make the next ones newer than those of another life. */
  seq: number;
  /** Whether what is handed over counts as never seen by an earlier life of the plugin; at first it does. */
  fresh: boolean;
  /** How many times the plugin asked for a walk. */
  readonly walksRequested: number;
  /** What made the plugin fail outside of a batch (a follow, its health, periodic work), if anything did. */
  readonly failure: NnoeError | undefined;
  /** What the plugin logged, in order. */
  readonly logged: readonly LoggedLine[];
  /**
   * Events as the plugin's stream brings them, in batches as it declared; fields not given are 0, false or empty.
   * Resolves when the batches have settled, rejects with what the handler threw.
   */
  emit<S extends StreamName>(stream: S, ...events: Emitted[S][]): Promise<void>;
  /** A batch of decisions as given, such as with losses; what is left out is empty. */
  decide(batch: Partial<DecisionBatch>): Promise<void>;
  /** A hole in the stream. @param reason default 'OVERRUN'. @param count events missing, default 1. */
  gap(reason?: string, count?: number): Promise<void>;
  /** A walk that shows these leases, from its beginning to its end. */
  walk(leases: Partial<LeaseEvent>[], options?: WalkOptions): Promise<void>;
  /** Records as given. */
  deliver(records: LeaseRecord[]): Promise<void>;
  /** Runs the plugin's periodic work once, now. It also runs by itself when its time has passed. */
  tick(): Promise<void>;
  health(): Health;
  /** Value of one of the plugin's metrics, summed over labels that are not given; of a histogram, its parts' sum. */
  metric(name: M, labels?: Record<string, string | number>): Promise<number>;
  /** Whether one of the plugin's metrics has a value; a gauge that was never set has none, and is left out. */
  shows(name: M): Promise<boolean>;
  /** Where the plugin's tables go; `down` and `up` make the directory fail and work again. */
  readonly tables: MemoryTables;
  /** A table by the plugin's name for it, when everything handed over so far is published. */
  table<T extends keyof P & string>(name: T): Promise<ViewOf<P, T>>;
  /** What operators ask of it over the control socket; rejects with what it throws. */
  operate(operation: string, subject?: string): Promise<object>;
  /** Ends the plugin's life, and closes the store unless it was given. */
  stop(): Promise<void>;
}

/**
 * Checks the plugin and runs its `setup`.
 * @throws NnoeError PLUGIN_INVALID, PLUGIN_UNDECLARED, PLUGIN_SETUP_FAILED; what the schema throws for a bad `config`.
 */
export async function harness<
  S extends Store = MemoryStore,
  // biome-ignore lint/suspicious/noExplicitAny: the default stands for any plugin, as in AnyPlugin.
  D extends Declarations = any,
>(
  plugin: Plugin<D>,
  options: HarnessOptions<S> = {},
): Promise<Harness<S, keyof D['metrics'] & string, NonNullable<D['publishes']>>> {
  checkPlugins([plugin]);
  const started = new Running(plugin, options);
  await started.setup();
  return started as unknown as Harness<S, keyof D['metrics'] & string, NonNullable<D['publishes']>>;
}

class Running<S extends Store> implements Omit<Harness<S>, 'table'> {
  readonly store: S;
  readonly logged: LoggedLine[] = [];
  seq = 0;
  fresh = true;
  walksRequested = 0;
  failure: NnoeError | undefined;
  readonly #plugin: AnyPlugin;
  readonly #options: HarnessOptions<S>;
  readonly #registry = new Registry();
  readonly #clock: PatientClock;
  readonly #life: Life;
  readonly #periodic: (() => Promise<void>)[] = [];
  readonly tables: MemoryTables;
  readonly #service: TablesService;

  constructor(plugin: AnyPlugin, options: HarnessOptions<S>) {
    this.#plugin = plugin;
    this.#options = options;
    // Without a store given, S is MemoryStore.
    this.store = options.store ?? (new MemoryStore() as Store as S);
    this.#clock = new PatientClock(() => this.store.health().state === 'ok');
    this.#life = new Life({
      plugin,
      clock: this.#clock,
      failed: (error) => {
        this.failure = error;
      },
    });
    this.store.onReset(() => this.#life.storeReset());
    this.tables = new MemoryTables(options.tables);
    this.#service = memoryService(plugin, this.tables, options.tables?.answers ?? {});
  }

  async setup(): Promise<void> {
    const plugin = this.#plugin;
    if (plugin.publishes !== undefined) this.#service.start();
    const { config = {}, node = 'test-node', root = '/nnoe', log } = this.#options;
    const context = createContext({
      plugin: plugin.name,
      config: plugin.config.strict().parse(config),
      node,
      root,
      log: log ?? recorder(this.logged),
      store: this.store,
      prefixes: plugin.prefixes,
      publishes: plugin.publishes,
      tables: this.#service,
      metrics: pluginMetrics(plugin.name, plugin.metrics, this.#registry),
      signal: this.#life.signal,
      requestWalk: () => {
        this.walksRequested++;
      },
      fail: (error) => this.#life.fail(error),
      keep: (follow) => this.#life.keep(follow),
      onReset: (listener) => this.#life.onReset(listener),
      every: (seconds, work) => this.#every(seconds, work),
    });
    if (await this.#life.setup(context)) return;
    await this.stop();
    throw this.failure ?? new Error('the plugin was stopped');
  }

  /** By its timer and by `tick`, never two at a time. */
  #every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void {
    let last: Promise<void> = Promise.resolve();
    const next = () => {
      last = last.catch(() => undefined).then(() => work(this.#life.signal));
      return last;
    };
    this.#periodic.push(next);
    this.#life.every(seconds, next);
  }

  async tick(): Promise<void> {
    for (const work of this.#periodic) await work();
  }

  async emit<S extends StreamName>(stream: S, ...events: Emitted[S][]): Promise<void> {
    if (stream === 'decision') return this.decide(decisionBatch(events as Partial<DecisionRecord>[]));
    const leases = events as Partial<LeaseEvent>[];
    await this.deliver(
      leases.map((event) => ({ kind: 'lease', seq: ++this.seq, event: leaseEvent(event) }) as const),
    );
  }

  async decide(batch: Partial<DecisionBatch>): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const running = this.#life.running as
      | { decision?(batch: DecisionBatch): void | Promise<void> }
      | undefined;
    const spec: DecisionSpec | undefined = this.#plugin.consumes.decision;
    if (spec === undefined || running?.decision === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: 'stream decision' });
    const whole = { ...decisionBatch([]), ...batch, signal: this.#life.signal };
    await running.decision(shortened(whole, decisionSpec(spec)));
  }

  async gap(reason = 'OVERRUN', count = 1): Promise<void> {
    this.seq += count;
    await this.deliver([{ kind: 'gap', seq: this.seq, reason, count }]);
  }

  async walk(leases: Partial<LeaseEvent>[], options: WalkOptions = {}): Promise<void> {
    const { subnetId = 0, complete = true, cause = 'COMMAND' } = options;
    const id = ++this.seq;
    const walk = { id, cause, subnetId };
    const shown = leases.map((lease) => {
      const event = leaseEvent({ operation: 10, origin: 5, readAt: id, ...lease });
      return { kind: 'snapshot', seq: ++this.seq, event } as const;
    });
    await this.deliver([
      { kind: 'walk-begin', seq: id, walk },
      ...shown,
      { kind: 'walk-end', seq: ++this.seq, walk, complete, leases: leases.length },
    ]);
  }

  async deliver(records: LeaseRecord[]): Promise<void> {
    const spec: ConsumeSpec | undefined = this.#plugin.consumes.lease;
    if (this.failure !== undefined) throw this.failure;
    const running = this.#life.running as { lease?(batch: LeaseBatch): void | Promise<void> } | undefined;
    if (spec === undefined || running?.lease === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: 'stream lease' });
    const { source = 'dhcp4', family = 4 } = this.#options;
    const { fresh } = this;
    const { signal } = this.#life;
    for (let at = 0; at < records.length; at += spec.batch)
      await running.lease({ source, family, records: records.slice(at, at + spec.batch), fresh, signal });
  }

  async operate(operation: string, subject?: string): Promise<object> {
    const { operations = {} } = this.#life.running ?? {};
    const work = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (work === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: `operation ${operation}` });
    return work(subject);
  }

  health(): Health {
    return this.#life.health() ?? { state: 'failed', reason: this.failure?.message ?? 'stopped' };
  }

  async #samples(name: string) {
    const whole = metricName(this.#plugin.name, name, this.#plugin.metrics[name]);
    const metric = this.#registry.getSingleMetric(whole);
    if (metric === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: `metric ${name}` });
    return (await metric.get()).values;
  }

  async shows(name: string): Promise<boolean> {
    return (await this.#samples(name)).length > 0;
  }

  async metric(name: string, labels: Record<string, string | number> = {}): Promise<number> {
    const wanted = Object.entries(labels);
    return (await this.#samples(name))
      .filter((value) => wanted.every(([label, is]) => String(value.labels[label]) === String(is)))
      .reduce((sum, { value }) => sum + value, 0);
  }

  async table(name: string): Promise<TableViews[TableName]> {
    const spec = this.#plugin.publishes?.[name];
    if (spec === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: `table ${name}` });
    await this.#service.published();
    return views[spec.table as TableName](this.tables.published);
  }

  async stop(): Promise<void> {
    await this.#life.stop(5);
    await this.#service.close();
    this.#clock.close();
    if (this.#options.store === undefined) await this.store.close();
  }
}

function memoryService(
  plugin: AnyPlugin,
  tables: MemoryTables,
  answers: Record<string, Partial<AnswerConfig>>,
) {
  const published = Object.values<{ table: TableName }>(plugin.publishes ?? {}).map(({ table }) => table);
  const whole = Object.entries(answers).map(([name, answer]): [string, AnswerConfig] => [
    name,
    { a: [], aaaa: [], ttl: 60, ...answer },
  ]);
  return new TablesService({
    directory: 'memory',
    tables: new Set(published),
    answers: Object.fromEntries(whole),
    defaults: { ttl: 60, extendedErrors: true },
    log: pino({ level: 'silent' }),
    open: () => tables,
    busy: () => undefined,
    pause: 10,
  });
}
