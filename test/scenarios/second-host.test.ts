// SPDX-License-Identifier: MPL-2.0
// Two hosts on one journal would move the same cursors: the second one is refused, says so and ends; started
// again when the first is gone, it takes over.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory } from '../daemons/lib/exact.js';
import { Host } from '../daemons/lib/host.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';

test('a second host on the same journal', async () => {
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 0, hook: { 'snapshot-on-start': false } }],
  });
  const kea = plane.kea(4);
  const second = await Host.create({ ...plane.host.options, node: 'node-b' });
  second.spawn();
  const refused = await second.proc?.ended(20_000);
  assert.is(refused?.code, 75, 'so that a service manager tries again');
  const said = second.proc?.output() ?? '';
  assert.ok(said.includes('JOURNAL_BUSY') && said.includes(kea.at.journal), said);
  const mix = { rate: 300, clients: 100, renews: 80, releases: 80 } as const;
  await load(kea, { ...mix, seconds: 2 }).finished();
  await plane.drained();
  await exactHistory(plane, 4);
  assert.is((await plane.host.health())?.status, 200);
  // The first one dies in the middle of the load; the second goes on from its cursors.
  const running = load(kea, { ...mix, seconds: 3 });
  await plane.host.kill();
  await second.start(30_000);
  await running.finished();
  await plane.drained();
  assert.ok((await exactHistory(plane, 4)) > 500);
  await second.stop();
  await plane.stop();
});

test.run();
