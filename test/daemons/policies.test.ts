// SPDX-License-Identifier: MPL-2.0
// The plugin `policies` with a real Cerbos, from the store to programs that the real interpreter runs.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Harness, harness, MemoryStore } from '../../src/host/testing.js';
import { nameWire } from '../../src/plugins/policies/name.js';
import policies from '../../src/plugins/policies/plugin.js';
import { ProgramTool } from '../policies/program-tool.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const root = '/nnoe/policies/';
const tool = new ProgramTool();
const running: { stop(): Promise<void> }[] = [];

test.after(async () => {
  tool.close();
  for (const each of running) await each.stop();
});

/** A rule for a role: who may ask what. */
const rule = (role: string, cel: string, action = 'allow') => ({
  actions: [action],
  effect: 'EFFECT_ALLOW',
  roles: [role],
  condition: { match: { expr: cel } },
});
const policy = (...rules: object[]): string =>
  JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: { resource: 'dns_query', version: 'default', rules },
  });

const roleSets = [['guest'], ['staff'], ['guest', 'staff']];

async function start(stored: Record<string, string>, config = {}, directory = temporary('policies')) {
  const store = new MemoryStore();
  const put = (id: string, value: string) => store.commit({ operations: [{ put: root + id, value }] });
  for (const [id, value] of Object.entries(stored)) await put(id, value);
  const tables = {
    roleSets,
    lists: ['ads', 'malware'],
    answers: { sinkhole: { a: ['192.0.2.53'], ttl: 60 } },
  };
  const h = await harness(policies, { store, tables, config: { pdp: { directory }, ...config } });
  running.push(h);
  return { h, put, remove: (id: string) => store.commit({ operations: [{ delete: root + id }] }), directory };
}

type Started = Harness<MemoryStore, string, { programs: { table: 'programs' } }>;

/** What dnsdist would do, by the section that was published last; undefined when there is none. */
async function asks(
  h: Started,
  roleSet: number,
  qname: string,
  qtype = 1,
  client = '192.0.2.1',
  lists: number[] = [],
) {
  const { section, actions } = await h.table('programs');
  if (section === undefined || section === 'unplanned') return section;
  await tool.open(Buffer.from(section), { roleSets: 4096, lists: 256, actions: actions.length });
  const name = nameWire(qname) as Buffer;
  const [answer] = await tool.ask([{ roleSet, type: qtype, client, name, lists }]);
  const results = [actions[answer?.action ?? 0], 'unplanned', `ask, then ${actions[answer?.action ?? 0]}`];
  return results[Math.min(answer?.result ?? 0, 2)];
}

const becomes = (h: Started, expected: string, ...question: [number, string, number?, string?, number[]?]) =>
  until(
    `${question.join(' ')} to be ${expected}`,
    async () => (await asks(h, ...question)) === expected,
    15_000,
    20,
  );

const guest = 1;
const staff = 2;
const both = 3;

test('a policy decides from when it is put until it is deleted', async () => {
  const { h, put, remove } = await start({});
  await becomes(h, 'unplanned', guest, 'www.example');
  await put(
    'dns',
    policy(rule('guest', 'R.attr.qname.endsWith(".example")'), rule('staff', '!("ads" in R.attr.lists)')),
  );
  await becomes(h, 'allow', guest, 'www.example');
  assert.is(await asks(h, guest, 'www.test'), 'refused');
  assert.is(await asks(h, staff, 'www.test'), 'allow');
  assert.is(await asks(h, staff, 'www.test', 1, '::1', [0]), 'refused');
  assert.is(await asks(h, both, 'www.example', 1, '::1', [0]), 'allow', 'what one role may, all of them may');
  assert.is(await asks(h, 0, 'www.example'), 'refused', 'a role of no rule may nothing');
  await put(
    'dns',
    policy(rule('guest', 'R.attr.qtype == "AAAA"'), rule('guest', 'true', 'redirect:sinkhole')),
  );
  await becomes(h, 'redirect', guest, 'www.example');
  assert.is(await asks(h, guest, 'www.example', 28), 'allow');
  await remove('dns');
  await becomes(h, 'unplanned', guest, 'www.example', 28);
  assert.match(h.health().reason ?? '', 'no policy to go by');
});

