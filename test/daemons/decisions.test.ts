// SPDX-License-Identifier: MPL-2.0
// What a real dnsdist decides, as the host counts, ranks and logs it; over the ends of both.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TopReport } from '../../src/cli/top-view.js';
import { inProcess } from '../lib/cli.js';
import { statusReport } from '../lib/control-shapes.js';
import { ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Host } from './lib/host.js';
import { Knot } from './lib/knot.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const files = temporary('decisions');
const log = join(files, 'decisions.log');
let host: Host;
let knot: Knot;
let dnsdist: Dnsdist;
/** Queries that were sent. */
let sent = 0;
let blocked = 0;

const decisions = () => join(host.directory, 'decisions');
const socket = () => ({ NNOE_CONTROL_SOCKET: host.socket });

async function query(name: string, from = '127.0.0.1'): Promise<string | undefined> {
  sent++;
  const reply = await ask(dnsdist, { name, from });
  assert.ok(reply, `no answer for ${name}`);
  if (reply.rcode === 'NXDOMAIN') blocked++;
  return reply.rcode;
}

async function metric(line: string): Promise<number> {
  const found = (await host.metrics()).split('\n').find((each) => each.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}
const status = async () =>
  statusReport.parse(JSON.parse((await inProcess(['status', '--json'], socket())).out));
const bridges = async () => (await status()).tables?.bridges ?? [];
const top = async (...args: string[]) =>
  JSON.parse((await inProcess(['top', ...args, '--json'], socket())).out) as TopReport;

async function allCounted(): Promise<void> {
  await until(
    'every query to be counted',
    async () => (await metric('nnoe_dns_queries_total')) >= sent,
    10_000,
  );
  assert.is(await metric('nnoe_dns_queries_total'), sent);
  assert.is(await metric('nnoe_blocked_queries_total'), blocked);
}

/** A thread shows what it counted once it has a place in the file, with the query after that. */
async function startDnsdist(): Promise<void> {
  const lua = [bridgeLine({ directory: join(host.directory, 'tables'), decisions: decisions() })];
  dnsdist = await Dnsdist.start({ server: knot, lua });
  await query('first.example');
  const { pid } = dnsdist.proc;
  await until('its file', async () => (await bridges()).some((each) => each.pid === pid && each.threads > 0));
}

test.before(async () => {
  knot = await Knot.start();
  writeFileSync(join(files, 'ads'), '||ads.example^\n');
  const lists = {
    list: { ads: { path: join(files, 'ads') } },
    subscribe: [{ lists: ['ads'], action: 'nxdomain' }],
  };
  const plugins = { lists, decisions: { log: { what: 'blocked', file: log } } };
  host = await Host.start({ journals: {}, plugins });
  await until('tables', async () => ((await status()).tables?.generation ?? 0) > 0);
  await startDnsdist();
});
test.after(async () => {
  await dnsdist?.stop();
  await host?.stop();
  await knot?.stop();
});

test('every query is counted, exactly, by verdict, list and reason', async () => {
  await until('the list', async () => (await query('ads.example')) === 'NXDOMAIN');
  for (let i = 0; i < 150; i++) await query(`n${i % 3}.example`, `127.0.0.${1 + (i % 5)}`);
  for (let i = 0; i < 50; i++) await query('x.ADS.example', '127.0.0.9');
  await allCounted();
  assert.is(await metric('nnoe_decisions_lists_total{list="ads",verdict="nxdomain"}'), blocked);
  assert.is(await metric('nnoe_decisions_roles_total{roles="default",verdict="nxdomain"}'), blocked);
  assert.is(await metric('nnoe_decisions_roles_total{roles="default",verdict="allow"}'), sent - blocked);
  assert.is(await metric('nnoe_decisions_reasons_total{reason="block-list",verdict="nxdomain"}'), blocked);
  assert.is(await metric('nnoe_decision_records_lost_total'), 0);
});

test('status tells of the bridge; its directory is for a group', async () => {
  const [bridge] = await bridges();
  assert.is(bridge?.pid, dnsdist.proc.pid);
  assert.is(bridge?.generation, (await status()).tables?.generation);
  assert.is(bridge?.behind, undefined);
  assert.is(bridge?.sampling, 1);
  assert.is(statSync(decisions()).mode & 0o7777, 0o2770);
  const { out } = await inProcess(['status'], socket());
  assert.match(out, /^ {2}dnsdist \d+ +current +generation \d+, .*\d+ threads?, fails open$/m);
});

test('`nnoe top` ranks names and clients, and those blocked', async () => {
  const names = await top('names');
  assert.is(names.queries, sent);
  assert.equal(
    names.top
      .slice(0, 4)
      .map(({ key }) => key)
      .sort(),
    ['n0.example', 'n1.example', 'n2.example', 'x.ads.example'],
  );
  assert.equal((await top('clients', '--blocked')).top[0], { key: '127.0.0.9', count: 50 });
  const { out } = await inProcess(['top', 'names', '--blocked'], socket());
  assert.match(out, /^\d+ blocked queries in /);
  assert.match(out, /^COUNT +NAME\n50 +x\.ads\.example$/m);
  const wrong = await inProcess(['top', 'domains'], socket());
  assert.match(wrong.err, 'names, clients');
});

test('what was blocked stands in the file, a line each, none without reason', async () => {
  const lines = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.is(lines.filter(({ client }) => client === '127.0.0.9').length, 50);
  assert.ok(lines.every(({ verdict, list }) => verdict === 'nxdomain' && list === 'ads'));
});

test('dnsdist killed and started again: counted on; the file of the dead one goes', async () => {
  for (let i = 0; i < 30; i++) await query('ads.example');
  await dnsdist.proc.kill();
  await startDnsdist();
  for (let i = 0; i < 20; i++) await query('www.example');
  await allCounted();
  const left = () => readdirSync(decisions()).filter((name) => name.endsWith('.decisions'));
  await until('the file of the dead one to go', async () => left().length === 1);
  assert.match(left()[0] ?? '', `${dnsdist.proc.pid}-`);
});

test('host killed: verdicts go on, and the next host counts them too', async () => {
  await host.kill();
  for (let i = 0; i < 25; i++) assert.is(await query('ads.example'), 'NXDOMAIN');
  await host.start();
  await allCounted();
});

test('a directory that is taken away is made again, and nothing is counted twice', async () => {
  rmSync(decisions(), { recursive: true });
  await until('the directory', async () => existsSync(decisions()));
  await until('its file', async () => readdirSync(decisions()).some((name) => name.endsWith('.decisions')));
  for (let i = 0; i < 5; i++) await query('www.example');
  await allCounted();
});

test.run();
