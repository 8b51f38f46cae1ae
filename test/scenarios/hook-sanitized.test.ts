// SPDX-License-Identifier: MPL-2.0
// limit: 180 s
// The hook built with AddressSanitizer and UndefinedBehaviorSanitizer inside the real Kea: load, commands,
// reconfigures, a walk, a clean end; then a kill and a start on what it left.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactHistory } from '../daemons/lib/exact.js';
import { type Kea, type KeaOptions, tree } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';
import { run } from '../daemons/lib/process.js';

const library = join(tree, 'build/asan/kea-hook/libdhcp_etcd.so');

/** Kea itself is not instrumented, so that the runtimes have to be there before it. */
function sanitized(family: 4 | 6, threads: number): KeaOptions {
  assert.ok(existsSync(library), `${library} is not built: run make test`);
  const runtime = (name: string) => run('g++', [`-print-file-name=lib${name}.so`]).trim();
  return {
    family,
    threads,
    library,
    hook: { 'segment-size': 65_536, 'journal-cap': 67_108_864 },
    env: {
      LD_PRELOAD: `${runtime('asan')} ${runtime('ubsan')}`,
      // Kea's own leaks at exit are not ours to report.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99:detect_odr_violation=0',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
    },
  };
}

function clean(kea: Kea): void {
  assert.not.match(kea.proc?.output() ?? '', /AddressSanitizer|runtime error:/);
}

for (const threads of [0, 2]) {
  test(`load, commands and reconfigures under ASan and UBSan, ${threads} packet threads`, async () => {
    const plane = await Plane.start({ keas: [sanitized(4, threads), sanitized(6, threads)] });
    const mix = { rate: 150, clients: 200, renews: 50, releases: 50, leases: 'address-and-prefix' } as const;
    const loads = plane.keas.map((kea) => load(kea, { ...mix, seconds: 3 }));
    for (let i = 0; i < 5; i++) {
      for (const kea of plane.keas) {
        await kea.command('config-reload');
        await kea.command('nnoe-resync');
        await kea.command('nnoe-status');
      }
    }
    await plane
      .kea(4)
      .command('lease4-add', { 'ip-address': '10.0.250.1', 'hw-address': '02:00:00:00:00:fa' });
    await plane.kea(4).command('lease4-wipe', { 'subnet-id': 1 });
    for (const each of loads) await each.finished();
    await plane.drained();
    assert.ok((await exactHistory(plane, 6)) > 100);
    for (const kea of plane.keas) {
      await kea.kill();
      clean(kea);
      await kea.start();
      // Under the runtime Kea itself can hang once main has returned: a library's destructor waits for a lock of
      // the C library. By then we have been unloaded.
      kea.proc?.signal('SIGTERM');
      await kea.proc?.waitFor(/HOOKS_LIBRARY_CLOSED.*libdhcp_etcd/);
      await kea.kill();
      clean(kea);
    }
    await plane.stop();
  });
}

test.run();