test('a bad policy is named with its reason and unloads none', async () => {
  const { h, put } = await start({ dns: policy(rule('guest', 'true')), text: 'hello' });
  await becomes(h, 'allow', guest, 'www.example');
  const named = (reason: RegExp) =>
    until(`health to say ${reason}`, () => reason.test(h.health().reason ?? ''));
  await named(/text: it is no policy/);
  assert.is(h.health().state, 'degraded');
  const bad: [string, RegExp][] = [
    [policy(rule('guest', 'R.attr.qname == foo(1)')), /dns: .*undeclared reference to 'foo'/],
    [policy(rule('guest', 'P.attr.x == 1')), /dns: .*P.attr.x is the same for every client/],
    [
      policy(rule('guest', 'math.greatest(size(R.attr.qname), 5) == 5')),
      /dns: .*cannot be compiled for guest: math/,
    ],
    [policy(rule('guest', 'true', 'redirect:nowhere')), /dns: .*sinkhole/],
    [policy(rule('guest', '"x" in [')), /dns: .*(Syntax|Invalid)/],
  ];
  for (const [text, reason] of bad) {
    await put('dns', text);
    await named(reason);
    assert.is(await asks(h, guest, 'www.example'), 'allow', 'the last good one stays');
  }
  await put('dns', policy(rule('guest', 'R.attr.qname == "a"')));
  await becomes(h, 'refused', guest, 'www.example');
  assert.is(await h.metric('policies', { state: 'used' }), 1);
  assert.is(await h.metric('policies', { state: 'refused' }), 1);
});

test('a policy that is bad from the start allows nobody anything, and one kept from an earlier life does', async () => {
  const bad = policy(rule('guest', 'foo(1)'));
  const first = await start({ dns: bad });
  await becomes(first.h, 'unplanned', guest, 'www.example');
  await first.put('dns', policy(rule('guest', 'true')));
  await becomes(first.h, 'allow', guest, 'www.example');
  await first.h.stop();
  const second = await start({ dns: bad }, {}, first.directory);
  await becomes(second.h, 'allow', guest, 'www.example');
  await until('health to tell why', () => /dns: .*undeclared reference/.test(second.h.health().reason ?? ''));
});

test('what cannot be compiled goes by on-miss where the configuration allows it', async () => {
  const config = { roles: { guest: { 'on-miss': 'nodata' }, staff: { 'default-action': 'nxdomain' } } };
  const text = policy(rule('guest', 'R.attr.qname == R.attr.client'), rule('staff', 'R.attr.qtype == "A"'));
  const { h } = await start({ dns: text }, config);
  await becomes(h, 'ask, then nodata', guest, 'www.example');
  assert.is(await asks(h, staff, 'www.example', 28), 'nxdomain');
  assert.is(await asks(h, staff, 'www.example', 1), 'allow');
  assert.is(await h.metric('role_sets', { how: 'on-miss' }), 2);
});

test('a role policy narrows what its role, or a parent of it, is granted, until it is taken away', async () => {
  const role = (name: string, cel: string, more = {}) =>
    JSON.stringify({
      apiVersion: 'api.cerbos.dev/v1',
      rolePolicy: {
        role: name,
        version: 'default',
        rules: [{ resource: 'dns_query', allowActions: ['allow'], condition: { match: { expr: cel } } }],
        ...more,
      },
    });
  const { h, put, remove } = await start({
    dns: policy(rule('staff', 'R.attr.qname != "b"')),
    guest: role('guest', 'R.attr.qname != "c"', { parentRoles: ['staff'] }),
  });
  await becomes(h, 'allow', guest, 'a');
  const answers = async (roleSet: number) =>
    [await asks(h, roleSet, 'a'), await asks(h, roleSet, 'b'), await asks(h, roleSet, 'c')].join(' ');
  assert.is(await answers(guest), 'allow refused refused');
  assert.is(await answers(staff), 'allow refused allow');
  assert.is(await answers(both), 'allow refused allow');
  await put('staff', role('staff', 'R.attr.qname == "c"'));
  await becomes(h, 'refused', staff, 'a');
  assert.is(await answers(staff), 'refused refused allow');
  await remove('guest');
  await becomes(h, 'refused', guest, 'a');
  await remove('staff');
  await becomes(h, 'allow', staff, 'a');
});

test('a policy with hours is planned again at its boundary', async () => {
  const soon = new Date(Date.now() + 4000).toISOString();
  const { h } = await start({ dns: policy(rule('guest', `now() < timestamp("${soon}")`)) });
  await becomes(h, 'allow', guest, 'www.example');
  assert.ok(Date.now() < Date.parse(soon), 'before the boundary');
  await becomes(h, 'refused', guest, 'www.example');
  assert.ok(Date.now() >= Date.parse(soon), 'not before the boundary');
  assert.ok(Date.now() < Date.parse(soon) + 3000, 'soon behind the boundary');
});

test.run();
