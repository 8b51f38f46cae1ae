// SPDX-License-Identifier: MPL-2.0
// Ways of doing one small thing, timed in turns by the package benchmark.
import Benchmark from 'benchmark';
import type { Measured } from './figures.js';
import { median, summary } from './stats.js';

/** Name to what is done once. */
export type Ways = Record<string, () => unknown>;

export function opsPerSecond(name: string, work: () => unknown, maxTime = 1): Promise<number> {
  return new Promise((resolve, reject) => {
    const bench = new Benchmark(name, work, { async: true, maxTime, minSamples: 10 });
    bench.on('complete', () => resolve(bench.hz));
    bench.on('error', () => reject(new Error(`${name}: ${String(bench.error)}`)));
    bench.run();
  });
}

/** ns of one of each, round by round; every other round in the other order. */
export async function inTurns(ways: Ways, rounds: number): Promise<Record<string, number[]>> {
  const names = Object.keys(ways);
  const times = Object.fromEntries(names.map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse())
      times[name]?.push(1e9 / (await opsPerSecond(name, ways[name] as () => unknown, 0.5)));
  }
  return times;
}

/** The first way, beside the second when there is one; `unit` in ns. */
export async function beside(ways: Ways, rounds: number, unit = 1): Promise<Measured> {
  const times = await inTurns(ways, rounds);
  const [ours = '', other] = Object.keys(times);
  const scaled = (name: string) => (times[name] ?? []).map((each) => each / unit);
  const measured: Measured = summary(scaled(ours));
  if (other === undefined) return measured;
  return { ...measured, alternative: { name: other, value: median(scaled(other)) } };
}

/** One value after the other, from the first again. */
export function cycle<T>(values: readonly T[]): () => T {
  let at = 0;
  return () => {
    const value = values[at] as T;
    at = at + 1 === values.length ? 0 : at + 1;
    return value;
  };
}
