// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errors } from './errors.js';
import type { HealthReport } from './health.js';
import { readiness, statusLine, troubled, waitsFor } from './readiness.js';

const ok = { name: 'etcd', state: 'ok', reason: 'it answers' } as const;
const down = { name: 'etcd', state: 'down', code: 'STORE_NO_LEADER', reason: 'no leader' } as const;
const setup = waitsFor('plugin roles', 'READY_PLUGIN_SETUP', {});

const report = (parts: Partial<HealthReport> = {}): HealthReport => ({
  ...{
    state: 'ok',
    node: 'n',
    version: '0',
    uptimeSeconds: 1,
    store: ok,
    sources: {},
    plugins: {},
    control: { state: 'ok', reason: '', socket: '' },
  },
  ...parts,
});

test('ready when nobody waits, wherever the store is', () => {
  assert.equal(readiness([undefined, undefined], ok, false), { ready: true, reasons: [] });
  assert.is(readiness([], down, false).ready, true);
});

test('who waits is named; a store that is away comes first', () => {
  assert.equal(readiness([undefined, setup], ok, false), { ready: false, reasons: [setup] });
  const { reasons } = readiness([setup], down, false);
  assert.equal(
    reasons.map(({ what, code }) => [what, code]),
    [
      ['store', 'STORE_NO_LEADER'],
      ['plugin roles', 'READY_PLUGIN_SETUP'],
    ],
  );
  assert.is(reasons[0]?.help, errors.STORE_NO_LEADER.help);
});

test('a host that stops is not ready', () => {
  assert.equal(
    readiness([], ok, true).reasons.map(({ code }) => code),
    ['READY_HOST_STOPS'],
  );
});

test('a part without a code of the table still has words', () => {
  const { code, reason, help } = troubled('plugin roles', { reason: 'no roles today' });
  assert.is(code, 'READY_PART_FAILED');
  assert.match(reason, 'no roles today');
  assert.ok(help.length > 30);
});

test('the status line says the worst in one line', () => {
  const at = (health: HealthReport, waiting = [] as (typeof setup)[]) =>
    statusLine(health, readiness(waiting, health.store, false));
  assert.is(at(report()), 'ready; store etcd; journals none; plugins none');
  assert.is(at(report({ store: down })), 'ready; store is down: no leader');
  assert.match(
    at(report({ store: down }), [setup]),
    /^not ready: store: STORE_NO_LEADER: no leader \(and 1 more/,
  );
  const degraded = { roles: { state: 'degraded', reason: 'slow' } } as const;
  assert.is(at(report({ plugins: degraded })), 'ready; plugin roles is degraded: slow');
});

test.run();
