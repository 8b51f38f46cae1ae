// SPDX-License-Identifier: MPL-2.0
// Kea and a host with nothing but its own file: the lease path holds over SIGKILLs of the host, and a second
// host on the same store is refused.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbeddedView } from '../daemons/lib/embedded-view.js';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { compare, readHistory } from '../daemons/lib/history.js';
import { Host } from '../daemons/lib/host.js';
import { Kea } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { drained } from '../daemons/lib/plane.js';
import { sleep } from '../daemons/lib/process.js';
import { readCsv } from '../daemons/lib/witness.js';

test('every change of a lease is in the file, in order, whenever the host was killed', async () => {
  const kea = await Kea.start({ family: 4, threads: 0, hook: { 'snapshot-on-start': false } });
  const journals = { dhcp4: { directory: kea.at.journal, family: 4 as const } };
  const host = await Host.start({ journals });
  const running = load(kea, { rate: 400, clients: 300, renews: 100, releases: 100, seconds: 6 });
  for (const pause of [900, 400, 1300]) {
    await sleep(pause);
    await host.kill();
    await host.start();
  }
  const report = await running.finished();
  assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  await drained(kea);
  const view = new EmbeddedView(host.storeDirectory);
  const plane = {
    etcd: view,
    kea: () => kea,
    compare: async () => compare(readCsv(kea.at.csv, 4), await readHistory(view, 4), { threads: false }),
  };
  assert.ok((await exactHistory(plane, 4)) > 1500);
  assert.ok((await sameLeases(plane, 4)) > 100);

  const second = await Host.create({ journals: {}, storeDirectory: host.storeDirectory });
  second.spawn();
  const ended = await second.proc?.ended(10_000);
  assert.is(ended?.code, 75);
  assert.match(second.proc?.output() ?? '', '"code":"STORE_LOCKED"');
  assert.is((await host.health())?.status, 200);

  await view.close();
  await host.stop();
  await kea.stop();
});

test.run();
