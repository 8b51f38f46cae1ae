// SPDX-License-Identifier: MPL-2.0
// Metrics: what the host measures of itself and of every plugin, and the making of those plugins declare.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MetricSpec } from './plugin.js';
import type { DeliveryObserver } from './streams/delivery.js';

/** Name of a plugin's metric as Prometheus sees it. */
export const metricName = (plugin: string, metric: string) => `nnoe_${plugin.replaceAll('-', '_')}_${metric}`;

/** Makes what a plugin declares; once, for all lives of the plugin. */
export function pluginMetrics(plugin: string, specs: Record<string, MetricSpec>, registry: Registry) {
  const made: Record<string, Counter | Gauge | Histogram> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const options = {
      name: metricName(plugin, key),
      help: spec.help,
      labelNames: spec.labels ?? [],
      registers: [registry],
    };
    if (spec.type === 'counter') made[key] = new Counter(options);
    else if (spec.type === 'gauge') made[key] = new Gauge(options);
    else made[key] = new Histogram({ ...options, buckets: [...spec.buckets] });
  }
  return made;
}

/** What the host knows at the moment of a scrape. */
export interface Scrape {
  storeUp: boolean;
  plugins: { name: string; up: boolean }[];
  sources: { name: string; up: boolean; bytes: number; consumers: { consumer: string; lag: number }[] }[];
}

export class HostMetrics implements DeliveryObserver {
  readonly #batches: Histogram;
  readonly #events: Counter;
  readonly #gaps: Counter;
  readonly #restarts: Counter;

  constructor(registry: Registry, scrape: () => Scrape) {
    const registers = [registry];
    this.#batches = new Histogram({
      name: 'nnoe_plugin_batch_seconds',
      help: 'Time from handing a batch to a plugin until its promise settled.',
      labelNames: ['plugin'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
      registers,
    });
    this.#events = new Counter({
      name: 'nnoe_plugin_records_total',
      help: 'Records of a journal that a plugin has dealt with.',
      labelNames: ['plugin', 'source'],
      registers,
    });
    this.#gaps = new Counter({
      name: 'nnoe_plugin_gaps_total',
      help: 'Holes in a journal that a plugin was told of.',
      labelNames: ['plugin', 'source', 'reason'],
      registers,
    });
    this.#restarts = new Counter({
      name: 'nnoe_plugin_failures_total',
      help: 'Times a plugin failed and was taken down to be started again.',
      labelNames: ['plugin', 'code'],
      registers,
    });
    scraped(registers, scrape);
    processMetrics(registers);
  }

  batch(plugin: string, source: string, records: number, seconds: number): void {
    this.#batches.observe({ plugin }, seconds);
    this.#events.inc({ plugin, source }, records);
  }

  gap(plugin: string, source: string, reason: string): void {
    this.#gaps.inc({ plugin, source, reason });
  }

  failure(plugin: string, code: string): void {
    this.#restarts.inc({ plugin, code });
  }
}

/** Gauges that are read off when somebody asks, all from one look. */
function scraped(registers: Registry[], scrape: () => Scrape): void {
  // Registered first, so that its look is done before the others are read.
  new Gauge({
    name: 'nnoe_agent_etcd_connected',
    help: 'Whether the store answers; the name other parts of NNOE know.',
    registers,
    collect() {
      const now = scrape();
      this.set(Number(now.storeUp));
      storeUp.set(Number(now.storeUp));
      for (const { name, up } of now.plugins) pluginUp.set({ plugin: name }, Number(up));
      for (const source of now.sources) {
        sourceUp.set({ source: source.name }, Number(source.up));
        bytes.set({ source: source.name }, source.bytes);
        for (const each of source.consumers)
          lag.set({ plugin: each.consumer, source: source.name }, each.lag);
      }
    },
  });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const pluginUp = gauge('nnoe_plugin_up', 'Whether the plugin runs and says that it is well.', ['plugin']);
  const labels = ['plugin', 'source'];
  const lag = gauge(
    'nnoe_plugin_lag_records',
    'Records between the head of the journal and the cursor.',
    labels,
  );
  const sourceUp = gauge('nnoe_source_up', 'Whether the journal is open.', ['source']);
  const bytes = gauge('nnoe_source_bytes', 'Size of the journal on disk.', ['source']);
  const storeUp = gauge('nnoe_store_up', 'Whether the store answers.');
}

/** The usual names, without prom-client's default set: its event-loop monitor wakes an idle process 100 times a second. */
function processMetrics(registers: Registry[]): void {
  new Gauge({
    name: 'nnoe_agent_uptime_seconds',
    help: 'Time since the host started.',
    registers,
    collect() {
      this.set(process.uptime());
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'User and system time used.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
}
