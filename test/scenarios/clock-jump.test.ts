// SPDX-License-Identifier: MPL-2.0
// The wall clock jumps a day ahead and back under load, under the host as well as under Kea. Time for
// intervals is monotonic, so nothing is lost, doubled, stuck or busy.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clock } from '../daemons/lib/clock.js';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';
import { sleep } from '../daemons/lib/process.js';

const hook = { 'snapshot-on-start': false };
const mix = { rate: 200, clients: 100, renews: 60, releases: 60, seconds: 4 } as const;

test('the host’s clock jumps', async () => {
  const { env, set } = clock();
  const plugins = { leases: { history: true, 'sweep-interval': 0.1 } };
  const plane = await Plane.start({ keas: [{ family: 4, threads: 0, hook }], host: { env, plugins } });
  // Nobody renews these, so that a sweep which trusts the clock would remove them for good.
  for (let i = 1; i <= 20; i++) {
    const lease = { 'ip-address': `10.0.99.${i}`, 'hw-address': `02:00:00:00:99:${i + 10}` };
    await plane.kea(4).command('lease4-add', lease);
  }
  const running = load(plane.kea(4), mix);
  for (const offset of ['+86400', '-86400', '+0']) {
    await sleep(900);
    set(offset);
  }
  await running.finished();
  await plane.drained();
  assert.ok((await exactHistory(plane, 4)) > 500);
  await sameLeases(plane, 4);
  assert.is((await plane.host.health())?.status, 200);
  await plane.stop();
});

test('Kea’s clock jumps', async () => {
  const { env, set } = clock();
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 0, hook, env, validLifetime: 3600 }],
  });
  const kea = plane.kea(4);
  const running = load(kea, mix);
  await sleep(900);
  set('+86400');
  await sleep(900);
  set('-3600');
  await sleep(900);
  set('+0');
  await running.finished();
  await plane.drained();
  assert.ok((await exactHistory(plane, 4, { reuse: true })) > 500);
  await plane.stop();
});

test.run();
