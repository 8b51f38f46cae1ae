// SPDX-License-Identifier: MPL-2.0
// The disk under the journal is full. DHCP goes on; when there is room again, what could not be written is
// replayed from Kea's lease database. The disk is a small tmpfs in a mount namespace of Kea's own, which
// goes with the process.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Etcd } from '../daemons/lib/etcd.js';
import { sameLeases } from '../daemons/lib/exact.js';
import { Host } from '../daemons/lib/host.js';
import { Kea } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { until } from '../daemons/lib/process.js';

const mix = { rate: 300, clients: 3_000 } as const;

test('the journal’s disk fills up under load, and is emptied again', async () => {
  const etcd = await Etcd.start();
  const script = 'mkdir -p journal && mount -t tmpfs -o size=1m,mode=755 tmpfs journal && exec "$@"';
  const isRoot = process.getuid?.() === 0;
  const unshare = ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount', 'sh', '-c', script, 'sh'];
  const kea = await Kea.create({
    family: 4,
    hook: { 'snapshot-on-start': false, 'segment-size': 65_536, 'journal-cap': 4_194_304 },
    wrap: unshare,
  });
  await kea.start();
  const pid = kea.proc?.pid;
  // What its file system looks like from within.
  const inside = `/proc/${pid}/root${kea.at.journal}`;
  const host = await Host.start({
    journals: { dhcp4: { directory: inside, family: 4 } },
    endpoints: etcd.endpoints,
  });
  // With a host that reads, space comes back with every segment that it has passed.
  await host.kill();
  try {
    for (let i = 0; ; i++) writeFileSync(`${inside}/filler${i}`, Buffer.alloc(16_384));
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
  const report = await load(kea, { ...mix, seconds: 8 }).finished();
  assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  await kea.proc?.waitFor(/NNOE\w*UNWRITABLE.*space/i, { timeout: 1_000 });
  const fillers = readdirSync(inside).filter((name) => name.startsWith('filler'));
  for (const name of fillers) rmSync(join(inside, name));
  await kea.proc?.waitFor(/NNOE\w*_WRITABLE/, { timeout: 20_000 });
  await host.start();
  const plane = { kea: () => kea, etcd } as never;
  let last: unknown;
  const probe = () =>
    sameLeases(plane, 4).then(
      (count) => count > 1_000,
      (error) => {
        last = error;
        return false;
      },
    );
  await until('the store to hold what Kea holds', probe, 30_000, 200).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
  await host.stop();
  await kea.stop();
  await etcd.stop();
});

test.run();
