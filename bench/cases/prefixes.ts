// SPDX-License-Identifier: MPL-2.0
// Who asks: from an address to its role set, by exact address and by subnet.
import { join } from 'node:path';
import { perUnit, readProfile, valgrindArguments } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, FigureSpec, Measured, Series } from '../lib/figures.js';
import { atOnce, driver, run, withDirectory } from '../lib/run.js';

const ENTRIES = 10_000;
const SHORT = 100_000;
const LONG = 600_000;
const TIMED = 10_000_000;
const MILLION = 1_000_000;
/** Of curves, besides ENTRIES. */
const MORE = [100_000, MILLION];
/** Of what memory grows with. */
const BUILT = [10_000, 30_000, 100_000, 300_000];
const TARGET = 10_000_000;

type Way = 'prefixes' | 'tree' | 'hosts' | 'map' | 'loop' | 'loop-hosts';
type Family = '4' | '6';

interface Answers {
  /** Of all answers: two ways with the same sum and hits answered alike. */
  sum: number;
  hits: number;
  /** One lookup, the loop's own share included. */
  ns: number;
}

interface Built {
  hosts: number;
  hostsSeconds: number;
  hostsBytes: number;
  prefixes: number;
  prefixesSeconds: number;
  prefixesBytes: number;
  deltaMs: number;
}

async function lookup(way: Way, family: Family, queries: number, entries = ENTRIES): Promise<Answers> {
  const args = ['lookup', way, family, String(entries), String(queries)];
  return JSON.parse(await run(driver('clients_bench'), args)) as Answers;
}

async function cost(way: Way, family: Family, queries: number): Promise<{ count: number; cost: number }> {
  return withDirectory(async (directory) => {
    const out = join(directory, 'callgrind');
    const args = ['lookup', way, family, String(ENTRIES), String(queries)];
    await run('valgrind', [...valgrindArguments(out), driver('clients_bench'), ...args]);
    return { count: queries, cost: (await readProfile(out)).total };
  });
}

/** Instructions of one lookup; of the loop alone when `way` is one. */
async function instructions(way: Way, family: Family): Promise<number> {
  return perUnit(await cost(way, family, SHORT), await cost(way, family, LONG));
}

interface Comparison {
  ours: Way;
  other: Way;
  loop: Way;
  name: string;
}

const SUBNETS: Comparison = {
  ours: 'prefixes',
  other: 'tree',
  loop: 'loop',
  name: 'tree of bits without single branches',
};
const HOSTS: Comparison = { ours: 'hosts', other: 'map', loop: 'loop-hosts', name: 'std::unordered_map' };

interface Compared {
  instructions: Measured;
  ns: Measured;
}

/** Nanoseconds of a lookup of both ways, the loop's own taken away; they have to answer alike. */
async function timed(
  what: Comparison,
  family: Family,
  entries: number,
): Promise<{ ours: number; other: number }> {
  const ours = await lookup(what.ours, family, TIMED, entries);
  const other = await lookup(what.other, family, TIMED, entries);
  if (ours.sum !== other.sum || ours.hits !== other.hits)
    throw new Error(`${what.ours} and ${what.other} of ${entries} IPv${family} do not give the same answers`);
  const idle = (await lookup(what.loop, family, TIMED, entries)).ns;
  return { ours: ours.ns - idle, other: other.ns - idle };
}

async function compare(what: Comparison, family: Family): Promise<Compared> {
  const first = await timed(what, family, ENTRIES);
  const points = [{ entries: ENTRIES, ...first }];
  for (const entries of MORE) points.push({ entries, ...(await timed(what, family, entries)) });
  const ways = [what.loop, what.ours, what.other];
  const counted = await atOnce(ways.map((way) => () => instructions(way, family)));
  const [loop, ours, other] = counted as [number, number, number];
  const value = ours - loop;
  const alternative = { name: what.name, value: other - loop };
  const kind = what === SUBNETS ? 'subnet' : 'host';
  const series: Series = {
    ...{ name: `lookup of an IPv${family} address by ${kind}`, x: `${kind}s in the table` },
    ...{ y: 'one lookup', unit: 'ns' },
    lines: [
      { name: 'NNOE', points: points.map(({ entries, ours }) => [entries, ours]) },
      { name: what.name, points: points.map(({ entries, other }) => [entries, other]) },
    ],
  };
  return {
    instructions: { value, alternative },
    ns: { value: first.ours, alternative: { name: what.name, value: first.other }, series },
  };
}

