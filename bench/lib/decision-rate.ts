// SPDX-License-Identifier: MPL-2.0
// How many records of decisions come into a host when every decision is recorded: a feeder writes them as a bridge
// does (decisions_bench feed), and the host's own service hands them to a consumer that wants all there is.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { PatientClock } from '../../src/host/clock.js';
import { DecisionsService } from '../../src/host/decisions/service.js';
import { native } from '../../src/host/native.js';
import type { DecisionBatch } from '../../src/host/plugin.js';
import { driver, run, withDirectory } from './run.js';

export interface DecisionRate {
  /** Records a second that the consumer was told of. */
  rate: number;
  written: number;
  read: number;
  lost: number;
  /** Queries by the counters. */
  counted: number;
}

export interface FeedOptions {
  /** Decisions a second of each thread; 0: as many as it can make. */
  rate: number;
  seconds: number;
  /** Different names, and as many clients. */
  names: number;
  threads: number;
}

/** @throws when what was read and lost, or what was counted, is not what was written. */
export function decisionRate(options: FeedOptions): Promise<DecisionRate> {
  return withDirectory((directory) => measure(join(directory, 'decisions'), options));
}

async function measure(directory: string, options: FeedOptions): Promise<DecisionRate> {
  const sums = { read: 0, lost: 0, counted: 0 };
  const clock = new PatientClock(() => true);
  const service = new DecisionsService({
    directory,
    layout: native().decisionLayout,
    log: pino({ level: 'silent' }),
    clock,
    wanted: true,
    open: (path) => native().openDecisions(path),
    words: { roles: (id) => [`set-${id}`], list: String, known: () => true },
    newest: () => 0,
  });
  service.attach({
    name: 'bench',
    spec: { records: 1000, top: 1000, deadline: 30 },
    signal: new AbortController().signal,
    failed: (error) => {
      throw error;
    },
    handle({ read, lost, roles }: DecisionBatch) {
      sums.read += read;
      sums.lost += lost;
      for (const { count } of roles) sums.counted += count;
    },
  });
  service.start();
  try {
    const { rate, seconds, names, threads } = options;
    const words = [rate, seconds, names, threads].map(String);
    const { written } = JSON.parse(await run(driver('decisions_bench'), ['feed', ...words, directory])) as {
      written: number;
    };
    const end = performance.now() + 10_000;
    while (sums.read + sums.lost < written || sums.counted < written) {
      if (performance.now() > end) throw new Error(`${written} were written: ${JSON.stringify(sums)}`);
      await wait(20);
    }
    if (sums.read + sums.lost !== written || sums.counted !== written)
      throw new Error(`${written} were written, but ${JSON.stringify(sums)}`);
    return { rate: sums.read / seconds, written, ...sums };
  } finally {
    service.close();
    clock.close();
  }
}
