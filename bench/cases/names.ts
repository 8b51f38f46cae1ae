// SPDX-License-Identifier: MPL-2.0
// Names and the lists that they are on: what a lookup, a name in memory and a build cost, beside a map of suffixes.
import { join } from 'node:path';
import { perUnit, readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, spread } from '../lib/stats.js';

const COUNT = 1_000_000;
const LARGE = 10_000_000;
/** Of queries that callgrind sees. */
const SHORT = 2_000;
const LONG = 22_000;
/** Different names: few enough to stay in the caches, and more than any cache holds. */
const FEW = 256;
const MANY = 1_000_000;

type Way = 'table' | 'map' | 'loop';
type Kind = 'miss' | 'above' | 'itself';

interface Built {
  names: number;
  above: number;
  build_seconds: number;
  sets_seconds: number;
  delta_ms: number;
  peak_kb: number;
}

interface Asked {
  ns: number;
  hits: number;
  sum: string;
}

interface Questions {
  file: string;
  count: number;
  kind: Kind;
  queries: number;
  distinct: number;
}

const asking = (way: Way, { file, count, kind, queries, distinct }: Questions): string[] => [
  'ask',
  way,
  file,
  ...[count, kind, queries, distinct].map(String),
];

async function ask(way: Way, questions: Questions): Promise<Asked> {
  return JSON.parse(await run(driver('names_bench'), asking(way, questions))) as Asked;
}

/** Both ways have to find the same lists at the same depth. */
async function compare(questions: Questions, pairs: number): Promise<{ table: number[]; map: number[] }> {
  const found = { table: [] as number[], map: [] as number[] };
  for (let i = 0; i < pairs; i++) {
    const table = await ask('table', questions);
    const map = await ask('map', questions);
    if (table.sum !== map.sum || table.hits !== map.hits)
      throw new Error(
        `${questions.kind}: the table found ${table.hits}, ${table.sum}; the map ${map.hits}, ${map.sum}`,
      );
    if ((questions.kind === 'miss') !== (table.hits === 0))
      throw new Error(`${questions.kind}: ${table.hits} of ${questions.distinct} names were on a list`);
    found.table.push(table.ns);
    found.map.push(map.ns);
  }
  return found;
}

async function counted(way: Way, questions: Questions, directory: string): Promise<number> {
  const costs = [];
  for (const queries of [SHORT, LONG]) {
    const out = join(directory, 'callgrind');
    const args = asking(way, { ...questions, queries });
    await run('valgrind', [...valgrindArguments(out), driver('names_bench'), ...args]);
    costs.push({ count: queries, cost: (await readProfile(out)).total });
  }
  const [shorter, longer] = costs as [{ count: number; cost: number }, { count: number; cost: number }];
  return perUnit(shorter, longer);
}

async function instructions(kind: Kind, file: string, directory: string, map: boolean): Promise<Measured> {
  const questions = { file, count: COUNT, kind, queries: 0, distinct: FEW };
  const loop = await counted('loop', questions, directory);
  const value = (await counted('table', questions, directory)) - loop;
  if (!map) return { value };
  const other = (await counted('map', questions, directory)) - loop;
  return { value, alternative: { name: 'unordered_map of suffixes', value: other } };
}

const beside = ({ table, map }: { table: number[]; map: number[] }): Measured => ({
  value: median(table),
  spread: spread(table),
  alternative: { name: 'unordered_map of suffixes', value: median(map) },
});

async function measureIn(directory: string, options: CaseOptions): Promise<Record<string, Measured>> {
  const pairs = options.pairs ?? 3;
  const file = join(directory, 'names');
  const builds: Built[] = [];
  for (let i = 0; i < pairs; i++) {
    builds.push(JSON.parse(await run(driver('names_bench'), ['build', String(COUNT), file])) as Built);
    options.say(`names: ${COUNT} built in ${builds.at(-1)?.build_seconds} s`);
  }
  const figures: Record<string, Measured> = {};
  const seconds = builds.map((built) => (built.build_seconds * 1e6) / built.names);
  figures.build = { value: median(seconds), spread: spread(seconds) };
  figures['bytes a name'] = { value: builds[0]?.above ?? Number.NaN };
  figures.miss = await instructions('miss', file, directory, true);
  figures['hit above'] = await instructions('above', file, directory, false);
  figures['hit itself'] = await instructions('itself', file, directory, false);
  figures.hot = beside(
    await compare({ file, count: COUNT, kind: 'above', queries: 5_000_000, distinct: FEW }, pairs),
  );
  await compare({ file, count: COUNT, kind: 'miss', queries: MANY, distinct: MANY }, 1);
  await compare({ file, count: COUNT, kind: 'itself', queries: MANY, distinct: MANY }, 1);
  options.say(`names: building ${LARGE}`);
  const large = JSON.parse(await run(driver('names_bench'), ['build', String(LARGE), file])) as Built;
  figures['one name'] = { value: large.delta_ms };
  figures['build memory'] = { value: (large.peak_kb * 1024) / large.names };
  const cold = { file, count: LARGE, kind: 'above' as Kind, queries: MANY, distinct: MANY };
  figures['cold hit'] = beside(await compare(cold, 1));
  figures['cold miss'] = beside(await compare({ ...cold, kind: 'miss' }, 1));
  return figures;
}

const counting = `callgrind, parsing and hashing included, ${LONG} less ${SHORT} queries of three labels in a table of ${COUNT} names, less the loop`;

const names: BenchCase = {
  summary: 'names and their lists: instructions, nanoseconds, bytes, build',
  figures: [
    {
      name: 'miss',
      unit: 'instructions',
      bound: { relation: '<=', value: 220 },
      method: `${counting}; nothing listed`,
    },
    { name: 'hit above', unit: 'instructions', method: `${counting}; the domain is listed as a subtree` },
    { name: 'hit itself', unit: 'instructions', method: `${counting}; the name itself is listed` },
    {
      name: 'bytes a name',
      unit: 'bytes',
      bound: { relation: '<=', value: 20 },
      method: 'section less names in wire form, parents and membership of 12 overlapping lists included',
    },
    {
      name: 'build',
      unit: 's/M',
      bound: { relation: '<=', value: 0.7 },
      method: 'processor time from sorted sets of 12 lists to the section; median of runs',
    },
    { name: 'hot', unit: 'ns', method: `${FEW} names over and over, each query waiting for the one before` },
    { name: 'cold hit', unit: 'ns', method: `${MANY} different names, once each, in a table of ${LARGE}` },
    { name: 'cold miss', unit: 'ns', method: 'the same with names that are on no list' },
    { name: 'one name', unit: 'ms', method: `a change to the bytes of its delta, over ${LARGE} names` },
    {
      name: 'build memory',
      unit: 'bytes/name',
      method: `largest resident size of the builder with ${LARGE} names`,
    },
  ],
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default names;
