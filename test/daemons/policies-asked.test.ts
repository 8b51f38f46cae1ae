// SPDX-License-Identifier: MPL-2.0
// Policies that cannot be compiled, from the store to the wire: the first query meets `on-miss`, the next ones what a real
// Cerbos says, through a real dnsdist. And everything that ends an answer.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nnoe } from '../lib/cli.js';
import { type Ask, ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { Knot } from './lib/knot.js';
import { run, sleep, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const client = '127.0.0.20';
const onMiss = 'REFUSED';
const allowed = 'NOERROR';
const denied = 'NXDOMAIN';
/** s that an answer counts. */
const maxAge = 4;

let etcd: Etcd;
let host: Host;
let knot: Knot;
let dnsdist: Dnsdist;

const etcdctl = (...args: string[]) =>
  run('etcdctl', ['--endpoints', etcd.endpoints.join(','), ...args], { ETCDCTL_API: '3' });

/** A condition that is not compiled: two attributes beside each other. */
function policy(cel: string): string {
  const rule = (role: string, expr: string) => ({
    actions: ['allow'],
    effect: 'EFFECT_ALLOW',
    roles: [role],
    condition: { match: { expr } },
  });
  const rules = [rule('guest', `(${cel}) && R.attr.qname != R.attr.client`), rule('default', 'true')];
  const resourcePolicy = { resource: 'dns_query', version: 'default', rules };
  return JSON.stringify({ apiVersion: 'api.cerbos.dev/v1', resourcePolicy });
}
const put = (cel: string) => etcdctl('put', '/nnoe/policies/dns', policy(cel));

const asked = async (name: string, more: Partial<Ask> = {}) =>
  (await ask(dnsdist, { name, from: client, timeout: 1000, ...more }))?.rcode ?? 'nothing';

const becomes = async (name: string, expected: string, timeout = 15_000) => {
  let last = '';
  await until(
    `${name} to be ${expected}`,
    async () => {
      last = await asked(name);
      return last === expected;
    },
    timeout,
    5,
  ).catch((error: Error) => {
    throw new Error(`${error.message}, was ${last}`);
  });
};

/** The Cerbos of the host that runs. */
function cerbos(): number {
  const pid = host.proc?.pid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const found = children.find((child) => readFileSync(`/proc/${child}/comm`, 'utf8').startsWith('cerbos'));
  assert.ok(found, `a Cerbos among ${children}`);
  return Number(found);
}

async function metric(name: string): Promise<number> {
  const lines = (await host.metrics()).split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test.before(async () => {
  [etcd, knot] = await Promise.all([Etcd.start(), Knot.start()]);
  etcdctl('put', '/nnoe/role-mappings/127.0.0.16/28', '{"roles":["guest"]}');
  put('R.attr.qname.startsWith("good")');
  host = await Host.start({
    journals: {},
    endpoints: etcd.endpoints,
    plugins: {
      policies: {
        enabled: true,
        'default-action': 'nxdomain',
        pdp: { directory: temporary('pdp'), 'max-age': maxAge },
        roles: { guest: { 'on-miss': 'refused' } },
      },
    },
  });
  const decisions = join(host.directory, 'decisions');
  await until('a directory of decisions', () => readdirSync(host.directory).includes('decisions'));
  dnsdist = await Dnsdist.start({
    server: knot,
    threads: 2,
    lua: [bridgeLine({ directory: join(host.directory, 'tables'), fail: 'closed', decisions })],
  });
  await until('tables', async () => (await asked('www.example', { from: '127.0.0.1' })) === allowed);
});
test.after(async () => {
  await dnsdist?.stop();
  await host?.stop();
  await Promise.all([etcd?.stop(), knot?.stop()]);
});

test('the first query meets on-miss, the next ones what Cerbos says of their name', async () => {
  for (const [name, expected] of [
    ['good.example', allowed],
    ['bad.example', denied],
    ['good-too.example', allowed],
  ] as const) {
    assert.is(await asked(name), onMiss, name);
    await becomes(name, expected);
    assert.is(await asked(name.toUpperCase()), expected, 'letters make no difference');
  }
});

test('what was asked and ruled is counted, and health tells of it', async () => {
  assert.is(await metric('nnoe_rulings_questions_total{outcome="answered"}'), 3);
  assert.is(await metric('nnoe_policies_rulings_total{outcome="asked"}'), 3);
  assert.is(await metric('nnoe_rulings_bridges'), 1);
  const health = JSON.stringify((await host.health())?.body);
  assert.match(health, /1 set of roles is asked about query by query: 3 answered/);
});

test('nnoe why tells what happens until there is an answer, and what that is', async () => {
  const why = async (name: string) => {
    const tables = join(host.directory, 'tables');
    return (await nnoe(['why', client, name, '--tables', tables, '--socket', host.socket])).out;
  };
  for (const [name, says] of [
    ['good.example', 'allow'],
    ['unheard-of.example', 'nxdomain'],
  ] as const) {
    const text = await why(name);
    assert.match(text, /answers REFUSED; .* until it has been told what Cerbos says/);
    assert.match(text, new RegExp(`Cerbos +says ${says}, now`));
  }
});

test('policies that are replaced end what the ones before said', async () => {
  await becomes('good.example', allowed);
  put('!R.attr.qname.startsWith("good")');
  await becomes('good.example', denied);
  await becomes('bad.example', allowed);
  put('R.attr.qname.startsWith("good")');
  await becomes('good.example', allowed);
});

test('an answer does not outlive the time that a policy names', async () => {
  const soon = new Date(Date.now() + 2500);
  put(`now() < timestamp("${soon.toISOString()}")`);
  await becomes('hours.example', allowed);
  assert.ok(Date.now() < soon.getTime(), 'before the boundary');
  while (Date.now() <= soon.getTime() + 1) await sleep(1);
  for (let i = 0; i < 50; i++) assert.is.not(await asked('hours.example'), allowed);
  await becomes('hours.example', denied);
});

test('with Cerbos stopped new names meet on-miss, known ones their answer until it ends; then both are answered', async () => {
  put('R.attr.qname.startsWith("good")');
  await becomes('good-known.example', allowed);
  const began = performance.now();
  const stopped = cerbos();
  process.kill(stopped, 'SIGSTOP');
  for (let i = 0; i < 20; i++) assert.is(await asked('good-new.example'), onMiss);
  assert.is(await asked('good-known.example'), allowed);
  await becomes('good-known.example', onMiss);
  assert.ok(performance.now() - began > (maxAge / 2) * 1000, 'not before half of its time');
  assert.ok(performance.now() - began < (maxAge + 2) * 1000, 'not longer than its time');
  process.kill(stopped, 'SIGCONT');
  await becomes('good-new.example', allowed);
  process.kill(stopped, 'SIGKILL');
  await becomes('good-later.example', allowed);
  await becomes('good-known.example', allowed);
});

test('with the host killed likewise; one that comes back answers', async () => {
  await becomes('good-host.example', allowed);
  await host.kill();
  assert.is(await asked('good-host.example'), allowed);
  for (let i = 0; i < 20; i++) assert.is(await asked('good-alone.example'), onMiss);
  await becomes('good-host.example', onMiss);
  await host.start();
  await becomes('good-host.example', allowed);
  await becomes('good-alone.example', allowed);
});

test.run();
