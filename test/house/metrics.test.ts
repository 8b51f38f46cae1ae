// SPDX-License-Identifier: MPL-2.0
// Names of metrics follow https://prometheus.io/docs/practices/naming/, and what promtool would complain of.
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HostMetrics, metricName, pluginMetrics } from '../../src/host/metrics.js';
import { type MetricRow, metricRows, notServed } from '../../src/host/metrics-table.js';
import type { MetricSpec } from '../../src/host/plugin.js';
import { plugins } from '../../src/plugins/plugins.js';

const rows: [string, MetricRow | MetricSpec][] = [
  ...Object.entries<MetricRow>(metricRows),
  ...plugins.flatMap((plugin) =>
    Object.entries<MetricSpec>(plugin.metrics).map(([key, spec]): [string, MetricSpec] => [
      metricName(plugin.name, key, spec),
      spec,
    ]),
  ),
];
const wrong = (rule: (name: string, row: MetricRow | MetricSpec) => boolean) =>
  rows.filter(([name, row]) => !rule(name, row)).map(([name]) => name);

test('a table row for every name, once', () => {
  assert.ok(rows.length > 40);
  assert.is(new Set(rows.map(([name]) => name)).size, rows.length);
});

test('names are of a-z, 0-9 and _, and begin with whose they are', () => {
  assert.equal(
    wrong((name) => /^(nnoe|process|nodejs)_[a-z0-9]+(_[a-z0-9]+)*$/.test(name)),
    [],
  );
});

test('counters end in _total, and nothing else does', () => {
  assert.equal(
    wrong((name, { type }) => name.endsWith('_total') === (type === 'counter')),
    [],
  );
});

test('units are base units, spelled out and last', () => {
  const other = /_(milliseconds|ms|us|minutes|hours|kilobytes|kb|mb|megabytes|percent)(_|$)/;
  assert.equal(
    wrong((name) => !other.test(name)),
    [],
  );
  assert.equal(
    wrong((name) => !/_(seconds|bytes)_(?!total$)/.test(name)),
    [],
  );
  assert.equal(
    wrong((name, { type }) => type !== 'histogram' || /_(seconds|bytes)$/.test(name)),
    [],
  );
});

test('no name ends like a histogram’s parts or repeats its type', () => {
  assert.equal(
    wrong((name) => !/_(bucket|sum|count|gauge|counter|histogram)$/.test(name)),
    [],
  );
});

test('every help is a sentence', () => {
  assert.equal(
    wrong((_, { help }) => /^[A-Z].*[.]$/.test(help) && !/\n/.test(help)),
    [],
  );
});

test('labels are named well, and what bounds them is stated', () => {
  const good = ([label, bound]: [string, string]) =>
    /^[a-z][a-z_]*$/.test(label) && !['le', 'quantile', 'job', 'instance'].includes(label) && bound !== '';
  assert.equal(
    wrong((_, { labels }) => Object.entries(labels ?? {}).every(good)),
    [],
  );
});

test('buckets grow', () => {
  const grow = (buckets: readonly number[]) =>
    buckets.length > 1 && buckets.every((end, i) => i === 0 || end > (buckets[i - 1] as number));
  assert.equal(
    wrong((_, row) => row.type !== 'histogram' || grow(row.buckets ?? [])),
    [],
  );
});

test('all of them can be made, with names of the original exporter left out that nothing measures', async () => {
  const registry = new Registry();
  const host = new HostMetrics(registry, {
    version: '0',
    etcd: true,
    cached: true,
    tables: true,
    decisions: true,
    programs: true,
  });
  host.following();
  for (const plugin of plugins) pluginMetrics(plugin.name, plugin.metrics, registry);
  const made = registry.getMetricsAsArray().map(({ name }) => name);
  assert.equal([...made].sort(), rows.map(([name]) => name).sort());
  const original = [
    ...['agent_uptime_seconds', 'agent_etcd_connected', 'agent_cache_size_bytes', 'agent_cache_size_entries'],
    ...['agent_config_updates_total', 'agent_service_reloads_total', 'dns_queries_total', 'dns_query_rate'],
    ...['dhcp_leases_active', 'dhcp_leases_total', 'blocked_queries_total', 'agent_ha_state'],
  ].map((name) => `nnoe_${name}`);
  assert.equal(original.filter((name) => !made.includes(name)).sort(), Object.keys(notServed).sort());
});

test.run();