const build = async (entries: number): Promise<Built> =>
  JSON.parse(await run(driver('clients_bench'), ['build', String(entries), String(entries)])) as Built;

const growing = (kind: string, points: readonly (readonly [number, number])[]): Series => ({
  ...{ name: `size of the section of ${kind}`, x: `${kind} in the table`, y: 'section', unit: 'bytes' },
  lines: [{ name: `section of ${kind}`, points }],
  growth: { line: `section of ${kind}`, model: 'linear', at: TARGET },
});

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const figures: Record<string, Measured> = {};
  for (const family of ['4', '6'] as const) {
    options.say(`prefixes: IPv${family}`);
    const subnets = await compare(SUBNETS, family);
    figures[`subnet v${family}`] = subnets.instructions;
    figures[`subnet v${family} hot`] = subnets.ns;
    const hosts = await compare(HOSTS, family);
    figures[`host v${family}`] = hosts.instructions;
    figures[`host v${family} hot`] = hosts.ns;
  }
  options.say('prefixes: up to a million of each');
  const builds: Built[] = [];
  for (const entries of BUILT) builds.push(await build(entries));
  const built = await build(MILLION);
  builds.push(built);
  return {
    ...figures,
    'hosts build': { value: (built.hostsSeconds * MILLION) / built.hosts },
    'hosts bytes': {
      value: built.hostsBytes / built.hosts,
      series: growing(
        'hosts',
        builds.map((each) => [each.hosts, each.hostsBytes]),
      ),
    },
    'subnets build': { value: (built.prefixesSeconds * MILLION) / built.prefixes },
    'subnets bytes': {
      value: built.prefixesBytes / built.prefixes,
      series: growing(
        'subnets',
        builds.map((each) => [each.prefixes, each.prefixesBytes]),
      ),
    },
    'one change': { value: built.deltaMs },
  };
}

const METHOD = `callgrind, ${LONG} less ${SHORT} addresses, three of four with an answer, less the same loop without lookup`;

const count = (name: string, value: number, data: string): FigureSpec => ({
  name,
  unit: 'instructions/lookup',
  alternative: true,
  bound: { relation: '<=', value },
  method: `${METHOD}; ${data}; beside another way with the same answers`,
});

const hot = (name: string): FigureSpec => ({
  name,
  unit: 'ns/lookup',
  alternative: true,
  method: `the same data and addresses, ${TIMED} lookups one after the other, less the loop without lookup`,
});

const million = (name: string, unit: string, method: string): FigureSpec => ({ name, unit, method });

const prefixes: BenchCase = {
  summary: 'from an address to its role set',
  figures: [
    count('subnet v4', 40, `${ENTRIES} subnets, most of them /24`),
    hot('subnet v4 hot'),
    count('host v4', 30, `${ENTRIES} hosts, 256 side by side in each /20`),
    hot('host v4 hot'),
    count('subnet v6', 135, `${ENTRIES} subnets, most of them /48 and /64`),
    hot('subnet v6 hot'),
    count('host v6', 45, `${ENTRIES} hosts, 64 in each /64`),
    hot('host v6 hot'),
    million('hosts build', 's/million', 'sections of a million IPv4 hosts'),
    million('hosts bytes', 'bytes/host', 'the section of those, whole'),
    million('subnets build', 's/million', 'a million random IPv4 subnets, /16 to /30'),
    million('subnets bytes', 'bytes/subnet', 'the section of those, with the list that explains'),
    million('one change', 'ms', 'a changed host and a changed /20 over both: set and the delta built'),
  ],
  run: measure,
};

export default prefixes;
