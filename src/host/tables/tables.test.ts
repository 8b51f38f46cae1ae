// SPDX-License-Identifier: MPL-2.0
// What plugins hand over to tables, and what is published of it; on a directory in memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NnoeError } from '../errors.js';
import { definePlugin, type Publishes, type RolesTable, type TableOf, z } from '../plugin.js';
import { type HarnessOptions, harness } from '../testing.js';

const base = {
  api: 1,
  name: 'sample',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({}),
  consumes: {},
  prefixes: {},
  metrics: {},
} as const;

/** A plugin that publishes a table of each kind, and the tables as it has them, each handed over once. */
async function start(options: HarnessOptions = {}) {
  const { roles, lists, policies, h } = await startBare(options);
  await roles.replace([]);
  lists.define([]);
  await policies.none();
  return { roles, lists, policies, h };
}

async function startBare(options: HarnessOptions = {}) {
  const publishes = {
    roles: { table: 'roles' },
    lists: { table: 'names' },
    policies: { table: 'programs' },
  } as const satisfies Publishes;
  let tables: { [T in keyof typeof publishes]: TableOf<(typeof publishes)[T]> } | undefined;
  const plugin = definePlugin({
    ...base,
    publishes,
    setup(ctx) {
      tables = ctx.table;
      return { health: () => ({ state: 'ok' }) };
    },
  });
  const h = await harness(plugin, options);
  assert.ok(tables);
  return { h, ...tables };
}

async function until(what: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!what()) {
    assert.ok(performance.now() < limit, 'it does not come about');
    await sleep(1);
  }
}

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof NnoeError, String(error));
    return `${error.code} ${error.message}`;
  }
  return 'accepted';
};

test('mappings are replaced, changed one by one, and looked up by the longest prefix', async () => {
  const { h, roles } = await start();
  await roles.replace([
    { prefix: '192.0.2.0/24', roles: ['staff'] },
    { prefix: '192.0.2.7', roles: ['printer', 'iot', 'iot'] },
    { prefix: '2001:db8::/32', roles: ['iot', 'printer'] },
  ]);
  roles.setDefault(['guest']);
  const view = await h.table('roles');
  assert.equal(view.mappings, {
    '192.0.2.0/24': ['staff'],
    '192.0.2.7': ['iot', 'printer'],
    '2001:db8::/32': ['iot', 'printer'],
  });
  assert.equal(view.find('192.0.2.7'), ['iot', 'printer']);
  assert.equal(view.find('192.0.2.8'), ['staff']);
  assert.equal(view.find('198.51.100.1'), ['guest']);
  roles.set('192.0.2.8', ['iot']);
  roles.delete('192.0.2.7');
  const after = await h.table('roles');
  assert.equal(after.find('192.0.2.7'), ['staff']);
  assert.equal(after.find('192.0.2.8'), ['iot']);
  await h.stop();
});

test('a prefix that is not canonical and roles that are none are refused by name', async () => {
  const { h, roles } = await start();
  for (const prefix of ['192.0.2.1/32', '192.0.2.1/24', '192.0.02.1', '2001:DB8::1', '192.0.2.0/33', ''])
    assert.match(
      refusal(() => roles.set(prefix, ['a'])),
      'TABLES_INVALID prefix: found',
    );
  for (const each of [[], [''], ['a\n'], ['x'.repeat(129)], ['\ud800']])
    assert.match(
      refusal(() => roles.set('192.0.2.1', each)),
      'TABLES_INVALID roles: found',
    );
  const refused: string[] = [];
  await roles.replace(
    [
      { prefix: '192.0.2.300', roles: ['a'] },
      { prefix: '192.0.2.3', roles: ['a'] },
    ],
    (prefix) => refused.push(prefix),
  );
  assert.equal(refused, ['192.0.2.300']);
  assert.equal((await h.table('roles')).mappings, { '192.0.2.3': ['a'] });
  await h.stop();
});

