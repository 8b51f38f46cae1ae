// SPDX-License-Identifier: MPL-2.0
// What a running host serves on /metrics and /ready: the names, types, labels and help of the tables, documented
// as they are, with true values; on a real journal and a real etcd, which goes away meanwhile.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Operation } from '../../src/host/gen/events.js';
import { metricName } from '../../src/host/metrics.js';
import { type MetricRow, metricRows, notServed } from '../../src/host/metrics-table.js';
import type { MetricSpec } from '../../src/host/plugin.js';
import { plugins } from '../../src/plugins/plugins.js';
import { JournalScript, killScripts } from '../lib/journal-script.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { tree } from './lib/kea.js';
import { until } from './lib/process.js';
import { type Family, parseScrape, sample } from './lib/scrape.js';
import { temporary } from './lib/workspace.js';

test.after(killScripts);

const declared: [string, MetricRow | MetricSpec][] = plugins.flatMap((plugin) =>
  Object.entries<MetricSpec>(plugin.metrics).map(([key, spec]): [string, MetricSpec] => [
    metricName(plugin.name, key, spec),
    spec,
  ]),
);
const table = new Map<string, MetricRow | MetricSpec>([
  ...Object.entries<MetricRow>(metricRows),
  ...declared,
]);
const page = readFileSync(join(tree, 'docs/reference/metrics.md'), 'utf8');
const follower = join(tree, 'dist/test/daemons/fixtures/following-host.js');
const leases = { plugin: 'leases', journal: 'dhcp4' };
const nowUs = () => Date.now() * 1000;

async function stage(extra: { script?: string; plugins?: Record<string, object> } = {}) {
  const directory = join(temporary('metrics'), 'dhcp4');
  const etcd = await Etcd.start();
  const script = await JournalScript.start(directory);
  const host = await Host.start({
    journals: { dhcp4: { directory, family: 4 } },
    endpoints: etcd.endpoints,
    startsHealthy: false,
    ...(extra as object),
  });
  return { etcd, script, host, directory };
}

const scrape = async (host: Host) => parseScrape(await host.metrics());
const now = Math.floor(Date.now() / 1000);
/** In use for an hour. */
const fields = () => ({ cltt: now, validLft: 3600, observedUs: nowUs() });

function labelsOf({ type, samples }: Family): string[] {
  const own = samples.flatMap(({ labels }) => Object.keys(labels));
  return [...new Set(own)].filter((label) => type !== 'histogram' || label !== 'le').sort();
}

test('names, types, labels and help are those of the tables, and of the reference', async () => {
  const { etcd, script, host } = await stage();
  for (let i = 0; i < 20; i++) script.lease(i, fields());
  await script.head();
  await until(
    'the leases to be counted',
    async () => sample(await scrape(host), 'nnoe_dhcp_leases_active') === 20,
  );
  const families = await scrape(host);
  for (const family of families.values()) {
    const row = table.get(family.name);
    assert.ok(row, `${family.name} is scraped and stands in no table`);
    assert.is(family.help, row.help);
    assert.is(family.type, row.type, family.name);
    if (family.samples.length > 0)
      assert.equal(labelsOf(family), Object.keys(row.labels ?? {}).sort(), family.name);
    const documented = page.split('\n').find((line) => line.startsWith(`| \`${family.name}\` `));
    assert.ok(documented?.includes(row.help.replaceAll('|', '\\|')), `${family.name} in the reference`);
  }
  const conditional = (row: MetricRow | MetricSpec) => 'when' in row && row.when !== undefined;
  // What is not switched on by itself does not run here.
  const off = plugins.filter(({ optIn }) => optIn).map(({ name }) => metricName(name, ''));
  const runs = (name: string) => !off.some((prefix) => name.startsWith(prefix));
  const missing = [...table].filter(([name, row]) => runs(name) && !conditional(row) && !families.has(name));
  assert.equal(
    missing.map(([name]) => name),
    [],
  );
  const etcdOnly = [...table].filter(
    ([, row]) => conditional(row) && /etcd|journal/.test((row as MetricRow).when ?? ''),
  );
  assert.ok(etcdOnly.length > 5);
  for (const [name] of etcdOnly) assert.ok(families.get(name)?.samples.length, name);
  for (const name of Object.keys(notServed)) assert.not(families.has(name), `${name} has no true value here`);
  // Roles and lists follow their prefixes.
  for (const name of [
    'nnoe_agent_config_updates_total',
    'nnoe_agent_cache_size_bytes',
    'nnoe_agent_cache_size_entries',
  ])
    assert.ok(families.get(name)?.samples.length, name);
  await host.stop();
  await script.end();
  await etcd.stop();
});

