// SPDX-License-Identifier: MPL-2.0
// A whole kea-dhcp4 under callgrind that serves four-way exchanges: without a hook, with one that does nothing, with
// Kea's own that starts a script, and with ours.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kea } from '../../test/daemons/lib/kea.js';
import { load } from '../../test/daemons/lib/perfdhcp.js';
import { until } from '../../test/daemons/lib/process.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { type Profile, perUnit, readProfile, valgrindArguments } from './callgrind.js';
import type { CaseOptions } from './figures.js';
import { driver } from './run.js';
import { RunScript } from './run-script.js';

export type Variant = 'none' | 'empty' | 'script' | 'ours';

interface Load {
  exchanges: number;
  /** Exchanges per second; under callgrind Kea needs some 4 ms for one, on a busy machine more. */
  rate: number;
}

/** Starting a process from a process under callgrind takes some 100 ms. */
const RATES: Record<Variant, number> = { none: 60, empty: 60, script: 5, ours: 60 };
export const LENGTHS: Record<Variant, readonly [number, number]> = {
  none: [200, 1_200],
  empty: [200, 1_200],
  script: [50, 150],
  ours: [200, 1_200],
};
/** Scripts that callgrind counts as well: a shell takes most of a second under it. */
export const SCRIPTS = 12;

export const addressesIn = (csv: string): string[] =>
  readFileSync(csv, 'latin1')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(',')));

async function serve(variant: Variant, { exchanges, rate }: Load, callgrind: string[]): Promise<Kea> {
  const script = new RunScript();
  const hooks = { script: [script.hook], empty: [{ library: driver('empty_hook.so') }], none: [], ours: [] };
  const kea = await Kea.create({
    family: 4,
    threads: 0,
    hook: variant === 'ours' ? {} : false,
    hooks: hooks[variant],
    wrap: ['valgrind', ...callgrind],
  });
  await kea.start(120_000);
  await kea.commandable(60_000);
  const report = await load(kea, {
    rate,
    clients: exchanges,
    seconds: 120,
    dropTime: 10,
    wait: 10_000,
    args: ['-n', String(exchanges)],
  }).finished();
  const committed = addressesIn(kea.at.csv);
  if (report.drops > 0 || committed.length !== exchanges) {
    throw new Error(
      `${variant}: ${report.drops} drops, ${committed.length} leases written, ${exchanges} wanted`,
    );
  }
  if (variant === 'script') {
    await until('a script for each lease', () => script.addresses().length >= exchanges, 60_000);
    assertTold(committed, script.addresses());
  }
  await kea.proc?.stop(60_000);
  return kea;
}

/** @throws Error unless exactly the addresses that were given were told. */
export function assertTold(given: readonly string[], told: readonly string[]): void {
  const [wanted, found] = [new Set(given), new Set(told)];
  const missing = [...wanted].filter((address) => !found.has(address));
  const foreign = [...found].filter((address) => !wanted.has(address));
  if (missing.length + foreign.length === 0) return;
  throw new Error(
    `${missing.length} leases untold, the first ${missing[0]}; ${foreign.length} told that were never given, the first ${foreign[0]}`,
  );
}

/** Per exchange, from two lengths of run. */
export type Cost = (of: (profile: Profile) => number) => number;

/** Exchanges of two runs, and how many a second. */
export interface Run {
  lengths: readonly [number, number];
  rate: number;
}

export async function cost(
  variant: Variant,
  { lengths, rate }: Run = { lengths: LENGTHS[variant], rate: RATES[variant] },
): Promise<Cost> {
  const profile = async (exchanges: number) => {
    const out = join(temporary('callgrind'), 'out');
    await serve(variant, { exchanges, rate }, valgrindArguments(out));
    return await readProfile(out);
  };
  // One after the other: beside another, a Kea under callgrind is too slow for its clients.
  const shorter = await profile(lengths[0]);
  const longer = await profile(lengths[1]);
  return (of) => perUnit({ count: lengths[0], cost: of(shorter) }, { count: lengths[1], cost: of(longer) });
}

/** Instructions of one script that Kea starts, from its exec to its end. */
export async function costOfScript(options: CaseOptions): Promise<number> {
  options.say(`hook: script, ${SCRIPTS} of them counted`);
  const directory = temporary('callgrind');
  const callgrind = valgrindArguments(join(directory, 'out.%p'));
  const kea = await serve('script', { exchanges: SCRIPTS, rate: 1 }, ['--trace-children=yes', ...callgrind]);
  const own = `out.${kea.proc?.pid}`;
  const files = readdirSync(directory).filter((name) => name !== own);
  if (files.length !== SCRIPTS)
    throw new Error(`profiles of ${files.length} children of Kea, expected ${SCRIPTS}`);
  let sum = 0;
  for (const file of files) sum += (await readProfile(join(directory, file))).total;
  return sum / SCRIPTS;
}
