// SPDX-License-Identifier: MPL-2.0
// A plugin that throws, stalls, dawdles or does not even start holds up neither DHCP nor the leases plugin.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';
import { until } from '../daemons/lib/process.js';

const script = join(import.meta.dirname, 'fixtures/moody-host.js');
const mix = { rate: 250, clients: 100, renews: 80, releases: 80, seconds: 3 } as const;

for (const mood of ['throws', 'stalls', 'slow', 'setup']) {
  test(`another plugin ${mood === 'setup' ? 'fails in its setup' : mood}`, async () => {
    const plane = await Plane.start({
      keas: [{ family: 4, threads: 0, hook: { 'snapshot-on-start': false } }],
      host: { script, plugins: { moody: { mood } }, startsHealthy: false },
    });
    const report = await load(plane.kea(4), mix).finished();
    assert.is(report.drops, 0, JSON.stringify(report.exchanges));
    // It follows at its own pace, well before the other could.
    await plane.drained(10_000);
    assert.ok((await exactHistory(plane, 4)) > 400);
    await sameLeases(plane, 4);
    if (mood !== 'slow') {
      const said = async () =>
        /no mood|PLUGIN_|not today/.test(JSON.stringify((await plane.host.health())?.body));
      await until('health to say what is wrong with it', said, 10_000, 50);
    }
    await plane.stop();
  });
}

test.run();
