// SPDX-License-Identifier: MPL-2.0
// The service on a real directory, with the addon: what survives a restart, and what does not keep the host from going on.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NnoeError } from '../errors.js';
import { native } from '../native.js';
import type { TableName } from '../plugin/tables.js';
import { addonTables } from './addon.js';
import { TablesService } from './service.js';

const made: string[] = [];
const services: TablesService[] = [];

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-tables-'));
  made.push(directory);
  return directory;
}

test.after(async () => {
  for (const service of services) await service.close();
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

function start(directory: string, tables: TableName[] = ['roles', 'names', 'programs']) {
  const busy: NnoeError[] = [];
  const codes: string[] = [];
  const write = (line: string) => codes.push((JSON.parse(line) as { code: string }).code);
  const service = new TablesService({
    directory,
    tables: new Set(tables),
    answers: { portal: { a: ['192.0.2.80'], aaaa: ['2001:db8::80'], ttl: 30, cname: undefined } },
    defaults: { ttl: 60, extendedErrors: true },
    log: pino({}, { write }),
    open: (path) => addonTables((each) => native().openTables(each), path),
    busy: (error) => busy.push(error),
    pause: 20,
    lookEvery: 20,
  });
  services.push(service);
  service.start();
  const live = new AbortController().signal;
  const failures: NnoeError[] = [];
  const fail = (error: unknown) => failures.push(error as NnoeError);
  return {
    failures,
    service,
    busy,
    codes,
    roles: service.open('roles', live, fail),
    names: service.open('names', live, fail),
    programs: service.open('programs', live, fail),
  };
}

/** The same, with the other two tables handed over. */
function startRoles(directory: string) {
  const started = start(directory);
  started.names.define([]);
  void started.programs.none();
  return started;
}

const address = (text: string) => Uint8Array.from(text.split('.'), Number);
const sections = (service: TablesService) => Object.keys(service.health()?.sections ?? {});

test('what was published is there after a restart, with the numbers that it had', async () => {
  const directory = temporary();
  const first = start(directory);
  await first.roles.replace([
    { prefix: '192.0.2.7', roles: ['iot'] },
    { prefix: '192.0.2.0/24', roles: ['staff', 'vpn'] },
  ]);
  first.names.define([
    { name: 'ads', kind: 'block' },
    { name: 'fine', kind: 'allow' },
  ]);
  first.names.subscribe([{ lists: ['ads', 'fine'], roles: [], action: 'redirect:portal' }]);
  first.names.set('ads', 'ads.example', 'subtree');
  await first.names.setNames('fine', []);
  await first.programs.none();
  const action = first.programs.action('redirect:portal');
  const generation = await first.roles.published();
  const before = sections(first.service);
  assert.equal(before, [
    'registry',
    'actions',
    'hosts',
    'prefixes',
    'names',
    ...before.filter((name) => name === 'names-delta'),
    'subscriptions',
    'programs',
  ]);
  await first.service.close();

  const second = start(directory);
  const seen: string[] = [];
  second.programs.roleSets(
    (sets) => void seen.push(sets.map(({ id, roles }) => `${id} ${roles}`).join('; ')),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(second.service.health()?.generation, generation);
  assert.equal(seen, ['0 default; 1 iot; 2 staff,vpn']);
  assert.equal(sections(second.service), before);
  assert.is(second.programs.action('redirect:portal'), action);
  await second.roles.replace([{ prefix: '192.0.2.7', roles: ['vpn', 'staff'] }]);
  assert.ok((await second.roles.published()) > generation);
  assert.is(second.service.findClient(address('192.0.2.7'))?.roleSet, 2);
  assert.is(second.service.findClient(address('192.0.2.8')), undefined);
  assert.equal(
    (await second.service.roleSets()).map(({ id, mappings }) => [id, mappings]),
    [
      [0, 0],
      [2, 1],
    ],
  );
  second.names.define([{ name: 'ads', kind: 'block' }]);
  assert.is(second.names.size('ads'), 1, 'what was on a list is still on it');
  await second.service.close();
});

test('mappings one by one, many at once, and of both families are found by the longest prefix', async () => {
  const { roles, service } = start(temporary(), ['roles']);
  const many = Array.from({ length: 30_000 }, (_, i) => ({
    prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    roles: [`r${i % 7}`],
  }));
  await roles.replace([
    ...many,
    { prefix: '10.0.0.0/8', roles: ['net'] },
    { prefix: '::/0', roles: ['six'] },
  ]);
  roles.set('10.0.0.1', ['one']);
  roles.delete('10.0.0.2');
  await roles.published();
  const rolesOf = (client: Uint8Array) => service.roles(service.findClient(client)?.roleSet ?? 0);
  assert.equal(rolesOf(address('10.0.0.1')), ['one']);
  assert.equal(rolesOf(address('10.0.0.2')), ['net']);
  assert.equal(rolesOf(address('10.0.0.3')), ['r3']);
  assert.equal(rolesOf(new Uint8Array(16).fill(1)), ['six']);
  assert.equal(rolesOf(address('192.0.2.1')), ['default']);
  const counts = await service.roleSets();
  assert.is(
    counts.reduce((sum, { mappings }) => sum + mappings, 0),
    30_001,
  );
  await service.close();
});

test('a second host on the directory is told so, and the first goes on', async () => {
  const directory = temporary();
  const first = startRoles(directory);
  await first.roles.replace([]);
  await first.roles.published();
  const second = startRoles(directory);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(second.busy[0]?.code, 'TABLES_BUSY');
  await second.service.close();
  first.roles.set('192.0.2.1', ['a']);
  await first.roles.published();
  await first.service.close();
});

test('a directory that cannot be made is named, tried again, and nothing handed over is lost', async () => {
  const parent = temporary();
  const directory = join(parent, 'tables');
  writeFileSync(directory, 'a file in its place');
  const { roles, service, codes } = startRoles(directory);
  await roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { state, code } = service.health() ?? {};
  assert.equal([state, code], ['degraded', 'TABLES_DIRECTORY']);
  assert.equal(codes, ['TABLES_DIRECTORY'], 'logged once, however often it is tried');
  rmSync(directory);
  assert.ok((await roles.published()) > 0);
  assert.is(service.findClient(address('192.0.2.1'))?.roleSet, 1);
  assert.is(service.health()?.state, 'ok');
  await service.close();
});

test('without its numbers nothing of before is gone on with, which is said', async () => {
  const directory = temporary();
  const first = startRoles(directory);
  await first.roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
  await first.roles.published();
  await first.service.close();
  const registry = join(directory, readdirSync(directory).find((name) => name.startsWith('registry')) ?? '');
  const bytes = readFileSync(registry);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
  writeFileSync(registry, bytes);
  const second = start(directory, ['roles']);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { state, code, reason } = second.service.health() ?? {};
  assert.equal([state, code], ['degraded', 'TABLES_DAMAGED']);
  assert.match(reason ?? '', /registry/);
  await second.roles.replace([{ prefix: '192.0.2.1', roles: ['b'] }]);
  await second.roles.published();
  assert.equal(sections(second.service), ['registry', 'actions', 'hosts', 'prefixes']);
  assert.is(second.service.health()?.state, 'ok');
  await second.service.close();
});

test('a table that nobody publishes any more is taken away', async () => {
  const directory = temporary();
  const first = startRoles(directory);
  await first.roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
  await first.roles.published();
  await first.service.close();
  const second = start(directory, ['roles']);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(sections(second.service), ['registry', 'actions', 'hosts', 'prefixes']);
  await second.service.close();
});

test('a first generation is whole, however many mappings wait for their base', async () => {
  const directory = temporary();
  const { roles, names, service } = start(directory, ['roles', 'names']);
  const many = Array.from({ length: 30_000 }, (_, i) => ({
    prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    roles: [`r${i % 7}`],
  }));
  await roles.replace(many);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { state, reason, generation } = service.health() ?? {};
  assert.equal([state, generation], ['starting', 0]);
  assert.match(reason ?? '', /waits for names$/);
  assert.equal(
    readdirSync(directory).filter((name) => name === 'manifest'),
    [],
  );
  names.define([{ name: 'ads', kind: 'block' }]);
  names.set('ads', 'ads.example', 'exact');
  assert.is(await roles.published(), 1, 'nothing was published before');
  assert.equal(sections(service), ['registry', 'actions', 'hosts', 'prefixes', 'names', 'subscriptions']);
  await service.close();
});

for (const [what, spoil] of [
  ['removed', (directory: string) => rmSync(directory, { recursive: true })],
  [
    'emptied',
    (directory: string) => {
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    },
  ],
  [
    'replaced',
    (directory: string) => {
      renameSync(directory, `${directory}.before`);
      mkdirSync(directory);
    },
  ],
  [
    'robbed of a section',
    (directory: string) =>
      rmSync(join(directory, readdirSync(directory).find((name) => name.startsWith('hosts')) ?? '')),
  ],
] as const)
  test(`a directory that is ${what} under a running host is made again, with what the next lives hand over`, async () => {
    const directory = join(temporary(), 'tables');
    const { roles, names, service, failures, codes } = start(directory, ['roles', 'names']);
    const fill = async () => {
      await roles.replace([{ prefix: '192.0.2.1', roles: ['a'] }]);
      names.define([{ name: 'ads', kind: 'block' }]);
      names.set('ads', 'ads.example', 'exact');
    };
    await fill();
    await roles.published();
    const before = sections(service);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(failures, [], 'nothing is missed where nothing is missing');
    spoil(directory);
    for (let i = 0; i < 200 && failures.length < 3; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(
      failures.map(({ code }) => code),
      ['TABLES_LOST', 'TABLES_LOST', 'TABLES_LOST'],
    );
    await fill();
    await roles.published();
    assert.equal(sections(service), before);
    assert.ok(readdirSync(directory).includes('manifest'));
    assert.is(service.findClient(address('192.0.2.1'))?.roleSet, 1);
    assert.is(service.health()?.state, 'ok');
    assert.is(codes.filter((code) => code === 'TABLES_LOST').length, 1);
    await service.close();
  });

test('programs that are not sound are refused with the reason, and those of before stay', async () => {
  const { programs, service } = start(temporary(), ['programs']);
  await programs.none();
  const refused = await programs.publish(new Uint8Array(100)).then(
    () => 'accepted',
    (error: NnoeError) => error.code,
  );
  assert.is(refused, 'TABLES_INVALID');
  assert.is(service.health()?.sections.programs, 64);
  await service.close();
});

test('a list file is read off the event loop; what is wrong in it is counted by reason', async () => {
  const directory = temporary();
  const file = join(directory, 'list.txt');
  writeFileSync(
    file,
    '0.0.0.0 a.example\n0.0.0.0 A.example\n0.0.0.0 bücher.example\n0.0.0.0 xn--bcher-kva.example\n0.0.0.0 good.example\nno row at all !\n',
  );
  const { names, service } = start(join(directory, 'tables'), ['names']);
  names.define([{ name: 'ads', kind: 'block' }]);
  const report = await names.load('ads', { path: file, protect: ['good.example'] });
  assert.equal([report.names, report.rows, report.format, report.taken], [2, 6, 'hosts', true]);
  assert.equal(report.withheld, { names: 1, first: ['good.example'] });
  assert.equal(report.bad, { syntax: { rows: 1, lines: [6] } });
  await names.published();
  assert.is(names.size('ads'), 2);
  const gone = await names
    .load('ads', { path: join(directory, 'none.txt') })
    .catch((error: NnoeError) => error.code);
  assert.is(gone, 'TABLES_LIST');
  assert.is(names.size('ads'), 2);
  await service.close();
});

test.run();
