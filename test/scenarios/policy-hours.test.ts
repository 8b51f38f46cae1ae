// SPDX-License-Identifier: MPL-2.0
// Policies with hours and times, taken across their boundaries by a real host, Cerbos and dnsdist; the verdicts are read
// from the wire. Hours end with a minute: the policy's own clock is put so far ahead that the hour ends in a few
// seconds, and the host's so far that its minute does.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clock } from '../daemons/lib/clock.js';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { Host } from '../daemons/lib/host.js';
import { Knot } from '../daemons/lib/knot.js';
import { until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';
import { inProcess } from '../lib/cli.js';

/** Time for a policy to come into force before its boundary, ms; longer when that was too short. */
const ahead = [3000, 8000, 20_000];
const hostClock = clock();
const clients = { day: '127.0.0.21', night: '127.0.0.22', probe: '127.0.0.23' };
let host: Host;
let knot: Knot;
let dnsdist: Dnsdist;

const put = async (key: string, value: string) => {
  const { status, err } = await inProcess(['store', 'put', key, value, '--socket', host.socket]);
  assert.is(status, 0, err);
};

test.before(async () => {
  const pdp = { directory: temporary('policies') };
  const options = { journals: {}, plugins: { policies: { enabled: true, pdp } }, startsHealthy: false };
  [knot, host] = await Promise.all([Knot.start(), Host.start({ ...options, env: hostClock.env })]);
  for (const [role, client] of Object.entries(clients))
    await put(`role-mappings/${client}`, JSON.stringify({ roles: [role] }));
  const bridge = bridgeLine({ directory: join(host.directory, 'tables'), fail: 'closed' });
  dnsdist = await Dnsdist.start({ server: knot, lua: [bridge] });
});
test.after(async () => {
  await dnsdist?.stop();
  await host?.stop();
  await knot?.stop();
});

/** Open for one role before the boundary, for another behind it; a third sees by a name that it is in force. */
function policy(day: string, night: string, marker: string): string {
  const rule = (roles: string[], expr: string) => ({
    actions: ['allow'],
    effect: 'EFFECT_ALLOW',
    roles,
    condition: { match: { expr } },
  });
  const rules = [rule(['day'], day), rule(['night'], night), rule(['probe'], `R.attr.qname == "${marker}"`)];
  const resourcePolicy = { resource: 'dns_query', version: 'default', rules };
  return JSON.stringify({ apiVersion: 'api.cerbos.dev/v1', resourcePolicy });
}

async function allowed(role: keyof typeof clients, name = 'www.example'): Promise<boolean> {
  const reply = await ask(dnsdist, { name, from: clients[role] });
  assert.ok(reply);
  assert.ok(reply.rcode === 'REFUSED' || reply.answers[0]?.data === '198.51.100.1', reply.rcode);
  return reply.rcode !== 'REFUSED';
}

let markers = 0;

/** Puts what `make` makes of the time of a boundary, and goes across it. */
async function across(make: (boundary: number, marker: string) => string): Promise<void> {
  for (const time of ahead) {
    const boundary = Date.now() + time;
    const marker = `marker${markers++}.example`;
    await put('policies/hours', make(boundary, marker));
    await until('the policy to be in force', () => allowed('probe', marker), 20_000);
    const before = [await allowed('day'), await allowed('night')];
    if (Date.now() >= boundary) continue; // This machine was too slow.
    assert.equal(before, [true, false], 'before the boundary');
    const changed = async () => !(await allowed('day')) && (await allowed('night'));
    await until('the boundary to be crossed', changed, boundary - Date.now() + 15_000);
    assert.ok(Date.now() >= boundary, 'not before its time');
    return;
  }
  assert.unreachable('no policy was in force before its boundary');
}

test('an hour ends', async () => {
  await across((boundary, marker) => {
    // To the policy, 18:00 UTC is at the boundary; to the host, a minute begins there.
    const day = 24 * 3600;
    const shift = (18 * 3600 - Math.ceil(boundary / 1000) + day * Math.ceil(boundary / 1000)) % day;
    const hour = `(now() + duration("${shift}s")).getHours("UTC")`;
    const second = Math.ceil(boundary / 1000) * 1000;
    hostClock.set(`+${(60_000 - (second % 60_000)) / 1000}`);
    return policy(`${hour} < 18`, `${hour} >= 18`, marker);
  });
  hostClock.set('+0');
});

test('a time comes', async () => {
  await across((boundary, marker) => {
    const time = `timestamp("${new Date(boundary).toISOString()}")`;
    return policy(`now() < ${time}`, `now() >= ${time}`, marker);
  });
});

test.run();
