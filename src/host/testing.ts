// SPDX-License-Identifier: MPL-2.0
// The harness that plugins are tested with: a plugin's real life on a store in memory, without journal and
// without native code.
//
//   const h = await harness(plugin, { config: { … } });
//   await h.emit('lease', { operation: Operation.ASSIGN, address: ipv4('192.0.2.1') });
//   assert.equal(h.store.dump(), { … });
//   await h.stop();
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { PatientClock } from './clock.js';
import { NnoeError } from './errors.js';
import { decodeLeaseEvent, type LeaseEvent } from './gen/events.js';
import type { Logger } from './log.js';
import { metricName, pluginMetrics } from './metrics.js';
import type { AnyPlugin, ConsumeSpec, Health, LeaseBatch, LeaseRecord, StreamName } from './plugin.js';
import type { Store } from './store/store.js';
import { createContext } from './supervisor/context.js';
import { checkPlugins } from './supervisor/declarations.js';
import { Life } from './supervisor/life.js';
import { MemoryStore } from './testing/memory-store.js';

export { LeaseType, Operation, Origin } from './gen/events.js';
export { MemoryStore } from './testing/memory-store.js';

export interface HarnessOptions<S extends Store = MemoryStore> {
  /** As in the plugin's section of nnoe.toml; checked by its schema. */
  config?: Record<string, unknown>;
  store?: S;
  node?: string;
  root?: string;
  source?: string;
  family?: 4 | 6;
  log?: Logger;
}

export interface WalkOptions {
  subnetId?: number;
  complete?: boolean;
  cause?: string;
}

export interface Harness<S extends Store = MemoryStore> {
  readonly store: S;
  /** Sequence of the last record handed over; raise it to make the next ones newer than those of another life. */
  seq: number;
  /** Whether what is handed over counts as never seen by an earlier life of the plugin; at first it does. */
  fresh: boolean;
  /** How many times the plugin asked for a walk. */
  readonly walksRequested: number;
  /** What made the plugin fail outside of a batch, if anything did. */
  readonly failure: NnoeError | undefined;
  /** Events as the plugin's stream brings them; resolves when their batches have settled. */
  emit(stream: StreamName, ...events: Partial<LeaseEvent>[]): Promise<void>;
  /** A hole in the stream. */
  gap(reason?: string, count?: number): Promise<void>;
  /** A walk that shows these leases. */
  walk(leases: Partial<LeaseEvent>[], options?: WalkOptions): Promise<void>;
  /** Records as given. */
  deliver(records: LeaseRecord[]): Promise<void>;
  health(): Health;
  /** Value of one of the plugin's metrics, summed over labels that are not given. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Whether one of the plugin's metrics has a value; a gauge that was never set has none, and is left out. */
  shows(name: string): Promise<boolean>;
  stop(): Promise<void>;
}

export async function harness<S extends Store = MemoryStore>(
  plugin: AnyPlugin,
  options: HarnessOptions<S> = {},
): Promise<Harness<S>> {
  checkPlugins([plugin]);
  const started = new Running(plugin, options);
  await started.setup();
  return started;
}

/** An IPv4 address as events carry it. */
export const ipv4 = (text: string) => Buffer.from(text.split('.').map(Number));

/** An event with every field, as decoding gives it. */
export const leaseEvent = (fields: Partial<LeaseEvent>): LeaseEvent => ({
  ...decodeLeaseEvent(Buffer.alloc(0)),
  ...fields,
});

class Running<S extends Store> implements Harness<S> {
  readonly store: S;
  seq = 0;
  fresh = true;
  walksRequested = 0;
  failure: NnoeError | undefined;
  readonly #plugin: AnyPlugin;
  readonly #options: HarnessOptions<S>;
  readonly #registry = new Registry();
  readonly #clock: PatientClock;
  readonly #life: Life;

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
  }

  async setup(): Promise<void> {
    const plugin = this.#plugin;
    const { config = {}, node = 'test-node', root = '/nnoe', log } = this.#options;
    const context = createContext({
      plugin: plugin.name,
      config: plugin.config.strict().parse(config),
      node,
      root,
      log: log ?? pino({ level: 'silent' }),
      store: this.store,
      prefixes: plugin.prefixes,
      metrics: pluginMetrics(plugin.name, plugin.metrics, this.#registry),
      signal: this.#life.signal,
      requestWalk: () => {
        this.walksRequested++;
      },
      fail: (error) => this.#life.fail(error),
      keep: (follow) => this.#life.keep(follow),
      onReset: (listener) => this.#life.onReset(listener),
      every: (seconds, work) => this.#life.every(seconds, work),
    });
    if (!(await this.#life.setup(context))) throw this.failure ?? new Error('the plugin was stopped');
  }

  async emit(_stream: StreamName, ...events: Partial<LeaseEvent>[]): Promise<void> {
    await this.deliver(
      events.map((event) => ({ kind: 'lease', seq: ++this.seq, event: leaseEvent(event) }) as const),
    );
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
    const running = this.#life.running as { lease?(batch: LeaseBatch): void | Promise<void> } | undefined;
    if (spec === undefined || running?.lease === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: this.#plugin.name, what: 'stream lease' });
    const { source = 'dhcp4', family = 4 } = this.#options;
    const { fresh } = this;
    const { signal } = this.#life;
    for (let at = 0; at < records.length; at += spec.batch)
      await running.lease({ source, family, records: records.slice(at, at + spec.batch), fresh, signal });
  }

  health(): Health {
    return this.#life.health() ?? { state: 'failed', reason: this.failure?.message ?? 'stopped' };
  }

  async #samples(name: string) {
    const whole = metricName(this.#plugin.name, name, this.#plugin.metrics[name]);
    const metric = this.#registry.getSingleMetric(whole);
    if (metric === undefined) throw new Error(`no metric ${name}`);
    return (await metric.get()).values;
  }

  async shows(name: string): Promise<boolean> {
    return (await this.#samples(name)).length > 0;
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const wanted = Object.entries(labels);
    return (await this.#samples(name))
      .filter((value) => wanted.every(([label, is]) => value.labels[label] === is))
      .reduce((sum, { value }) => sum + value, 0);
  }

  async stop(): Promise<void> {
    await this.#life.stop(5);
    this.#clock.close();
    if (this.#options.store === undefined) await this.store.close();
  }
}
