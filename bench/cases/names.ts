// SPDX-License-Identifier: MPL-2.0
// Names and the lists that they are on: what a lookup, a name in memory and a build cost, beside a map of suffixes.
import { join } from 'node:path';
import { perUnit, readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured, Series } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, spread } from '../lib/stats.js';

const COUNT = 1_000_000;
const LARGE = 10_000_000;
/** Of curves: the smaller ones are built for them alone. */
const SIZES = [10_000, 30_000, 100_000, 300_000, COUNT] as const;
/** Of those, where lookups are timed. */
const TIMED_SIZES: readonly number[] = [10_000, 100_000, COUNT];
/** Of queries that callgrind sees. */
const SHORT = 2_000;
const LONG = 22_000;
/** Different names: few enough to stay in the caches, and more than any cache holds. */
const FEW = 256;
const MANY = 1_000_000;

const MAP = 'unordered_map of suffixes';

type Way = 'table' | 'map' | 'loop';
type Kind = 'miss' | 'above' | 'itself';

interface Built {
  names: number;
  /** Of the section, a name. */
  bytes: number;
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
  const cost = async (queries: number) => {
    const out = join(directory, `callgrind.${way}.${queries}`);
    const args = asking(way, { ...questions, queries });
    await run('valgrind', [...valgrindArguments(out), driver('names_bench'), ...args]);
    return { count: queries, cost: (await readProfile(out)).total };
  };
  const [shorter, longer] = await Promise.all([cost(SHORT), cost(LONG)]);
  return perUnit(shorter, longer);
}

async function instructions(kind: Kind, file: string, directory: string, map: boolean): Promise<Measured> {
  const questions = { file, count: COUNT, kind, queries: 0, distinct: FEW };
  const loop = await counted('loop', questions, directory);
  const value = (await counted('table', questions, directory)) - loop;
  if (!map) return { value };
  const other = (await counted('map', questions, directory)) - loop;
  return { value, alternative: { name: MAP, value: other } };
}

const beside = ({ table, map }: { table: number[]; map: number[] }): Measured => ({
  value: median(table),
  spread: spread(table),
  alternative: { name: MAP, value: median(map) },
});

const build = async (count: number, file: string): Promise<Built> =>
  JSON.parse(await run(driver('names_bench'), ['build', String(count), file])) as Built;

/** Of one of the two timed kinds, by size of the table. */
type Curve = Record<'table' | 'map', [size: number, ns: number][]>;
type Curves = Record<'above' | 'miss', Curve>;

/** A lookup of names that are asked for once each. */
async function once(
  file: string,
  count: number,
  curves: Curves,
): Promise<Record<'above' | 'miss', Measured>> {
  const found = {} as Record<'above' | 'miss', Measured>;
  for (const kind of ['above', 'miss'] as const) {
    const times = await compare({ file, count, kind, queries: MANY, distinct: MANY }, 1);
    curves[kind].table.push([count, median(times.table)]);
    curves[kind].map.push([count, median(times.map)]);
    found[kind] = beside(times);
  }
  return found;
}

const sizes = 'names in the table';

const lookups = (name: string, { table, map }: Curve): Series => ({
  ...{ name, x: sizes, y: 'one lookup', unit: 'ns' },
  lines: [
    { name: 'NNOE', points: table },
    { name: MAP, points: map },
  ],
});

const growing = (
  name: string,
  y: string,
  builds: readonly Built[],
  of: (built: Built) => number,
): Series => ({
  ...{ name, x: sizes, y, unit: 'bytes' },
  lines: [{ name: y, points: builds.map((built) => [built.names, of(built)]) }],
  growth: { line: y, model: 'linear', at: builds.at(-1)?.names ?? LARGE },
});

