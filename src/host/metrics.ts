// SPDX-License-Identifier: MPL-2.0
// Metrics: what the host measures of itself and of every plugin (rows of metrics-table.ts), and the making of
// those that plugins declare. Nothing here grows with leases: a scrape costs the same with one as with a million.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DecisionsObserver } from './decisions/service.js';
import type { HealthReport } from './health.js';
import { type MetricName, type MetricRow, metricRows, pluginStates } from './metrics-table.js';
import type { MetricSpec } from './plugin.js';
import { ProcessMetrics } from './process-metrics.js';
import type { RulingsObserver } from './rulings/server.js';
import { answers, type StoreObserver } from './store/store.js';
import type { DeliveryObserver } from './streams/delivery.js';
import { TablesMetrics } from './tables/metrics.js';

/** Name of a plugin's metric as Prometheus sees it. */
export const metricName = (plugin: string, metric: string, spec: Pick<MetricSpec, 'name'> = {}) =>
  spec.name ?? `nnoe_${plugin.replaceAll('-', '_')}_${metric}`;

/** Makes what a plugin declares; once, for all lives of the plugin. */
export function pluginMetrics(plugin: string, specs: Record<string, MetricSpec>, registry: Registry) {
  const made: Record<string, Counter | Gauge | Histogram> = {};
  for (const [key, spec] of Object.entries(specs))
    made[key] = makeMetric(metricName(plugin, key, spec), spec, registry);
  return made;
}

function makeMetric(name: string, spec: MetricRow, registry: Registry): Counter | Gauge | Histogram {
  const labelNames = Object.keys(spec.labels ?? {});
  const options = { name, help: spec.help, labelNames, registers: [registry] };
  if (spec.type === 'counter') return new Counter(options);
  if (spec.type === 'gauge') {
    const gauge = new Gauge(options);
    // Without labels it would say 0 before anybody has set it.
    if (labelNames.length === 0) gauge.remove();
    return gauge;
  }
  return new Histogram({ ...options, buckets: [...(spec.buckets ?? [])] });
}

/** What prom-client has for a kind; plugins are given less of it (plugin/metrics.ts). */
type Kinds = { counter: Counter; gauge: Gauge; histogram: Histogram };
type Made<N extends MetricName> = Kinds[(typeof metricRows)[N]['type']];
export type Make = <N extends MetricName>(name: N) => Made<N>;

/** A counter whose value somebody else counts. */
export function setCounter(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}

function rulingsObserver(make: Make): RulingsObserver {
  const questions = make('nnoe_rulings_questions_total');
  const dropped = make('nnoe_rulings_dropped_total');
  const bridges = make('nnoe_rulings_bridges');
  bridges.set(0);
  return {
    question: (outcome) => questions.inc({ outcome }),
    dropped: (count) => dropped.inc(count),
    connected: (count) => bridges.set(count),
  };
}

/** What stays as it is for as long as the host runs. */
export interface HostFacts {
  version: string;
  /** Whether the store is an etcd. */
  etcd: boolean;
  /** Whether it has a local cache. */
  cached: boolean;
  /** Whether a plugin publishes a table. */
  tables: boolean;
  /** Whether decisions are read. */
  decisions: boolean;
  /** Whether a plugin publishes programs, so that bridges may ask. */
  programs: boolean;
}

/** What is looked up for a scrape. */
export interface Scrape {
  health: HealthReport;
  ready: boolean;
  cache?: { entries: number; bytes: number } | undefined;
}

export class HostMetrics implements DeliveryObserver {
  /** For the store to tell of its troubles. */
  readonly store: StoreObserver;
  readonly #make: Make;
  readonly #always: ReturnType<typeof makeAlways>;
  readonly #etcd: Gauge | undefined;
  readonly #cache: { bytes: Gauge; entries: Gauge } | undefined;
  readonly #process: ProcessMetrics;
  /** For the tables to tell of generations; undefined where nobody publishes. */
  readonly tables: TablesMetrics | undefined;
  /** For decisions to tell how many there were; undefined where nobody reads them. */
  readonly decisions: DecisionsObserver | undefined;
  /** For the socket of rulings to tell what was asked; undefined where nobody publishes programs. */
  readonly rulings: RulingsObserver | undefined;
  /** Made when the first plugin follows something. */
  #updates: Counter | undefined;

