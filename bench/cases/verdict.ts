// SPDX-License-Identifier: MPL-2.0
// A whole verdict below the boundary to dnsdist: client, lists, policy, counters and record, through the C interface,
// beside maps and a tree with the same answers; and the same answers again from TypeScript.
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { BridgeLibrary, bridgeLibrary } from '../lib/bridge-library.js';
import { readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured, Series } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, spread } from '../lib/stats.js';

export interface Site {
  directory: string;
  hosts: number;
  subnets: number;
  names: number;
}

const SUBNETS = 10_000;
const USUAL = { hosts: 100_000, subnets: SUBNETS, names: 1_000_000 };
const LARGE = { hosts: 1_000_000, subnets: SUBNETS, names: 10_000_000 };
/** Of the curves, besides those two. */
const SMALL = [10_000, 100_000].map((names) => ({ hosts: names / 10, subnets: SUBNETS, names }));
/** Of queries that callgrind sees. */
const SHORT = 2_000;
const LONG = 32_000;
/** Different queries: few enough to stay in the caches, and more than any cache holds. */
const FEW = 256;
const MANY = 1_000_000;
const TIMED = 5_000_000;
/** Drawn by Zipf's law out of MANY. */
const DRAWN = 1_000_000;
/** Of one thread beside two. */
const ROUNDS = 7;
/** Asked again from TypeScript. */
const AGAIN = 4_000;

const SIMPLE = 'maps and a tree';

type Kind = 'miss' | 'above' | 'itself' | 'mixed' | 'everybody' | 'zipf-miss' | 'zipf-mixed';

interface Asked {
  ns: number;
  /** Verdicts per second of processor time, all threads together. */
  rate: number;
  sum: string;
}

const sizes = ({ hosts, subnets, names }: Site): string[] => [hosts, subnets, names].map(String);

interface Questions {
  kind: Kind;
  queries: number;
  distinct: number;
  threads?: number;
}

const asking = (way: string, site: Site, { kind, queries, distinct, threads = 1 }: Questions): string[] => [
  'ask',
  way,
  site.directory,
  ...sizes(site),
  kind,
  ...[queries, distinct, threads].map(String),
];

async function ask(site: Site, questions: Questions, way = bridgeLibrary): Promise<Asked> {
  return JSON.parse(await run(driver('verdict_bench'), asking(way, site, questions))) as Asked;
}

/** Both ways have to give the same verdicts. */
async function compare(site: Site, questions: Questions, pairs: number): Promise<Measured> {
  const ours: number[] = [];
  const simple: number[] = [];
  for (let i = 0; i < pairs; i++) {
    const tables = await ask(site, questions);
    const maps = await ask(site, questions, 'simple');
    if (tables.sum !== maps.sum)
      throw new Error(`${questions.kind}: the tables and the maps do not give the same verdicts`);
    ours.push(tables.ns);
    simple.push(maps.ns);
  }
  const alternative = { name: SIMPLE, value: median(simple) };
  return { value: median(ours), spread: spread(ours), alternative };
}

/** Of one call of nnoe_decide and all that it calls. */
export async function instructions(site: Site, kind: Kind): Promise<number> {
  const counted = async (queries: number) => {
    const out = join(site.directory, '..', `callgrind.${queries}`);
    const args = asking(bridgeLibrary, site, { kind, queries, distinct: FEW });
    await run('valgrind', [...valgrindArguments(out), driver('verdict_bench'), ...args]);
    const { inclusive, calls } = await readProfile(out);
    return { cost: inclusive.get('nnoe_decide') ?? Number.NaN, calls: calls.get('nnoe_decide') ?? 0 };
  };
  const [shorter, longer] = await Promise.all([counted(SHORT), counted(LONG)]);
  return (longer.cost - shorter.cost) / (longer.calls - shorter.calls);
}

