// SPDX-License-Identifier: MPL-2.0
// A decision point that begins again without its policies is given them before it is asked what clients may do.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { Policies } from '../../src/plugins/policies/policies.js';
import { sleep, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const everybody = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: dns_query
  version: default
  rules: [{ actions: [allow], effect: EFFECT_ALLOW, roles: ["*"] }]
`;

test('policies are handed over again, and what was allowed stays so', async () => {
  const events = { ended: () => undefined, restarted: () => undefined };
  let pdp = new EmbeddedPdp(temporary('pdp'), events);
  const published: Buffer[] = [];
  const failed: string[] = [];
  const life = new AbortController();
  const policies = new Policies({
    decider: () => ({
      get client() {
        return pdp.client;
      },
      get mark() {
        return pdp.mark;
      },
      load: (given, signal) => pdp.load(given, signal),
      holds: (given, signal) => pdp.holds(given, signal),
      place: 'here',
      stop: () => pdp.stop(),
    }),
    keep: () => undefined,
    table: {
      action: (text) => (text === 'allow' ? 0 : 1),
      publish: async (section) => published.push(Buffer.from(section)),
      none: async () => 0,
    },
    otherwise: () => 'refused',
    onMiss: () => undefined,
    kept: { policies: [], plans: [] },
    desk: { open: () => undefined, close: () => undefined },
    signal: life.signal,
    events: {
      published: () => undefined,
      settled: () => undefined,
      lost: () => undefined,
      failed: (reason) => failed.push(reason),
    },
  });
  policies.setRoleSets([{ id: 0, roles: ['default'] }]);
  policies.setLists(new Map());
  policies.setPolicies(new Map([['everybody', everybody]]));
  await until('a program', () => published.length === 1, 20_000);
  const first = pdp;
  pdp = new EmbeddedPdp(temporary('pdp'), events);
  await pdp.started();
  await first.stop();
  policies.again();
  await sleep(1500);
  assert.equal(failed, []);
  assert.is(published.length, 1, 'another program, made by a decision point without policies');
  life.abort();
  await pdp.stop();
});

test.run();