  constructor(registry: Registry, facts: HostFacts) {
    this.#make = <N extends MetricName>(name: N) => makeMetric(name, metricRows[name], registry) as Made<N>;
    this.#always = makeAlways(this.#make);
    this.#process = new ProcessMetrics(this.#make);
    this.#make('nnoe_build_info').set({ version: facts.version, node_version: process.versions.node }, 1);
    if (facts.etcd) this.#etcd = this.#make('nnoe_agent_etcd_connected');
    if (facts.cached)
      this.#cache = {
        bytes: this.#make('nnoe_agent_cache_size_bytes'),
        entries: this.#make('nnoe_agent_cache_size_entries'),
      };
    if (facts.tables) this.tables = new TablesMetrics(this.#make);
    if (facts.decisions) {
      const records = this.#make('nnoe_decision_records_total');
      const lost = this.#make('nnoe_decision_records_lost_total');
      this.decisions = {
        decisions(read, missed) {
          setCounter(records, read);
          setCounter(lost, missed);
        },
      };
    }
    if (facts.programs) this.rulings = rulingsObserver(this.#make);
    const { errors, retries, followRestarts } = this.#always;
    this.store = {
      failed: (code) => errors.inc({ code }),
      retried: () => retries.inc(),
      followRestarted: () => followRestarts.inc(),
    };
  }

  batch(plugin: string, journal: string, records: number, seconds: number): void {
    this.#always.batches.observe({ plugin }, seconds);
    this.#always.records.inc({ plugin, journal }, records);
  }

  gap(plugin: string, journal: string, reason: string): void {
    this.#always.gaps.inc({ plugin, journal, reason });
  }

  failure(plugin: string, code: string): void {
    this.#always.failures.inc({ plugin, code });
  }

  restart(plugin: string): void {
    this.#always.restarts.inc({ plugin });
  }

  committed(plugin: string, seconds: number): void {
    this.#always.commits.observe({ plugin }, seconds);
  }

  /** A plugin follows a prefix. */
  following(): void {
    this.#updates ??= this.#make('nnoe_agent_config_updates_total');
  }

  /** Changes that were handed to a plugin that follows them. */
  updated(changes: number): void {
    this.#updates?.inc(changes);
  }

  /** The host's own look came about so much later than due, s. */
  late(seconds: number): void {
    this.#always.late.observe(seconds);
  }

  /** Before a scrape: what is not counted as it happens. */
  refresh({ health, ready, cache }: Scrape): void {
    const { uptime, storeUp, isReady } = this.#always;
    uptime.set(process.uptime());
    isReady.set(Number(ready));
    storeUp.set(Number(answers(health.store)));
    this.#etcd?.set(Number(answers(health.store)));
    // Not opened yet, or off because of its disk: 0 would not be true.
    for (const what of ['bytes', 'entries'] as const)
      if (cache === undefined) this.#cache?.[what].remove();
      else this.#cache?.[what].set(cache[what]);
    this.#refreshPlugins(health);
    this.#refreshJournals(health);
    if (health.tables !== undefined) this.tables?.refresh(health.tables);
    this.#process.refresh();
  }

  #refreshPlugins({ plugins }: HealthReport): void {
    for (const [plugin, { state }] of Object.entries(plugins))
      for (const each of pluginStates)
        this.#always.states.set({ plugin, state: each }, Number(each === state));
  }

  #refreshJournals({ sources }: HealthReport): void {
    const { up, size, depth, oldest, owed, lag, age } = this.#always;
    // What a journal that was closed meanwhile last said must not stay.
    for (const each of [size, depth, oldest, owed, lag, age]) each.reset();
    for (const [journal, source] of Object.entries(sources)) {
      up.set({ journal }, Number(source.state === 'ok'));
      if (source.state !== 'ok') continue;
      size.set({ journal }, source.bytes ?? 0);
      owed.set({ journal }, Number(source.walkOwedAfter !== undefined));
      depth.set({ journal }, Math.max(0, ...source.consumers.map((each) => each.lag)));
      oldest.set({ journal }, Math.max(0, ...source.consumers.map((each) => each.age)));
      for (const { consumer: plugin, lag: records, age: seconds } of source.consumers) {
        lag.set({ plugin, journal }, records);
        age.set({ plugin, journal }, seconds);
      }
    }
  }
}

function makeAlways(make: Make) {
  return {
    uptime: make('nnoe_agent_uptime_seconds'),
    isReady: make('nnoe_ready'),
    storeUp: make('nnoe_store_up'),
    commits: make('nnoe_store_commit_seconds'),
    errors: make('nnoe_store_errors_total'),
    retries: make('nnoe_store_retries_total'),
    followRestarts: make('nnoe_store_follow_restarts_total'),
    states: make('nnoe_plugin_state'),
    batches: make('nnoe_plugin_batch_seconds'),
    records: make('nnoe_plugin_records_total'),
    lag: make('nnoe_plugin_lag_records'),
    age: make('nnoe_plugin_lag_seconds'),
    gaps: make('nnoe_plugin_gaps_total'),
    failures: make('nnoe_plugin_failures_total'),
    restarts: make('nnoe_plugin_restarts_total'),
    up: make('nnoe_journal_up'),
    size: make('nnoe_journal_size_bytes'),
    depth: make('nnoe_journal_depth_records'),
    oldest: make('nnoe_journal_oldest_undelivered_seconds'),
    owed: make('nnoe_journal_walk_owed'),
    late: make('nnoe_event_loop_lag_seconds'),
  };
}
