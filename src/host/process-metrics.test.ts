// SPDX-License-Identifier: MPL-2.0
import { closeSync, openSync } from 'node:fs';
import { Counter, Gauge, Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Make } from './metrics.js';
import { metricRows } from './metrics-table.js';
import { ProcessMetrics } from './process-metrics.js';

test('without a free file descriptor what needs one is left out, and comes back', async () => {
  const registry = new Registry();
  const make = ((name: keyof typeof metricRows) => {
    const { type, help } = metricRows[name];
    return new (type === 'counter' ? Counter : Gauge)({ name, help, registers: [registry] });
  }) as Make;
  const metrics = new ProcessMetrics(make);
  const shown = async () => {
    metrics.refresh();
    const text = await registry.metrics();
    return [
      'process_open_fds',
      'process_virtual_memory_bytes',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
    ].map((name) => new RegExp(`^${name} [1-9]`, 'm').test(text));
  };
  assert.equal(await shown(), [true, true, true, true]);
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EMFILE');
  }
  const without = await shown();
  for (const fd of taken) closeSync(fd);
  assert.equal(without, [false, false, false, true]);
  assert.equal(await shown(), [true, true, true, true]);
});

test.run();
