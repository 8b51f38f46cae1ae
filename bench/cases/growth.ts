// SPDX-License-Identifier: MPL-2.0
// How cost grows: tables with names and mappings, etcd and a host with leases, the journal with events; five sizes of
// each, and what they come to on networks that do not fit on a bench.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeLibrary } from '../lib/bridge-library.js';
import type { BenchCase, CaseOptions, FigureSpec, Line, Measured, Series } from '../lib/figures.js';
import { leaseGrowth } from '../lib/lease-growth.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, slope } from '../lib/stats.js';

const MB = 1e6;
const TABLE_SIZES = [50_000, 100_000, 200_000, 500_000, 1_000_000];
const EVENT_SIZES = [50_000, 100_000, 200_000, 500_000, 1_000_000];
const LEASE_SIZES = [10_000, 20_000, 50_000, 100_000, 200_000];
/** Of the table that is not looked at. */
const FEW = 1_000;
const SWAPS = 9;
/** Bytes of an encoded IPv4 lease event, as in the case `journal`. */
const PAYLOAD = 80;
/** What is extrapolated to. */
const MANY = 10_000_000;
const NODES = 100;
/** Of one node: ten times its share. */
const OWN = (10 * MANY) / NODES;
/** s between two changes of a lease: clients renew half-way (RFC 2131, 4.4.5), here through one of an hour. */
const RENEWED = 1_800;

interface Grown {
  bytes: number;
  resident: number;
  /** ms */
  taken: number[];
}

interface Curve {
  of: Omit<Series, 'lines' | 'growth'>;
  line: string;
  points: Line['points'];
  at: number;
}

/** The largest size is the value; the curve tells the rest. */
function grown({ of, line, points, at }: Curve): Measured {
  const [, value = Number.NaN] = points.at(-1) ?? [];
  return { value, series: { ...of, lines: [{ name: line, points }], growth: { line, model: 'linear', at } } };
}

async function tables(kind: 'names' | 'mappings', options: CaseOptions): Promise<Record<string, Measured>> {
  const found: [size: number, grown: Grown][] = [];
  for (const size of TABLE_SIZES) {
    options.say(`growth: ${size} ${kind}`);
    await withDirectory(async (directory) => {
      const [hosts, names] = kind === 'names' ? [FEW, size] : [size, FEW];
      const args = [bridgeLibrary, join(directory, 'tables'), ...[hosts, names, SWAPS].map(String)];
      found.push([size, JSON.parse(await run(driver('swap_bench'), ['grow', ...args])) as Grown]);
    });
  }
  const curve = (y: string, unit: string, value: (each: Grown) => number): Measured =>
    grown({
      of: { name: `${y} by ${kind}`, x: kind, y, unit },
      line: kind,
      points: found.map(([size, each]) => [size, value(each)] as const),
      at: MANY,
    });
  return {
    [`memory, ${kind}`]: curve('memory of tables', 'MB', ({ resident }) => resident / MB),
    [`swap, ${kind}`]: curve('time of a swap', 'ms', ({ taken }) => median(taken)),
  };
}

function allocated(directory: string): number {
  const blocks = readdirSync(directory).map((name) => statSync(join(directory, name)).blocks);
  return blocks.reduce((sum, each) => sum + each * 512, 0);
}

async function journal(options: CaseOptions): Promise<Record<string, Measured>> {
  options.say('growth: the journal');
  const points: [number, number][] = [];
  for (const size of EVENT_SIZES) {
    await withDirectory(async (parent) => {
      const directory = join(parent, 'journal');
      const args = ['append', String(size), String(PAYLOAD), directory];
      const { dropped } = JSON.parse(await run(driver('journal_append'), args)) as { dropped: number };
      if (dropped > 0) throw new Error(`${dropped} of ${size} events were dropped`);
      points.push([size, allocated(directory) / MB]);
    });
  }
  const of = { name: 'journal by events', x: 'events', y: 'space of the journal', unit: 'MB' };
  return { 'journal, events': grown({ of, line: 'events', points, at: MANY }) };
}

async function leases(options: CaseOptions): Promise<Record<string, Measured>> {
  const steps = await leaseGrowth(LEASE_SIZES, (leases) => options.say(`growth: ${leases} leases`));
  const curve = (y: string, unit: string, at: number, value: (step: (typeof steps)[number]) => number) =>
    grown({
      of: { name: `${y} by leases`, x: 'leases', y, unit },
      line: 'leases',
      points: steps.map((step) => [step.leases, value(step)] as const),
      at,
    });
  return {
    'etcd database, leases': curve('database of etcd', 'MB', MANY, (step) => step.database / MB),
    'etcd memory, leases': curve('memory of etcd', 'MB', MANY, (step) => step.etcdResident),
    // A node has its own leases alone.
    'host memory, leases': curve('memory of a host', 'MB', OWN, (step) => step.hostAnonymous),
    'etcd processor, leases': curve('processor time of etcd', 's', MANY, (step) => step.etcdSeconds),
    [`etcd, ${NODES} nodes`]: {
      value:
        (slope(
          steps.map((step) => step.leases),
          steps.map((step) => step.etcdSeconds),
        ).slope *
          MANY) /
        RENEWED,
    },
  };
}

const curved = (name: string, unit: string, most: number, method: string): FigureSpec => ({
  ...{ name, unit, method },
  bound: { relation: '<=', value: most },
});
const served = `what a process grew by that took them over from section files, with ${FEW} of the other; the largest size here, the others in the chart`;
const swapped = `from the end of a publication until the bridge has the whole table in use, checked; median of ${SWAPS}, nobody asking`;
const fed = 'one host, leases fed through the journal into one etcd on the same machine; after each size';

const growth: BenchCase = {
  summary: `memory, swaps, etcd and journal at five sizes each, and at ${NODES} nodes with ${MANY} names and leases`,
  figures: [
    curved('memory, names', 'MB', 60, served),
    curved('swap, names', 'ms', 250, swapped),
    curved('memory, mappings', 'MB', 20, served),
    curved('swap, mappings', 'ms', 50, swapped),
    curved(
      'journal, events',
      'MB',
      120,
      `blocks of the files after so many events of ${PAYLOAD} bytes that nobody read; a read journal shrinks to its last segment`,
    ),
    curved('etcd database, leases', 'MB', 120, `${fed}; dbSizeInUse`),
    curved('etcd memory, leases', 'MB', 500, `${fed}; VmRSS`),
    curved(
      'host memory, leases',
      'MB',
      250,
      `${fed}; RssAnon; extrapolated to ${OWN} leases, ten times the share of one node of ${NODES}`,
    ),
    curved(
      'etcd processor, leases',
      's',
      10,
      `${fed}; of all its threads since it was started: the load that so many changes of leases are, whichever nodes they come from`,
    ),
    curved(
      `etcd, ${NODES} nodes`,
      'processors',
      0.5,
      `s of processor time a lease changed (the slope of the chart above) x ${MANY} leases of ${NODES} nodes, each changed every ${RENEWED} s; one member, no watchers`,
    ),
  ],
  run: async (options) => ({
    ...(await tables('names', options)),
    ...(await tables('mappings', options)),
    ...(await journal(options)),
    ...(await leases(options)),
  }),
};

export default growth;