async function curved(
  directory: string,
  largest: Built,
  file: string,
  options: CaseOptions,
): Promise<Record<string, Partial<Measured>>> {
  const curves: Curves = { above: { table: [], map: [] }, miss: { table: [], map: [] } };
  const builds: Built[] = [];
  for (const size of SIZES) {
    options.say(`names: ${size} names, for the curves`);
    const smaller = join(directory, 'smaller');
    builds.push(await build(size, smaller));
    if (TIMED_SIZES.includes(size)) await once(smaller, size, curves);
  }
  builds.push(largest);
  const { above, miss } = await once(file, LARGE, curves);
  return {
    'cold hit': { ...above, series: lookups('lookup of a name whose domain is listed', curves.above) },
    'cold miss': { ...miss, series: lookups('lookup of a name that is on no list', curves.miss) },
    'bytes a name': {
      series: growing('size of the section', 'section', builds, ({ names: count, bytes }) => count * bytes),
    },
    'build memory': {
      series: growing(
        'memory of the build',
        'largest resident size',
        builds,
        (built) => built.peak_kb * 1024,
      ),
    },
  };
}

async function measureIn(directory: string, options: CaseOptions): Promise<Record<string, Measured>> {
  const pairs = options.pairs ?? 3;
  const file = join(directory, 'names');
  const builds: Built[] = [];
  for (let i = 0; i < pairs; i++) {
    builds.push(await build(COUNT, file));
    options.say(`names: ${COUNT} built in ${builds.at(-1)?.build_seconds} s`);
  }
  const figures: Record<string, Measured> = {};
  const seconds = builds.map((built) => (built.build_seconds * 1e6) / built.names);
  figures.build = { value: median(seconds), spread: spread(seconds) };
  figures.miss = await instructions('miss', file, directory, true);
  figures['hit above'] = await instructions('above', file, directory, false);
  figures['hit itself'] = await instructions('itself', file, directory, false);
  figures.hot = beside(
    await compare({ file, count: COUNT, kind: 'above', queries: 5_000_000, distinct: FEW }, pairs),
  );
  await compare({ file, count: COUNT, kind: 'itself', queries: MANY, distinct: MANY }, 1);
  options.say(`names: building ${LARGE}`);
  const large = await build(LARGE, file);
  figures['one name'] = { value: large.delta_ms };
  const curves = await curved(directory, large, file, options);
  const of = (name: string, value = Number.NaN): Measured => ({ value, ...curves[name] });
  return {
    ...figures,
    'bytes a name': of('bytes a name', builds[0]?.above),
    'build memory': of('build memory', (large.peak_kb * 1024) / large.names),
    'cold hit': of('cold hit'),
    'cold miss': of('cold miss'),
  };
}

const counting = `callgrind, parsing and hashing included, ${LONG} less ${SHORT} queries of three labels in a table of ${COUNT} names, less the loop`;

const names: BenchCase = {
  summary: 'names and their lists: instructions, nanoseconds, bytes, build',
  figures: [
    {
      name: 'miss',
      unit: 'instructions',
      alternative: true,
      bound: { relation: '<=', value: 220 },
      method: `${counting}; nothing listed`,
    },
    { name: 'hit above', unit: 'instructions', method: `${counting}; the domain is listed as a subtree` },
    { name: 'hit itself', unit: 'instructions', method: `${counting}; the name itself is listed` },
    {
      name: 'bytes a name',
      unit: 'bytes',
      bound: { relation: '<=', value: 16 },
      method: 'section less names in wire form, parents and membership of 12 overlapping lists included',
    },
    {
      name: 'build',
      unit: 's/M',
      bound: { relation: '<=', value: 0.7 },
      method: 'processor time from sorted sets of 12 lists to the section; median of runs',
    },
    {
      name: 'hot',
      unit: 'ns',
      alternative: true,
      method: `${FEW} names over and over, each query waiting for the one before`,
    },
    {
      name: 'cold hit',
      unit: 'ns',
      alternative: true,
      method: `${MANY} different names, once each, in a table of ${LARGE}`,
    },
    { name: 'cold miss', unit: 'ns', alternative: true, method: 'the same with names that are on no list' },
    { name: 'one name', unit: 'ms', method: `a change to the bytes of its delta, over ${LARGE} names` },
    {
      name: 'build memory',
      unit: 'bytes/name',
      method: `largest resident size of the builder with ${LARGE} names`,
    },
  ],
  brief: { pairs: 1 },
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default names;
