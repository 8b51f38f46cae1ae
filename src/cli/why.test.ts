// SPDX-License-Identifier: MPL-2.0
// `nnoe why` on real tables, with no host running: every step that led to a verdict, and bad arguments by name.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inProcess } from '../../test/lib/cli.js';
import { hostSchema } from '../host/config.js';
import { verdictReasons } from '../host/decisions/words.js';
import { native } from '../host/native.js';
import { addonTables } from '../host/tables/addon.js';
import { TablesService } from '../host/tables/service.js';
import type { WhyReport } from '../host/tables/why.js';
import { defaultTables } from './commands/why.js';

const parent = mkdtempSync(join(tmpdir(), 'nnoe-why-'));
const directory = join(parent, 'tables');
const nowhere = ['--socket', join(parent, 'no.sock')];
const run = (...args: string[]) => inProcess(['why', ...args, '--tables', directory, ...nowhere]);
const report = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out) as WhyReport;

test.before(async () => {
  const service = new TablesService({
    directory,
    tables: new Set(['roles', 'names']),
    answers: { portal: { a: ['192.0.2.80'], aaaa: ['2001:db8::80'], ttl: 30, cname: undefined } },
    defaults: { ttl: 60, extendedErrors: true },
    log: pino({ level: 'silent' }),
    open: (path) => addonTables((each) => native().openTables(each), path),
    busy: (error) => assert.unreachable(error.message),
  });
  service.start();
  const { signal } = new AbortController();
  const fail = (error: unknown) => assert.unreachable(String(error));
  const roles = service.open('roles', signal, fail);
  const names = service.open('names', signal, fail);
  await roles.replace([
    { prefix: '192.0.2.0/24', roles: ['kids'] },
    { prefix: '192.0.2.7', roles: ['staff'] },
    { prefix: '2001:db8::/32', roles: ['kids'] },
  ]);
  names.define([
    { name: 'ads', kind: 'block' },
    { name: 'fine', kind: 'allow' },
  ]);
  names.subscribe([
    { lists: ['ads'], roles: ['kids'], action: 'redirect:portal' },
    { lists: ['ads'], roles: ['staff'], action: 'nxdomain' },
    { lists: ['fine'], roles: ['kids'], action: 'allow' },
  ]);
  names.set('ads', 'ads.example', 'subtree');
  names.set('ads', 'bücher.example', 'exact');
  names.set('fine', 'good.ads.example', 'exact');
  await service.published();
  await service.close();
});
test.after(() => rmSync(parent, { recursive: true, force: true }));

test('the mapping, the lists level by level, what decided and what dnsdist does', async () => {
  const kids = await report('192.0.2.9', 'X.Ads.Example.');
  assert.equal([kids.client, kids.name, kids.type], ['192.0.2.9', 'x.ads.example', 'A']);
  assert.equal(kids.mapping, { prefix: '192.0.2.0/24', key: '/nnoe/role-mappings/192.0.2.0/24' });
  assert.equal([kids.roles, kids.reason, kids.list], [['kids'], 'block-list', 'ads']);
  assert.equal(
    kids.levels.map(({ name, lists }) => [name, lists]),
    [['ads.example', ['ads']]],
  );
  const { act, ttl, a, aaaa } = kids.action ?? {};
  assert.equal([act, ttl, a, aaaa], ['redirect', 30, ['192.0.2.80'], ['2001:db8::80']]);
  const staff = await report('192.0.2.7', 'x.ads.example', 'aaaa');
  assert.equal([staff.mapping?.prefix, staff.action?.act, staff.type], ['192.0.2.7', 'nxdomain', 'AAAA']);
  assert.is(staff.action?.extendedError?.code, 15);
  const allowed = await report('::ffff:192.0.2.9', 'good.ads.example');
  assert.equal([allowed.client, allowed.reason, allowed.list], ['192.0.2.9', 'allow-list', 'fine']);
  assert.equal(
    allowed.levels.map(({ name }) => name),
    ['ads.example', 'good.ads.example'],
  );
  const other = await report('198.51.100.1', '1.2.0.192.in-addr.arpa', 'PTR');
  assert.equal(
    [other.roles, other.mapping, other.reason, other.levels],
    [['default'], undefined, 'no-policy', []],
  );
  assert.is((await report('2001:db8::1', 'bücher.example')).name, 'xn--bcher-kva.example');
  assert.is((await report('2001:db8::1', 'bücher.example')).list, 'ads');
});

test('people are told the same, and that no host could be asked', async () => {
  const { out, status } = await run('192.0.2.9', 'Bücher.example');
  assert.is(status, 0);
  assert.match(out, /^192\.0\.2\.9 asks for xn--bcher-kva\.example A: redirect\n/);
  assert.match(out, / name +asked as Bücher\.example\n/);
  assert.match(out, / decided by +block list ads\n/);
  assert.match(out, / dnsdist +answers A 192\.0\.2\.80, AAAA 2001:db8::80 for 30 s; extended error 4 /);
  assert.match(out, / roles +kids \(set \d\): by the mapping \/nnoe\/role-mappings\/192\.0\.2\.0\/24\n/);
  assert.match(out, / tables +generation 1, of [\d.]+ s ago, in /);
  assert.match(out, /what dnsdist has of them is not known/);
});

test('bad arguments are named', async () => {
  for (const [args, said] of [
    [['192.0.2.300', 'a.example'], 'argument <client>: found "192.0.2.300", expected an address'],
    [['192.0.2.3', 'a..example'], 'argument <name>: found "a..example", expected a domain name'],
    [['192.0.2.3', 'a.example', 'AX'], 'argument [type]: found "AX", expected a type of records'],
    [['192.0.2.3'], 'argument <name>: found nothing'],
  ] as const) {
    const { status, out, err } = await run(...args);
    assert.equal([status, out], [64, '']);
    assert.ok(err.includes(said), err);
  }
});

test('without tables it is what `fail` says; damaged ones are refused with the reason', async () => {
  const empty = join(parent, 'empty');
  const { out, status } = await inProcess(['why', '192.0.2.9', 'a.example', '--tables', empty, ...nowhere]);
  assert.is(status, 75);
  assert.match(out, /what `fail` says\n.*no tables are published/);
  assert.match(out, /open: lets it through; closed: answers REFUSED/);
  const manifest = join(directory, 'manifest');
  const bytes = readFileSync(manifest);
  writeFileSync(manifest, bytes.subarray(0, 60));
  const refused = await run('192.0.2.9', 'a.example');
  writeFileSync(manifest, bytes);
  assert.is(refused.status, 70);
  assert.match(refused.err, /the tables in .* cannot be read: manifest: /);
});

test('what is written down twice is the same', () => {
  assert.is(defaultTables, hostSchema.parse({}).tables.directory);
  const header = readFileSync(new URL('../../../native/shm/tables/verdict.h', import.meta.url), 'utf8');
  const named = [...header.matchAll(/^ {2}k(\w+) = (\d+),.*$/gm)].filter(
    ([line]) => header.indexOf(line) > header.indexOf('enum class Reason'),
  );
  const words = named.map(([, name = '', number]) => [
    name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
    Number(number),
  ]);
  assert.equal(
    words,
    verdictReasons.map((reason, i) => [reason, i]),
  );
});

test.run();
