// SPDX-License-Identifier: MPL-2.0
// What clients meet while a host begins, ends and begins again: nobody is let through by half of what is configured.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../src/host/native.js';
import type { Tables } from '../../src/host/plugin/tables.js';
import { addonTables } from '../../src/host/tables/addon.js';
import { TablesService } from '../../src/host/tables/service.js';
import { sleep, until } from './lib/process.js';
import { type Verdicts, verdicts } from './lib/verdicts.js';
import { temporary } from './lib/workspace.js';

const client = '192.0.2.1';

/** A host's service on a directory, with the tables of its plugins. */
function begin(directory: string, ...tables: (keyof Tables)[]) {
  const service = new TablesService({
    directory,
    tables: new Set(tables),
    answers: {},
    defaults: { ttl: 60, extendedErrors: false },
    log: pino({ enabled: false }),
    open: (path) => addonTables((of) => native().openTables(of), path),
    busy: (error) => assert.unreachable(String(error)),
    pause: 10,
  });
  service.start();
  const { signal } = new AbortController();
  const open = <N extends keyof Tables>(name: N) =>
    service.open(name, signal, (error) => assert.unreachable(String(error)));
  return {
    service,
    roles: () => open('roles'),
    names: () => open('names'),
    programs: () => open('programs'),
  };
}

const bridges: Verdicts[] = [];
function ask(directory: string): Verdicts {
  const bridge = verdicts(directory, 'closed');
  bridges.push(bridge);
  return bridge;
}
test.after(() => {
  for (const bridge of bridges) bridge.stop();
});

const exact = (...names: string[]) => names.map((name) => ({ name, scope: 'exact' as const }));

test('the first generation waits for every table: mappings alone would let everybody pass', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'roles', 'names');
  const bridge = ask(directory);
  await host.roles().replace([{ prefix: client, roles: ['kids'] }]);
  await sleep(100);
  assert.match(await bridge.ask(client, 'ads.example'), /^refused /, 'mappings alone');
  const names = host.names();
  names.define([{ name: 'ads', kind: 'block' }]);
  names.subscribe([{ lists: ['ads'], roles: ['kids'], action: 'nxdomain' }]);
  await sleep(100);
  assert.match(await bridge.ask(client, 'ads.example'), /^refused /, 'a list that was not read yet');
  await names.setNames('ads', exact('ads.example'));
  await host.service.published();
  await until('it', async () => (await bridge.ask(client, 'ads.example')) === 'nxdomain block-list', 5000);
  assert.is(await bridge.ask(client, 'ok.example'), 'allow no-policy');
  await host.service.close();
});

test('a list that cannot be read holds up the first generation no longer than its reading', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'roles', 'names');
  const bridge = ask(directory);
  await host.roles().replace([{ prefix: client, roles: ['kids'] }]);
  const names = host.names();
  names.define([
    { name: 'ads', kind: 'block' },
    { name: 'gone', kind: 'block' },
  ]);
  names.subscribe([{ lists: ['ads', 'gone'], roles: ['kids'], action: 'nxdomain' }]);
  await names.setNames('ads', exact('ads.example'));
  await names.load('gone', { path: '/nowhere/at/all' }).then(
    () => assert.unreachable(),
    () => undefined,
  );
  await until('it', async () => (await bridge.ask(client, 'ads.example')) === 'nxdomain block-list', 5000);
  await host.service.close();
});

test('single names stay blocked over a restart that reads no list again', async () => {
  const directory = temporary('tables');
  const first = begin(directory, 'names');
  const define = (host: ReturnType<typeof begin>) => {
    const names = host.names();
    names.define([{ name: 'threats', kind: 'block' }]);
    names.subscribe([{ lists: ['threats'], roles: [], action: 'nxdomain' }]);
    return names;
  };
  const names = define(first);
  await names.setNames('threats', exact('old.example', 'over.example'));
  await first.service.published();
  names.set('threats', 'new.example', 'exact');
  names.unset('threats', 'over.example', 'exact');
  await first.service.published();
  assert.is(names.size('threats'), 2);
  await first.service.close();

  const bridge = ask(directory);
  assert.is(await bridge.ask(client, 'new.example'), 'nxdomain block-list');
  const second = begin(directory, 'names');
  const again = define(second);
  await second.service.published();
  await sleep(300);
  assert.is(again.size('threats'), 2);
  assert.is(await bridge.ask(client, 'old.example'), 'nxdomain block-list');
  assert.is(await bridge.ask(client, 'new.example'), 'nxdomain block-list', 'set before the restart');
  assert.is(await bridge.ask(client, 'over.example'), 'allow no-policy', 'taken off before the restart');
  // The same once other names have changed, and a new base was made.
  again.set('threats', 'later.example', 'exact');
  await second.service.published();
  await sleep(100);
  for (const name of ['old.example', 'new.example', 'later.example'])
    assert.is(await bridge.ask(client, name), 'nxdomain block-list', name);
  assert.is(await bridge.ask(client, 'over.example'), 'allow no-policy');
  await second.service.close();
});

