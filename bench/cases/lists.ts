// SPDX-License-Identifier: MPL-2.0
// How fast list files are read, and what that takes of memory.
import { join } from 'node:path';
import type { BenchCase, CaseOptions, FigureSpec, Measured } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { summary } from '../lib/stats.js';

const ROWS = 2_000_000;
const formats = ['hosts', 'domains', 'adblock', 'dnsmasq', 'rpz'] as const;

interface Parsed {
  rows: number;
  names: number;
  bad: number;
  rows_per_second: number;
  peak_kb: number;
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  return withDirectory(async (directory) => {
    const measured: Record<string, Measured> = {};
    const peaks: number[] = [];
    for (const format of formats) {
      const file = join(directory, format);
      await run(driver('list_parse'), ['generate', format, String(ROWS), file]);
      const rates: number[] = [];
      for (let i = 0; i < (options.pairs ?? 5); i++) {
        const parsed = JSON.parse(await run(driver('list_parse'), [format, file])) as Parsed;
        if (parsed.names !== ROWS || parsed.bad > 0)
          throw new Error(`${format}: ${parsed.names} names of ${ROWS} rows`);
        rates.push(parsed.rows_per_second / 1e6);
        peaks.push(parsed.peak_kb / 1000);
      }
      measured[format] = summary(rates);
      options.say(`lists: ${format} ${measured[format]?.value.toFixed(1)} M rows/s`);
    }
    return { ...measured, memory: { ...summary(peaks), value: Math.max(...peaks) } };
  });
}

const rate = (name: string): FigureSpec => ({
  name,
  unit: 'M rows/s',
  bound: { relation: '>=', value: 2 },
  method: `one thread, a file of ${ROWS} rows of that format in the page cache, from opening it to the last name in wire form; by the thread’s processor time; median of runs`,
});

const lists: BenchCase = {
  summary: 'a list file read, row by row',
  figures: [
    ...formats.map(rate),
    {
      name: 'memory',
      unit: 'MB',
      bound: { relation: '<=', value: 16 },
      method: 'most that the reading process ever had in memory, of all runs',
    },
  ],
  brief: { pairs: 2 },
  run: measure,
};

export default lists;
