// SPDX-License-Identifier: MPL-2.0
// What the hook costs Kea for one lease, in instructions: a whole kea-dhcp4 under callgrind serves four-way
// exchanges without a hook, with one that does nothing, and with ours.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kea } from '../../test/daemons/lib/kea.js';
import { load } from '../../test/daemons/lib/perfdhcp.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import {
  ofFunction,
  ofObject,
  type Profile,
  perUnit,
  readProfile,
  valgrindArguments,
} from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { driver } from '../lib/run.js';

const SHORT = 200;
const LONG = 1_200;
/** Exchanges per second; under callgrind Kea needs some 4 ms for one, on a busy machine more. */
const RATE = 60;
const OURS = 'libdhcp_etcd.so';
const CALLOUT = /^leases4_committed/;

/** How many exchanges, in two runs, and how many a second. */
export interface Lengths {
  short: number;
  long: number;
  rate: number;
}
const LENGTHS: Lengths = { short: SHORT, long: LONG, rate: RATE };

type Variant = 'none' | 'empty' | 'ours';
const variants: readonly Variant[] = ['none', 'empty', 'ours'];

async function serve(variant: Variant, exchanges: number, rate: number): Promise<Profile> {
  const out = join(temporary('callgrind'), 'out');
  const kea = await Kea.create({
    family: 4,
    threads: 0,
    hook: variant === 'ours' ? {} : false,
    hooks: variant === 'empty' ? [{ library: driver('empty_hook.so') }] : [],
    wrap: ['valgrind', ...valgrindArguments(out)],
  });
  await kea.start(120_000);
  await kea.commandable(60_000);
  const limits = {
    clients: exchanges,
    seconds: 120,
    dropTime: 10,
    wait: 10_000,
    args: ['-n', String(exchanges)],
  };
  const perf = load(kea, { rate, ...limits });
  const report = await perf.finished();
  await kea.proc?.stop(60_000);
  const committed = readFileSync(kea.at.csv, 'latin1').trimEnd().split('\n').length - 1;
  if (report.drops > 0 || committed !== exchanges) {
    throw new Error(`${variant}: ${report.drops} drops, ${committed} leases written, ${exchanges} wanted`);
  }
  return await readProfile(out);
}

/** Per exchange, from two lengths of run. */
type Cost = (of: (profile: Profile) => number) => number;

async function cost(variant: Variant, { short, long, rate }: Lengths): Promise<Cost> {
  const shorter = await serve(variant, short, rate);
  const longer = await serve(variant, long, rate);
  return (of) => perUnit({ count: short, cost: of(shorter) }, { count: long, cost: of(longer) });
}

/** Instructions of our own code for one lease. */
export async function perLease(lengths: Lengths): Promise<number> {
  return (await cost('ours', lengths))((profile) => ofObject(profile, OURS));
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const costs = {} as Record<Variant, Cost>;
  for (const variant of variants) {
    options.say(`hook: ${variant}, ${SHORT} and ${LONG} exchanges`);
    costs[variant] = await cost(variant, LENGTHS);
  }
  const total = (variant: Variant) => costs[variant]((profile) => profile.total);
  return {
    'own instructions': { value: costs.ours((profile) => ofObject(profile, OURS)) },
    'callout, all it calls included': { value: costs.ours((profile) => ofFunction(profile, CALLOUT)) },
    'above no hook at all': {
      value: total('ours') - total('none'),
      alternative: { name: 'empty hook library', value: total('empty') - total('none') },
    },
    'exchange without a hook': { value: total('none') },
  };
}

const difference = `callgrind on kea-dhcp4, one thread, four-way exchanges by perfdhcp, (${LONG} less ${SHORT}) / ${LONG - SHORT}`;

const hook: BenchCase = {
  summary: 'what the hook costs Kea for one committed lease',
  figures: [
    {
      name: 'own instructions',
      unit: 'instructions/lease',
      bound: { relation: '<=', value: 1_500 },
      method: `${difference}; self cost of all code in ${OURS}, its own thread included`,
    },
    {
      name: 'callout, all it calls included',
      unit: 'instructions/lease',
      method: `${difference}; inclusive cost of leases4_committed: libc, libstdc++ and Kea's accessors too`,
    },
    {
      name: 'above no hook at all',
      unit: 'instructions/exchange',
      alternative: true,
      bound: { relation: '<=', value: 30_000 },
      method: `${difference}; whole process with the hook less whole process without; Kea's dispatch included`,
    },
    { name: 'exchange without a hook', unit: 'instructions/exchange', method: difference },
  ],
  run: measure,
};

export default hook;
