// SPDX-License-Identifier: MPL-2.0
// A hundred reconfigures under load. Each unloads and loads the hook; none may lose an event or report one
// twice, nor begin a walk.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';

for (const threads of [0, 2]) {
  test(`a hundred reconfigures under load, ${threads} packet threads`, async () => {
    const hook = { 'snapshot-on-start': false };
    const plane = await Plane.start({
      keas: [
        { family: 4, threads, hook },
        { family: 6, threads, hook },
      ],
    });
    const mix = { rate: 150, clients: 200, renews: 50, releases: 50, leases: 'address-and-prefix' } as const;
    const loads = plane.keas.map((kea) => load(kea, { ...mix, seconds: 0 }));
    for (let i = 0; i < 100; i++) await Promise.all(plane.keas.map((kea) => kea.command('config-reload')));
    for (const each of loads) await each.stop();
    await plane.drained();
    for (const { family } of plane.keas) {
      assert.ok((await exactHistory(plane, family)) > 100);
      await sameLeases(plane, family);
    }
    await plane.stop();
  });
}

test.run();
