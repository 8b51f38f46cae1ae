// SPDX-License-Identifier: MPL-2.0
// A whole verdict below the boundary to dnsdist: client, lists, policy, counters and record, through the C interface,
// beside maps and a tree with the same answers; and the same answers again from TypeScript.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeLibrary, bridgeLibrary } from '../lib/bridge-library.js';
import { readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, spread } from '../lib/stats.js';

interface Site {
  directory: string;
  hosts: number;
  subnets: number;
  names: number;
}

const SUBNETS = 10_000;
const USUAL = { hosts: 100_000, subnets: SUBNETS, names: 1_000_000 };
const LARGE = { hosts: 1_000_000, subnets: SUBNETS, names: 10_000_000 };
/** Of queries that callgrind sees. */
const SHORT = 2_000;
const LONG = 32_000;
/** Different queries: few enough to stay in the caches, and more than any cache holds. */
const FEW = 256;
const MANY = 1_000_000;
const TIMED = 5_000_000;
/** Drawn by Zipf's law out of MANY. */
const DRAWN = 1_000_000;
const SMALL = { hosts: 100_000, subnets: SUBNETS, names: 10_000 };
/** Of one thread beside two. */
const ROUNDS = 7;
/** Asked again from TypeScript. */
const AGAIN = 4_000;

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
  const alternative = { name: 'maps and a tree', value: median(simple) };
  return { value: median(ours), spread: spread(ours), alternative };
}

/** Of one call of nnoe_decide and all that it calls. */
async function instructions(site: Site, kind: Kind): Promise<number> {
  const found = [];
  for (const queries of [SHORT, LONG]) {
    const out = join(site.directory, '..', 'callgrind');
    const args = asking(bridgeLibrary, site, { kind, queries, distinct: FEW });
    await run('valgrind', [...valgrindArguments(out), driver('verdict_bench'), ...args]);
    const { inclusive, calls } = await readProfile(out);
    found.push({ cost: inclusive.get('nnoe_decide') ?? Number.NaN, calls: calls.get('nnoe_decide') ?? 0 });
  }
  const [shorter, longer] = found as [(typeof found)[number], (typeof found)[number]];
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

async function published(directory: string, of: Omit<Site, 'directory'>): Promise<Site> {
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
  return {
    rate: { value: median(rates), spread: spread(rates) },
    scaling: {
      value: median(scaling),
      spread: spread(scaling),
      alternative: { name: 'two processes, which share nothing', value: median(apart) },
    },
  };
}

/** Hot and by Zipf's law, as the lists grow. */
async function sized(site: Site, names: string): Promise<Record<string, Measured>> {
  return {
    [`hot, ${names}`]: await compare(site, { kind: 'miss', queries: TIMED, distinct: FEW }, 1),
    [`zipf, ${names}`]: await compare(site, { kind: 'zipf-miss', queries: DRAWN, distinct: MANY }, 1),
  };
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
  figures.hot = await compare(site, { kind: 'miss', queries: TIMED, distinct: FEW }, pairs);
  const zipf = { queries: DRAWN, distinct: MANY };
  figures.zipf = await compare(site, { ...zipf, kind: 'zipf-miss' }, pairs);
  figures['zipf mixed'] = await compare(site, { ...zipf, kind: 'zipf-mixed' }, 1);
  Object.assign(figures, await threads(site, options.pairs ?? ROUNDS));
  options.say(`verdict: ${SMALL.names} names`);
  const small = await published(join(directory, 'small'), SMALL);
  Object.assign(figures, await sized(small, '10 k names'));
  options.say(`verdict: ${LARGE.names} names`);
  const large = await published(join(directory, 'large'), LARGE);
  const cold = { queries: MANY, distinct: MANY };
  figures.cold = await compare(large, { ...cold, kind: 'miss' }, 1);
  figures['cold mixed'] = await compare(large, { ...cold, kind: 'mixed' }, 1);
  figures['cold listed'] = await compare(large, { ...cold, kind: 'itself' }, 1);
  Object.assign(figures, await sized(large, '10 M names'));
  return figures;
}

const SITE = `${USUAL.hosts} IPv4 hosts, ${SUBNETS} subnets, ${USUAL.names} names on 12 lists, 16 role sets`;
const counting = `callgrind, nnoe_decide and all below, counters and record included; names of three labels; ${SITE}`;
const coldly = `${MANY} different queries once each; ${LARGE.hosts} hosts and ${LARGE.names} names; processor time`;

const popular = `${DRAWN} draws out of ${MANY} different queries by Zipf's law with exponent 1, in the order of arrival, after as many; processor time`;
const sizedFigures = (names: string, site: string) => [
  { name: `hot, ${names}`, unit: 'ns', method: `as hot; ${site}` },
  { name: `zipf, ${names}`, unit: 'ns', method: `as zipf; ${site}` },
];

const verdict: BenchCase = {
  summary: 'a whole verdict through the C interface: instructions, nanoseconds, threads',
  figures: [
    {
      name: 'instructions',
      unit: 'instructions',
      bound: { relation: '<=', value: 350 },
      method: `${counting}; on no list, a program of three tests allows`,
    },
    { name: 'listed above', unit: 'instructions', method: `${counting}; the domain is listed as a subtree` },
    { name: 'listed itself', unit: 'instructions', method: `${counting}; the name itself is listed` },
    {
      name: 'hot',
      unit: 'ns',
      bound: { relation: '<=', value: 100 },
      method: `${FEW} queries over and over, each waiting for the one before; processor time`,
    },
    { name: 'zipf', unit: 'ns', method: `${popular}; on no list` },
    { name: 'zipf mixed', unit: 'ns', method: `${popular}; one of four listed` },
    ...sizedFigures('10 k names', `${SMALL.hosts} hosts and ${SMALL.names} names`),
    ...sizedFigures('10 M names', `${LARGE.hosts} hosts and ${LARGE.names} names`),
    {
      name: 'cold',
      unit: 'ns',
      bound: { relation: '<=', value: 300 },
      method: `${coldly}; on no list`,
    },
    { name: 'cold mixed', unit: 'ns', method: `${coldly}; one of four listed` },
    { name: 'cold listed', unit: 'ns', method: `${coldly}; each name listed` },
    {
      name: 'rate',
      unit: 'M/s',
      bound: { relation: '>=', value: 10 },
      method: 'of one thread, as hot',
    },
    {
      name: 'scaling',
      unit: 'times',
      bound: { relation: '>=', value: 1.9 },
      method: 'verdicts per second of processor time of two threads together, beside one',
    },
  ],
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default verdict;
