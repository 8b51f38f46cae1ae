// SPDX-License-Identifier: MPL-2.0
// What an append costs the thread that answers clients.
import { join } from 'node:path';
import { perUnit, readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { summary } from '../lib/stats.js';

/** Bytes of a typical IPv4 lease event: hardware address, client id, a host name of twelve letters. */
const PAYLOAD = 80;
/** Ends below the default cap of 1 GiB, so that appends alone are measured, as in a server with a live host. */
const TIMED = 5_000_000;
const SHORT = 100_000;
const LONG = 600_000;

interface Appended {
  count: number;
  dropped: number;
  seconds: number;
}

function parse(stdout: string): Appended {
  const appended = JSON.parse(stdout) as Appended;
  if (appended.dropped > 0) throw new Error(`${appended.dropped} of ${appended.count} appends were dropped`);
  return appended;
}

async function instructions(
  mode: 'append' | 'loop',
  count: number,
): Promise<{ count: number; cost: number }> {
  return withDirectory(async (directory) => {
    const out = join(directory, 'callgrind');
    const stdout = await run('valgrind', [
      ...valgrindArguments(out),
      driver('journal_append'),
      mode,
      String(count),
      String(PAYLOAD),
      join(directory, 'journal'),
    ]);
    parse(stdout);
    return { count, cost: (await readProfile(out)).total };
  });
}

/** Instructions of one append, from runs of these many. */
export async function perAppend(short = SHORT, long = LONG): Promise<number> {
  const append = perUnit(await instructions('append', short), await instructions('append', long));
  const loop = perUnit(await instructions('loop', short), await instructions('loop', long));
  return append - loop;
}

async function rate(): Promise<number> {
  return withDirectory(async (directory) => {
    const args = ['append', String(TIMED), String(PAYLOAD), join(directory, 'journal')];
    const { count, seconds } = parse(await run(driver('journal_append'), args));
    return count / seconds;
  });
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  options.say('journal: counting instructions');
  const cost = await perAppend();
  const rates: number[] = [];
  for (let i = 0; i < (options.pairs ?? 5); i++) {
    rates.push(await rate());
    options.say(`journal: ${Math.round(rates.at(-1) ?? 0)} events/s`);
  }
  return { 'append instructions': { value: cost }, 'append rate': summary(rates) };
}

const journal: BenchCase = {
  summary: 'one record appended to the journal',
  figures: [
    {
      name: 'append instructions',
      unit: 'instructions/event',
      bound: { relation: '<=', value: 150 },
      method: `callgrind, all threads of the process, ${LONG} less ${SHORT} appends of ${PAYLOAD} encoded bytes, less the same loop without append`,
    },
    {
      name: 'append rate',
      unit: 'events/s',
      bound: { relation: '>=', value: 5_000_000 },
      method: `one thread, ${TIMED} appends of ${PAYLOAD} bytes into a new journal on disk with default sizes; median of runs`,
    },
  ],
  brief: { pairs: 3 },
  run: measure,
};

export default journal;
