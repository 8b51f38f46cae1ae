// SPDX-License-Identifier: MPL-2.0
// limit: 300 s
// The lease path under load, without a kill: every line that Kea wrote into its lease file is in the
// history, per address and in order, with snapshots off; and with snapshots on, the store holds exactly
// Kea's leases.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory, sameLeases } from './lib/exact.js';
import { readLeases } from './lib/history.js';
import { load } from './lib/perfdhcp.js';
import { Plane } from './lib/plane.js';
import { sleep, until } from './lib/process.js';

for (const threads of [0, 2]) {
  const mode = threads ? `${threads} packet threads` : 'multi-threading off';

  test(`every change is in the history, in order, with snapshots off (${mode})`, async () => {
    const hook = { 'snapshot-on-start': false };
    const plane = await Plane.start({
      keas: [
        { family: 4, threads, hook },
        { family: 6, threads, hook },
      ],
    });
    const mix = { rate: 500, clients: 400, seconds: 4, renews: 150, releases: 150 };
    const loads = plane.keas.map((kea) => load(kea, { ...mix, leases: 'address-and-prefix' }));
    const reports = await Promise.all(loads.map((l) => l.finished()));
    await plane.drained();
    for (const [i, kea] of plane.keas.entries()) {
      assert.ok((await exactHistory(plane, kea.family)) > 2_000);
      assert.ok((reports[i]?.sent ?? 0) > 2_000);
      await sameLeases(plane, kea.family);
    }
    await plane.stop();
  });

  test(`with snapshots on, the store holds exactly Kea's leases (${mode})`, async () => {
    const plane = await Plane.start({
      keas: [
        { family: 4, threads },
        { family: 6, threads },
      ],
    });
    const mix = { rate: 400, clients: 300, seconds: 3, renews: 100, releases: 100 };
    for (const round of [1, 2]) {
      const loads = plane.keas.map((kea) => load(kea, { ...mix, leases: 'address-and-prefix' }));
      await sleep(1_000);
      await Promise.all(plane.keas.map((kea) => kea.command('nnoe-resync')));
      await Promise.all(loads.map((l) => l.finished()));
      if (round === 1) await Promise.all(plane.keas.map((kea) => kea.stop().then(() => kea.start())));
    }
    // What was changed behind its back comes right with a walk.
    const [victim] = (await readLeases(plane.etcd, 4)).values();
    if (!victim) throw new Error('no lease in the store');
    await plane.etcd.delete(victim.key);
    await plane.kea(4).command('nnoe-resync');
    await until('the deleted key to come back', async () => (await plane.etcd.get(victim.key)) !== undefined);
    await plane.drained();
    for (const { family } of plane.keas) assert.ok((await sameLeases(plane, family)) > 100);
    await plane.stop();
  });
}

test.run();