/** Thousands of verdicts, of the driver and asked again from TypeScript, byte by byte. */
async function askAgain(site: Site): Promise<void> {
  const args = ['answers', bridgeLibrary, site.directory, ...sizes(site), String(AGAIN)];
  const lines = (await run(driver('verdict_bench'), args)).trim().split('\n');
  const decisions = `${site.directory}.again`;
  mkdirSync(decisions, { recursive: true });
  const bridge = new BridgeLibrary(site.directory, decisions);
  try {
    for (const line of lines) {
      const [address = '', name = '', type, verdict] = line.split(' ');
      const found = bridge.decide({
        address: Buffer.from(address, 'hex'),
        name: Buffer.from(name, 'hex'),
        type: Number(type),
      });
      if (found.toString('hex') !== verdict)
        throw new Error(`${line}: from TypeScript ${found.toString('hex')}`);
    }
  } finally {
    bridge.close();
  }
  if (lines.length !== AGAIN) throw new Error(`${lines.length} answers of ${AGAIN}`);
}

export async function published(directory: string, of: Omit<Site, 'directory'>): Promise<Site> {
  const site = { directory, ...of };
  await run(driver('verdict_bench'), ['publish', directory, ...sizes(site)]);
  return site;
}

/** One thread, two of one process, and two processes, which share nothing: what the machine lets two of anything do. */
async function threads(site: Site, rounds: number): Promise<Record<string, Measured>> {
  const timed = { kind: 'miss', queries: 4 * TIMED, distinct: FEW } as const;
  const rates: number[] = [];
  const scaling: number[] = [];
  const apart: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const one = await ask(site, timed);
    const two = await ask(site, { ...timed, threads: 2 });
    const processes = await Promise.all([ask(site, timed), ask(site, timed)]);
    rates.push(one.rate / 1e6);
    scaling.push(two.rate / one.rate);
    apart.push((processes[0].rate + processes[1].rate) / one.rate);
  }
  const one = median(rates);
  const together: [number, number][] = [
    [1, one],
    [2, one * median(scaling)],
  ];
  // Where there are more processors, as many threads as those.
  for (let n = 4; n <= availableParallelism(); n *= 2)
    together.push([n, (await ask(site, { ...timed, threads: n })).rate / 1e6]);
  const proportional = together.map(([n]): [number, number] => [n, n * one]);
  const series: Series = {
    ...{ name: 'verdicts of several threads of one process', x: 'threads' },
    ...{ y: 'verdicts per second of processor time, all threads', unit: 'M/s' },
    lines: [
      { name: 'NNOE', points: together },
      { name: 'one thread, times their number', points: proportional },
    ],
  };
  return {
    rate: { value: one, spread: spread(rates) },
    scaling: {
      ...{ value: median(scaling), spread: spread(scaling), series },
      alternative: { name: 'two processes, which share nothing', value: median(apart) },
    },
  };
}

/** Of both ways at all sizes: one kind of query each, hot and cold. */
class Curves {
  readonly #lines = new Map<string, [names: number, ns: number][]>();

  add(what: string, site: Site, { value, alternative }: Measured): void {
    for (const [way, ns] of [
      ['NNOE', value],
      [SIMPLE, alternative?.value ?? Number.NaN],
    ] as const) {
      const key = `${way}, ${what}`;
      this.#lines.set(key, [...(this.#lines.get(key) ?? []), [site.names, ns]]);
    }
  }