test('values are true, and stay so while etcd is away; ready does not change then', async () => {
  const { etcd, script, host } = await stage();
  await script.walk();
  for (let i = 0; i < 50; i++) script.lease(i, fields());
  for (let i = 0; i < 10; i++) script.lease(i, { ...fields(), operation: Operation.RELEASE });
  await script.head();
  const value = async (name: string, labels = {}) => sample(await scrape(host), name, labels);
  await until('readiness', async () => (await host.ready())?.status === 200);
  await until('all to be delivered', async () => (await value('nnoe_plugin_lag_records', leases)) === 0);
  await until('the count', async () => (await value('nnoe_dhcp_leases_active')) === 40);
  assert.is(await value('nnoe_dhcp_leases_total'), 50);
  assert.is(await etcd.count('/nnoe/dhcp/leases/'), 40);
  assert.is(await value('nnoe_ready'), 1);
  assert.is(await value('nnoe_agent_etcd_connected'), 1);
  assert.is(await value('nnoe_plugin_state', { plugin: 'leases', state: 'ok' }), 1);
  assert.is(await value('nnoe_plugin_state', { plugin: 'leases', state: 'failed' }), 0);
  assert.is(await value('nnoe_plugin_lag_seconds', leases), 0);
  assert.is(await value('nnoe_journal_walk_owed', { journal: 'dhcp4' }), 0);
  assert.ok(((await value('nnoe_store_commit_seconds_count', { plugin: 'leases' })) ?? 0) > 0);
  const pid = host.proc?.pid ?? 0;
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const said = (await value('process_resident_memory_bytes')) ?? 0;
  assert.ok(Math.abs(said - resident) < 20e6, `${said} bytes of ${resident}`);
  const started = (await value('process_start_time_seconds')) ?? 0;
  assert.ok(Math.abs(started - now) < 60, String(started));

  await etcd.killMember(0);
  for (let i = 100; i < 108; i++) script.lease(i, fields());
  await script.head();
  await until('etcd to be missed', async () => (await value('nnoe_agent_etcd_connected')) === 0, 20_000, 50);
  await until('retries', async () => ((await value('nnoe_store_retries_total')) ?? 0) > 0, 20_000, 50);
  assert.ok(((await value('nnoe_store_errors_total', { code: 'STORE_UNREACHABLE' })) ?? 0) > 0);
  assert.ok(((await value('nnoe_plugin_lag_records', leases)) ?? 0) > 0);
  const age = (await value('nnoe_journal_oldest_undelivered_seconds', { journal: 'dhcp4' })) ?? 0;
  await until(
    'the oldest to grow older',
    async () =>
      ((await value('nnoe_journal_oldest_undelivered_seconds', { journal: 'dhcp4' })) ?? 0) >= age + 0.5,
  );
  assert.is((await host.health())?.status, 503);
  assert.is((await host.ready())?.status, 200, 'nothing is lost, and nobody has to go elsewhere');
  etcd.startMember(0);
  await etcd.ready();
  await until(
    'all to be delivered',
    async () => (await value('nnoe_plugin_lag_records', leases)) === 0,
    20_000,
    50,
  );
  await host.stop();
  await script.end();
  await etcd.stop();
});

test('not ready: every reason with its code and what to do, until the last is gone', async () => {
  const { etcd, script, host, directory } = await stage({ script: follower, plugins: { follower: {} } });
  const codes = async () => {
    const { status, body } = (await host.ready()) ?? {};
    const reasons = (body?.reasons ?? []) as Record<string, string>[];
    assert.is(status, reasons.length === 0 ? 200 : 503);
    for (const { what, reason, help } of reasons)
      assert.ok(what && reason && (help ?? '').length > 30, reason);
    return reasons.map(({ code }) => code).join(' ');
  };
  // The journal is new to the plugin, and nobody walks.
  await until('the walk to be what is missing', async () => (await codes()) === 'READY_JOURNAL_WALK');
  await script.walk(1, 2, 3);
  await until('readiness', async () => (await codes()) === '');
  assert.is(sample(await scrape(host), 'nnoe_agent_config_updates_total'), 0);
  await etcd.put('/nnoe/follower/keys/a', '1');
  await etcd.put('/nnoe/follower/keys/a', '2');
  await until(
    'changes to be counted',
    async () => sample(await scrape(host), 'nnoe_agent_config_updates_total') === 2,
  );
  assert.is(sample(await scrape(host), 'nnoe_follower_held'), 1);
  await until(
    'the copy to be written',
    async () => sample(await scrape(host), 'nnoe_agent_cache_size_entries') === 1,
  );
  assert.is(
    sample(await scrape(host), 'nnoe_agent_cache_size_bytes'),
    Buffer.byteLength('/nnoe/follower/keys/a2'),
  );
  await host.stop();
  await etcd.killMember(0);
  host.spawn();
  await until(
    'the copy to be all that the follower needs',
    async () => /^STORE_\w+ READY_JOURNAL_STORE READY_PLUGIN_SETUP$/.test(await codes().catch(() => '')),
    20_000,
    50,
  );
  await host.kill();
  rmSync(host.storeDirectory, { recursive: true });
  host.spawn();
  await until(
    'the store to be named',
    async () =>
      /^STORE_\w+ READY_JOURNAL_STORE READY_PLUGIN_SNAPSHOT READY_PLUGIN_SETUP/.test(
        await codes().catch(() => ''),
      ),
    20_000,
    50,
  );
  etcd.startMember(0);
  await etcd.ready();
  await until('readiness', async () => (await codes()) === '', 20_000, 50);
  assert.ok(existsSync(directory));
  await host.stop();
  await script.end();
  await etcd.stop();
});

test.run();