test('a directory whose manifest is lost does not take the names of one list for those of another', async () => {
  const directory = temporary('tables');
  const first = begin(directory, 'names');
  const names = first.names();
  names.define([
    { name: 'good', kind: 'allow' },
    { name: 'ads', kind: 'block' },
  ]);
  names.subscribe([{ lists: ['good', 'ads'], roles: [], action: 'nxdomain' }]);
  await names.setNames('ads', exact('ads.example'));
  await names.setNames('good', exact('good.example'));
  names.set('good', 'fine.example', 'exact');
  await first.service.published();
  await first.service.close();
  writeFileSync(join(directory, 'manifest'), 'not a manifest');

  const second = begin(directory, 'names');
  const again = second.names();
  again.define([
    { name: 'ads', kind: 'block' },
    { name: 'good', kind: 'allow' },
  ]);
  again.subscribe([{ lists: ['good', 'ads'], roles: [], action: 'nxdomain' }]);
  await again.load('good', { path: '/nowhere' }).catch(() => undefined);
  await again.load('ads', { path: '/nowhere' }).catch(() => undefined);
  await second.service.published();
  const bridge = ask(directory);
  for (const name of ['good.example', 'fine.example'])
    assert.is.not(await bridge.ask(client, name), 'nxdomain block-list', name);
  await second.service.close();
});

test('a name set before a list was handed over whole does not come after it', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'roles', 'names');
  const names = host.names();
  names.define([{ name: 'ads', kind: 'block' }]);
  names.subscribe([{ lists: ['ads'], roles: [], action: 'nxdomain' }]);
  await names.setNames('ads', exact('a.example'));
  // What takes the addon a while, and what waits behind it.
  await host.roles().replace(
    Array.from({ length: 300_000 }, (_, i) => ({
      prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
      roles: ['kids'],
    })),
  );
  names.set('ads', 'before.example', 'exact');
  await sleep(6);
  const handed = names.setNames('ads', exact('a.example'));
  await handed;
  names.set('ads', 'after.example', 'exact');
  await host.service.published();
  const bridge = ask(directory);
  assert.is(await bridge.ask(client, 'a.example'), 'nxdomain block-list');
  assert.is(await bridge.ask(client, 'after.example'), 'nxdomain block-list');
  assert.is(await bridge.ask(client, 'before.example'), 'allow no-policy');
  await host.service.close();
});

test('a list that some roles are let off does not let them off the policies', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'roles', 'names', 'programs');
  const bridge = ask(directory);
  await host.roles().replace([{ prefix: client, roles: ['staff'] }]);
  const names = host.names();
  names.define([{ name: 'ads', kind: 'block' }]);
  names.subscribe([
    { lists: ['ads'], roles: ['staff'], action: 'allow' },
    { lists: ['ads'], roles: [], action: 'nxdomain' },
  ]);
  await names.setNames('ads', exact('ads.example'));
  void host.programs().none();
  await host.service.published();
  await until('lists', async () => (await bridge.ask('192.0.2.2', 'ads.example')) === 'nxdomain block-list');
  assert.is(await bridge.ask(client, 'ads.example'), 'refused unplanned');
  await host.service.close();
});

test('a file that cannot be read costs nothing, however often it is tried', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'names');
  const names = host.names();
  names.define([{ name: 'ads', kind: 'block' }]);
  const protect = Array.from(
    { length: 2000 },
    (_, i) => `p${i}.a.rather.long.name.that.nobody.may.block.example`,
  );
  const load = () =>
    names.load('ads', { path: '/nowhere', protect }).then(
      () => assert.unreachable(),
      () => undefined,
    );
  for (let i = 0; i < 20; i++) await load();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 200; i++) await load();
  const grown = (process.memoryUsage.rss() - before) / 200;
  assert.ok(grown < 250_000, `${Math.round(grown)} bytes a load that failed`);
  await host.service.close();
});

test('policies are told the numbers of lists that have one, and no others', async () => {
  const directory = temporary('tables');
  const host = begin(directory, 'names', 'programs');
  const names = host.names();
  const count = 258;
  names.define(Array.from({ length: count }, (_, i) => ({ name: `list-${i}`, kind: 'block' as const })));
  const told = await new Promise<ReadonlyMap<string, number>>((resolve) =>
    host.programs().lists((lists) => lists.size > 1 && resolve(lists)),
  );
  assert.is(new Set(told.values()).size, told.size, 'two lists under one number');
  assert.is(told.has('list-257'), false);
  await host.service.close();
});

test.run();