test('while nothing can be written, what is handed over waits, and is published when it can be', async () => {
  const { h, roles } = await start();
  await roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
  const before = await roles.published();
  h.tables.down('no space left on device');
  roles.set('192.0.2.2', ['b']);
  let published = false;
  const waiting = roles.published().then((generation) => {
    published = true;
    return generation;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(published, false);
  roles.set('192.0.2.3', ['c']);
  h.tables.up();
  assert.is(await waiting, before + 1);
  assert.equal((await h.table('roles')).find('192.0.2.3'), ['c']);
  await h.stop();
});

test('in a new directory nothing is published before every table was handed over', async () => {
  const { h, roles, lists, policies } = await startBare();
  let published = false;
  const waiting = roles.published().then((generation) => {
    published = true;
    return generation;
  });
  await roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
  const programs = policies.publish(new Uint8Array([1]));
  lists.define([
    { name: 'ads', kind: 'block' },
    { name: 'more', kind: 'block' },
    { name: 'none', kind: 'block' },
  ]);
  await lists.setNames('ads', [{ name: 'ads.example', scope: 'subtree' }]);
  await lists.setNames('none', []);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal([published, h.tables.published.clients.size], [false, 0], 'a list is missing');
  const failed = await lists.load('more', { path: '/nowhere/list' }).catch(({ code }: NnoeError) => code);
  assert.is(failed, 'TABLES_LIST');
  assert.is(await waiting, await programs, 'what failed is not waited for; all came with one generation');
  assert.is(await waiting, 1);
  const { clients, names, programs: section } = h.tables.published;
  assert.equal([clients.size, names.map((each) => each?.size ?? 0)[0]], [1, 1]);
  assert.equal(section, Buffer.from([1]));
  await h.stop();
});

test('when the directory was removed, what is handed over in the next life is what counts', async () => {
  const { h, roles } = await start();
  roles.set('192.0.2.1', ['a']);
  await roles.published();
  h.tables.lose();
  for (let i = 0; i < 100 && h.failure === undefined; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.is(h.failure?.code, 'PLUGIN_TABLE_FAILED');
  assert.match(h.failure?.message ?? '', /removed by the test/);
  await h.stop();
});

test('lists are named, filled and subscribed to, in the order of the rules', async () => {
  const { h, roles, lists } = await start({ tables: { answers: { portal: { a: ['192.0.2.80'] } } } });
  await roles.replace([{ prefix: '192.0.2.1', roles: ['kids', 'staff'] }]);
  lists.define([
    { name: 'ads', kind: 'block' },
    { name: 'mine', kind: 'allow' },
  ]);
  lists.subscribe([
    { lists: ['ads'], roles: ['kids'], action: 'redirect:portal' },
    { lists: ['ads', 'mine'], roles: [], action: 'nxdomain' },
  ]);
  const report = await lists.setNames(
    'ads',
    [
      { name: 'Ads.Example.', scope: 'subtree' },
      { name: 'bücher.example', scope: 'exact' },
      { name: 'a..b', scope: 'exact' },
      { name: 'example', scope: 'subtree' },
    ],
    { protect: ['good.example'] },
  );
  assert.equal(report.bad, { syntax: { rows: 1, lines: [3] } });
  assert.equal(report.withheld, { names: 1, first: ['*.example'] });
  lists.set('mine', 'fine.ads.example', 'exact');
  const view = await h.table('lists');
  assert.equal(view.lists, {
    ads: { kind: 'block', names: ['*.ads.example', 'xn--bcher-kva.example'] },
    mine: { kind: 'allow', names: ['fine.ads.example'] },
  });
  assert.is(view.action('ads', ['kids', 'staff']), 'redirect');
  assert.is(view.action('ads', ['default']), 'nxdomain');
  assert.match(
    refusal(() => lists.subscribe([{ lists: ['ads'], roles: [], action: 'redirect:other' }])),
    'TABLES_INVALID action: found "redirect:other", expected redirect: and one of portal',
  );
  assert.match(
    refusal(() => lists.set('bads', 'a', 'exact')),
    'TABLES_INVALID list: found "bads", expected ads, mine',
  );
  await h.stop();
});

test('a load that is not accepted leaves the list as it is', async () => {
  const { h, lists } = await start();
  lists.define([{ name: 'ads', kind: 'block' }]);
  await lists.setNames('ads', [
    { name: 'a.example', scope: 'exact' },
    { name: 'b.example', scope: 'exact' },
  ]);
  const report = await lists.setNames('ads', [], { accept: ({ names, before }) => names * 2 > before });
  assert.is(report.taken, false);
  assert.is(report.before, 2);
  assert.equal((await h.table('lists')).lists.ads?.names, ['a.example', 'b.example']);
  await h.stop();
});

test('programs are made for the sets of roles that clients have, and nobody has one at first', async () => {
  const { h, roles, policies } = await start();
  await roles.published();
  const seen: string[] = [];
  policies.roleSets(
    (sets) => void seen.push(sets.map(({ id, roles: names }) => `${id} ${names.join('+')}`).join(', ')),
  );
  assert.is((await h.table('policies')).section, 'unplanned');
  await roles.replace([
    { prefix: '192.0.2.1', roles: ['b', 'a'] },
    { prefix: '192.0.2.2', roles: ['a', 'b'] },
  ]);
  await roles.published();
  assert.equal(seen, ['0 default', '0 default, 1 a+b']);
  assert.is(policies.action('allow'), 0);
  const drop = policies.action('drop');
  assert.is(policies.action('drop'), drop);
  await policies.publish(new Uint8Array([1, 2]));
  const view = await h.table('policies');
  assert.equal(Buffer.from(view.section as Uint8Array), Buffer.from([1, 2]));
  assert.is(view.actions[drop], 'drop');
  await policies.none();
  assert.is((await h.table('policies')).section, 'unplanned');
  await h.stop();
});

test('a client has new roles in the generation that has the programs for them, unless these take too long', async () => {
  const { h, roles, policies } = await start();
  await roles.published();
  let work: () => Promise<unknown> = async () => undefined;
  policies.roleSets(async () => void (await work()));
  const section = new Uint8Array([7]);
  let before = -1;
  work = async () => {
    await sleep(50);
    before = h.tables.published.clients.size;
    void policies.publish(section);
  };
  roles.set('192.0.2.1', ['a']);
  await until(() => h.tables.published.clients.size === 1);
  assert.is(before, 0, 'not before');
  assert.equal(Buffer.from(h.tables.published.programs as Uint8Array), Buffer.from(section));
  work = () => new Promise(() => undefined);
  roles.set('192.0.2.2', ['b']);
  await until(() => h.tables.published.clients.size === 2);
  await h.stop();
});

test('a table that was not declared throws, and one of a life that is over', async () => {
  let seen: unknown;
  const plugin = definePlugin({
    ...base,
    publishes: { roles: { table: 'roles' } },
    setup(ctx) {
      seen = ctx;
      return { health: () => ({ state: 'ok' }) };
    },
  });
  const h = await harness(plugin);
  const ctx = seen as { table: { roles: RolesTable; names?: unknown } };
  assert.match(
    refusal(() => ctx.table.names),
    'PLUGIN_UNDECLARED plugin sample used table names',
  );
  await h.stop();
  assert.throws(() => ctx.table.roles.set('192.0.2.1', ['a']), /stopped/);
});

test.run();
