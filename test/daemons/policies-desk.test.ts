// SPDX-License-Identifier: MPL-2.0
// Questions of bridges to a real Cerbos: what is answered, and everything that keeps an answer from being believed.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PolicyRuling } from '../../src/host/plugin.js';
import { Desk, type Ruled } from '../../src/plugins/policies/desk.js';
import { nameWire } from '../../src/plugins/policies/name.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { sleep } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const policy = (expr: string) => ({
  id: 'dns',
  text: JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource: 'dns_query',
      version: 'default',
      rules: [
        { actions: ['allow'], effect: 'EFFECT_ALLOW', roles: ['guest'], condition: { match: { expr } } },
        {
          actions: ['nodata'],
          effect: 'EFFECT_ALLOW',
          roles: ['guest'],
          condition: { match: { expr: '"ads" in R.attr.lists' } },
        },
      ],
    },
  }),
});

const pdp = new EmbeddedPdp(temporary('pdp'), { ended: () => undefined, restarted: () => undefined });
const said = { failed: 0, lost: 0, answers: 0 };
const desk = new Desk({
  maxAge: 1000,
  events: {
    ruled: () => undefined,
    failed: () => void said.failed++,
    lost: () => void said.lost++,
    answers: () => void said.answers++,
  },
});
const guest = 3;
const ruled = (basis: bigint, more: Partial<Ruled> = {}): Ruled => ({
  basis,
  client: pdp.client,
  mark: pdp.mark,
  clock: { reads: false, moments: [] },
  roles: new Map([[guest, ['guest']]]),
  lists: new Map([
    ['ads', 0],
    ['zoo', 1],
  ]),
  actions: ['allow', 'nodata'],
  otherwise: () => 'refused',
  numbers: new Map([
    ['allow', 0],
    ['nodata', 4],
    ['refused', 9],
  ]),
  ...more,
});

interface Asking {
  basis?: bigint;
  roleSet?: number;
  lists?: number[];
  client?: Buffer;
}

const ask = (name: string, { basis = 1n, roleSet = guest, lists = [], client }: Asking = {}) =>
  desk.rule({ basis, roleSet, lists, client, type: 1, name: nameWire(name) as Buffer });
const action = (ruling: PolicyRuling) => ('again' in ruling ? 'again' : ruling.action);

test.before(async () => {
  await pdp.started();
  assert.is(
    await pdp.load([policy('R.attr.qname.startsWith("good") || R.attr.client == "192.0.2.7"')]),
    undefined,
  );
});
test.after(() => pdp.stop());

test('a closed desk, another basis, and a set of roles that has a program are put off', async () => {
  assert.is(action(await ask('good')), 'again');
  desk.open(ruled(1n));
  assert.is(action(await ask('good', { basis: 2n })), 'again');
  assert.is(action(await ask('good', { roleSet: 4 })), 'again');
  assert.equal(desk.counts, { known: 0, asked: 0, putOff: 3 });
});

test('Cerbos is asked as policies mean it, and remembered for half of the time that it counts', async () => {
  const before = Date.now();
  const first = await ask('good.example');
  assert.ok(
    'action' in first && first.action === 0 && first.from >= before && first.until === first.from + 1000,
  );
  assert.equal(await ask('good.example'), first);
  assert.is(action(await ask('bad.example', { client: Buffer.from([192, 0, 2, 7]) })), 0);
  assert.is(action(await ask('bad.example')), 9);
  assert.is(action(await ask('bad.example', { lists: [0, 1] })), 4);
  assert.is(desk.counts.known, 1);
  await sleep(600);
  const later = await ask('good.example');
  assert.ok('action' in later && 'action' in first && later.from > first.from);
  assert.is(await desk.explain(guest, { qname: 'bad', qtype: 'A', client: '::1', lists: ['ads'] }), 'nodata');
});

test('what is under way when policies change is not answered', async () => {
  const waiting = ask('good.under.way');
  desk.close();
  assert.is(action(await waiting), 'again');
  desk.open(ruled(1n));
  assert.is(action(await ask('good.under.way')), 0);
});

test('a Cerbos with other policies is not believed', async () => {
  desk.close();
  desk.open(ruled(1n, { mark: 'of-others' }));
  assert.is(action(await ask('good.others')), 'again');
  assert.is(said.lost, 1);
  assert.is(action(await ask('good.others')), 'again');
  assert.is(said.lost, 1, 'the desk is closed until they are given again');
});

test('no answer outlives its window of time, nor one that came when it had ended', async () => {
  const end = Date.now() + 1500;
  desk.close();
  desk.open(ruled(1n, { clock: { reads: true, moments: [end] } }));
  const inside = await ask('good.window');
  assert.ok('action' in inside && inside.until <= end + 1);
  process.kill(pdp.pid as number, 'SIGSTOP');
  assert.ok(Date.now() < end, 'the window is still open');
  const late = ask('good.late');
  await sleep(Math.max(0, end + 50 - Date.now()));
  process.kill(pdp.pid as number, 'SIGCONT');
  assert.is(action(await late), 'again');
  assert.is(said.failed, 0, 'Cerbos is not to blame');
  const next = await ask('good.window');
  assert.ok('action' in next && next.from > end);
});

test('a Cerbos that does not answer is left alone for a while, longer each time, and then asked again', async () => {
  desk.close();
  desk.open(ruled(1n));
  assert.is(action(await ask('good.known')), 0);
  process.kill(pdp.pid as number, 'SIGSTOP');
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(`n${i}.good`)));
  assert.ok(performance.now() - began < 4000, 'nobody waits for longer than one request takes');
  assert.ok(all.every((ruling) => 'again' in ruling));
  assert.is(said.failed, 1);
  const [put] = [await ask('good.known')];
  assert.ok('again' in put && put.again > 0 && put.again <= 200);
  process.kill(pdp.pid as number, 'SIGCONT');
  await sleep(250);
  assert.is(action(await ask('good.again')), 0);
  assert.is(said.answers, 1);
});

test.run();
