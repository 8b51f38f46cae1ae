// SPDX-License-Identifier: MPL-2.0
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { harness } from '../../host/testing.js';
import { Labels } from './labels.js';
import plugin from './plugin.js';
import type { DecisionsReport } from './report.js';
import { panes, Window } from './window.js';

const ads = { name: 'ads.example', verdict: 'nxdomain', list: 'ads', roles: ['kids'] } as const;

test('decisions are counted by roles, list and reason, and under the names that others know', async () => {
  const h = await harness(plugin);
  await h.emit('decision', {}, {}, ads, { ...ads, verdict: 'pool' }, { ...ads, client: '2001:db8::1' });
  await h.emit('decision', {});
  assert.is(await h.metric('queries_total'), 6);
  assert.is(await h.metric('blocked_total'), 2);
  assert.is(await h.metric('roles_total', { roles: 'kids', verdict: 'nxdomain' }), 2);
  assert.is(await h.metric('roles_total', { roles: 'default', verdict: 'allow' }), 3);
  assert.is(await h.metric('lists_total', { list: 'ads' }), 3);
  assert.is(await h.metric('reasons_total', { reason: 'no-policy' }), 3);
  assert.is(await h.metric('query_rate'), 3);
  assert.equal(h.health(), { state: 'ok' });
  await h.stop();
});

test('sets of roles beyond the limit are counted together, those before it stay', async () => {
  const h = await harness(plugin, { config: { labels: 2 } });
  for (const role of ['a', 'b', 'c', 'd', 'a']) await h.emit('decision', { roles: [role] });
  const of = (roles: string) => h.metric('roles_total', { roles });
  assert.equal([await of('a'), await of('b'), await of('c'), await of('other')], [2, 1, 0, 2]);
  assert.is(new Labels(0).of('x'), 'other');
  await h.stop();
});

test('the report ranks names in any case, clients, and what was blocked', async () => {
  const h = await harness(plugin);
  await h.emit('decision', ads, { ...ads, name: 'ADS.example' }, { client: '192.0.2.9' }, {});
  await h.decide({ lost: 4 });
  const report = (await h.operate('report')) as DecisionsReport;
  assert.equal(report.names.top, [
    { key: 'ads.example', count: 2 },
    { key: 'www.example', count: 2 },
  ]);
  assert.equal(report.blockedClients.top, [{ key: '192.0.2.1', count: 2 }]);
  assert.equal([report.queries, report.blocked, report.lost, report.seconds], [4, 2, 4, 2]);
  assert.ok(h.logged.some(({ details }) => details.code === 'DECISIONS_LOST'));
  await h.stop();
});

test('nothing is logged unless asked for; then no more lines than the rate', async () => {
  const quiet = await harness(plugin);
  await quiet.emit('decision', ads);
  assert.equal(quiet.logged, []);
  await quiet.stop();
  const h = await harness(plugin, { config: { log: { what: 'blocked', rate: 2 } } });
  await h.emit('decision', ads, {}, ads, ads);
  const lines = h.logged.filter(({ details }) => details.code === 'DECISIONS_DECIDED');
  assert.is(lines.length, 2);
  assert.match(lines[0]?.message ?? '', '192.0.2.1 asked for ads.example: nxdomain');
  assert.is(await h.metric('logged_total'), 2);
  assert.is(await h.metric('unlogged_total', { reason: 'rate' }), 1);
  await h.stop();
});

test('a file of JSON lines is begun anew after it was renamed, and one that cannot be written is said', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-sink-'));
  const file = join(directory, 'decisions.log');
  const read = (path: string) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  const h = await harness(plugin, { config: { log: { what: 'sampled', file } } });
  await h.emit('decision', ads, {});
  renameSync(file, `${file}.1`);
  await h.emit('decision', ads);
  assert.is(read(`${file}.1`).length, 2);
  assert.equal(read(file), [
    {
      ...{ time: '2023-11-14T22:13:20.000Z', client: '192.0.2.1', name: 'ads.example', type: 1 },
      ...{ verdict: 'nxdomain', blocked: true, reason: 'block-list', roles: ['kids'], generation: 1 },
      list: 'ads',
    },
  ]);
  rmSync(directory, { recursive: true });
  await h.emit('decision', ads);
  await h.emit('decision', ads);
  assert.is(h.health().state, 'degraded');
  assert.is(h.logged.filter(({ details }) => details.code === 'DECISIONS_UNLOGGED').length, 1);
  assert.is(await h.metric('unlogged_total', { reason: 'failed' }), 2);
  assert.is(await h.metric('queries_total'), 5);
  await h.stop();
});

test('a window forgets what is older, a pane at a time', () => {
  const window = new Window(100, 10);
  for (let at = 0; at <= 200; at += 10) window.add({ top: [{ key: `k${at}`, count: 1 }], error: 0 }, at);
  const { top } = window.top(100, 205);
  assert.is(top.length, panes);
  assert.ok(top.some(({ key }) => key === 'k200'));
  assert.not.ok(top.some(({ key }) => key === 'k100'));
  assert.equal(window.top(100, 500), { top: [], error: 0 });
});

test('a million unique names a minute: rankings stay small and true, and find who is frequent', () => {
  const seconds = 60;
  const window = new Window(300, 1000);
  let held = 0;
  for (let at = 0; at < seconds; at++) {
    // As the addon ranks a second of 16,667 names that come once each, and one that comes 500 times.
    const unique = Array.from({ length: 999 }, (_, i) => ({ key: `u${at * 17_000 + i}.example`, count: 1 }));
    window.add({ top: [{ key: 'hot.example', count: 500 }, ...unique], error: 1 }, at);
    held = Math.max(held, window.size);
  }
  const { top, error } = window.top(1, seconds);
  assert.is(top[0]?.key, 'hot.example');
  const truth = 500 * seconds;
  assert.ok((top[0]?.count ?? 0) <= truth && (top[0]?.count ?? 0) + error >= truth);
  assert.ok(held <= 2 * 1000 * panes + 1000, `${held} keys`);
  assert.ok(error <= 200, `${error}`);
});

test.run();