  get series(): Series {
    const lines = [...this.#lines].map(([name, points]) => ({ name, points }));
    return {
      name: 'a verdict by size of the tables',
      x: 'names on lists',
      y: 'one verdict',
      unit: 'ns',
      lines,
    };
  }
}

const HOT: Questions = { kind: 'miss', queries: TIMED, distinct: FEW };
const COLD: Questions = { kind: 'miss', queries: MANY, distinct: MANY };
const POPULAR: Questions = { kind: 'zipf-miss', queries: DRAWN, distinct: MANY };

/** @returns the figure `cold`, of the largest site, with its curves */
async function measureSizes(
  directory: string,
  { usual, large, hot, zipf }: { usual: Site; large: Site; hot: Measured; zipf: Measured },
  options: CaseOptions,
): Promise<Measured> {
  const curves = new Curves();
  for (const of of SMALL) {
    options.say(`verdict: ${of.names} names, for the curves`);
    const site = await published(join(directory, `of${of.names}`), of);
    curves.add('hot', site, await compare(site, HOT, 1));
    curves.add('by Zipf', site, await compare(site, POPULAR, 1));
    curves.add('cold', site, await compare(site, COLD, 1));
  }
  curves.add('hot', usual, hot);
  curves.add('by Zipf', usual, zipf);
  curves.add('cold', usual, await compare(usual, COLD, 1));
  curves.add('hot', large, await compare(large, HOT, 1));
  curves.add('by Zipf', large, await compare(large, POPULAR, 1));
  const cold = await compare(large, COLD, 1);
  curves.add('cold', large, cold);
  return { ...cold, series: curves.series };
}

async function measureIn(directory: string, options: CaseOptions): Promise<Record<string, Measured>> {
  const pairs = options.pairs ?? 3;
  const figures: Record<string, Measured> = {};
  options.say(`verdict: ${USUAL.names} names`);
  const site = await published(join(directory, 'tables'), USUAL);
  await askAgain(site);
  await compare(site, { kind: 'everybody', queries: MANY, distinct: 100_000 }, 1);
  figures.instructions = { value: await instructions(site, 'miss') };
  figures['listed above'] = { value: await instructions(site, 'above') };
  figures['listed itself'] = { value: await instructions(site, 'itself') };
  figures.hot = await compare(site, HOT, pairs);
  figures.zipf = await compare(site, POPULAR, pairs);
  figures['zipf mixed'] = await compare(site, { ...POPULAR, kind: 'zipf-mixed' }, 1);
  Object.assign(figures, await threads(site, options.pairs ?? ROUNDS));
  options.say(`verdict: ${LARGE.names} names`);
  const large = await published(join(directory, 'large'), LARGE);
  figures.cold = await measureSizes(
    directory,
    { usual: site, large, hot: figures.hot, zipf: figures.zipf },
    options,
  );
  figures['cold mixed'] = await compare(large, { ...COLD, kind: 'mixed' }, 1);
  figures['cold listed'] = await compare(large, { ...COLD, kind: 'itself' }, 1);
  return figures;
}

const SITE = `${USUAL.hosts} IPv4 hosts, ${SUBNETS} subnets, ${USUAL.names} names on 12 lists, 16 role sets`;
const counting = `callgrind, nnoe_decide and all below, counters and record included; names of three labels; ${SITE}`;
const coldly = `${MANY} different queries once each; ${LARGE.hosts} hosts and ${LARGE.names} names; processor time`;

const popular = `${DRAWN} draws out of ${MANY} different queries by Zipf's law with exponent 1, in the order of arrival, after as many; processor time`;
const verdict: BenchCase = {
  summary: 'a whole verdict through the C interface: instructions, nanoseconds, threads',
  figures: [
    {
      name: 'instructions',
      unit: 'instructions',
      bound: { relation: '<=', value: 250 },
      method: `${counting}; on no list, a program of three tests allows`,
    },
    { name: 'listed above', unit: 'instructions', method: `${counting}; the domain is listed as a subtree` },
    { name: 'listed itself', unit: 'instructions', method: `${counting}; the name itself is listed` },
    {
      name: 'hot',
      unit: 'ns',
      alternative: true,
      bound: { relation: '<=', value: 60 },
      method: `${FEW} queries over and over, each waiting for the one before; processor time`,
    },
    { name: 'zipf', unit: 'ns', alternative: true, method: `${popular}; on no list` },
    { name: 'zipf mixed', unit: 'ns', alternative: true, method: `${popular}; one of four listed` },
    {
      name: 'cold',
      unit: 'ns',
      alternative: true,
      bound: { relation: '<=', value: 300 },
      method: `${coldly}; on no list`,
    },
    { name: 'cold mixed', unit: 'ns', alternative: true, method: `${coldly}; one of four listed` },
    { name: 'cold listed', unit: 'ns', alternative: true, method: `${coldly}; each name listed` },
    {
      name: 'rate',
      unit: 'M/s',
      bound: { relation: '>=', value: 10 },
      method: 'of one thread, as hot',
    },
    {
      name: 'scaling',
      unit: 'times',
      alternative: true,
      bound: { relation: '>=', value: 1.9 },
      method: 'verdicts per second of processor time of two threads together, beside one',
    },
  ],
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default verdict;
