// SPDX-License-Identifier: MPL-2.0
// The usual names for a process, read off at a scrape. Not prom-client's default set: its event-loop monitor
// wakes an idle process 100 times a second.
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Gauge } from 'prom-client';
import { type Make, setCounter } from './metrics.js';

export class ProcessMetrics {
  readonly #made: ReturnType<typeof makeAll>;

  constructor(make: Make) {
    this.#made = makeAll(make);
    this.#made.start.set(performance.timeOrigin / 1000);
    const limit = openFilesLimit();
    if (limit !== undefined) this.#made.maxFds.set(limit);
  }

  refresh(): void {
    const { cpu, active, resident, virtual, fds, heapTotal, heapUsed, external } = this.#made;
    const { user, system } = process.cpuUsage();
    setCounter(cpu, (user + system) / 1e6);
    setCounter(active, performance.eventLoopUtilization().active / 1000);
    const heap = getHeapStatistics();
    heapTotal.set(heap.total_heap_size);
    heapUsed.set(heap.used_heap_size);
    external.set(heap.external_memory);
    setKnown(resident, () => process.memoryUsage.rss());
    setKnown(virtual, () => Number(/^VmSize:\s+(\d+) kB$/m.exec(proc('status'))?.[1]) * 1024);
    // One of them is the directory's own.
    setKnown(fds, () => readdirSync('/proc/self/fd').length - 1);
  }
}

/** Without a free file descriptor /proc cannot be read: the metric is left out, and the others are shown. */
function setKnown(gauge: Gauge, look: () => number): void {
  try {
    gauge.set(look());
  } catch {
    gauge.remove();
  }
}

const makeAll = (make: Make) => ({
  cpu: make('process_cpu_seconds_total'),
  start: make('process_start_time_seconds'),
  resident: make('process_resident_memory_bytes'),
  virtual: make('process_virtual_memory_bytes'),
  fds: make('process_open_fds'),
  maxFds: make('process_max_fds'),
  heapTotal: make('nodejs_heap_size_total_bytes'),
  heapUsed: make('nodejs_heap_size_used_bytes'),
  external: make('nodejs_external_memory_bytes'),
  active: make('nnoe_event_loop_active_seconds_total'),
});

const proc = (name: string) => readFileSync(`/proc/self/${name}`, 'latin1');

function openFilesLimit(): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(proc('limits'))?.[1];
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
