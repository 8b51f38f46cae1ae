// SPDX-License-Identifier: MPL-2.0
// Instructions of a whole dnsdist for one query. Callgrind counts from when the server has started and answered its
// first queries; two loads of different lengths, counted apart, take away what does not depend on queries.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../../test/daemons/lib/dns.js';
import { Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { perUnit, readProfile, valgrindArguments } from './callgrind.js';
import { dnsperf } from './dnsperf.js';
import { run } from './run.js';
import { QUESTIONS, type VerdictData } from './verdict-data.js';

/** How often all questions are asked. */
export interface Rounds {
  /** Before anything is counted. */
  warm: number;
  short: number;
  long: number;
}

/** Enough that Lua has collected its garbage several times in what is counted. */
const ROUNDS: Rounds = { warm: 30, short: 10, long: 110 };
/** For what takes ten times as long. */
export const FEWER: Rounds = { warm: 10, short: 5, long: 25 };

export const costMethod = ({ short, long }: Rounds): string =>
  `callgrind on dnsdist, one listening thread, user space, (${long} less ${short}) x ${QUESTIONS} queries by dnsperf`;
export const COST_METHOD = costMethod(ROUNDS);

/** Nothing is asked of it: dnsdist answers itself, or from its cache. */
const nobody: Server = { address: '127.0.0.1', port: 9 };

export interface CostOptions {
  lua: string[];
  data: Pick<VerdictData, 'questionsFile'>;
  /** Shown the server before it is counted. */
  check?(server: Dnsdist): Promise<void>;
  rounds?: Rounds;
}

export async function costPerQuery({ lua, data, check, rounds = ROUNDS }: CostOptions): Promise<number> {
  const out = join(temporary('callgrind'), 'out');
  const server = await Dnsdist.start({
    server: nobody,
    lua,
    wrap: ['valgrind', ...valgrindArguments(out), '--instr-atstart=no'],
    timeout: 600_000,
  });
  try {
    await check?.(server);
    await load(server, data, rounds.warm);
    await run('callgrind_control', ['-i', 'on', String(server.proc.pid)]);
    const shorter = await counted(server, data, rounds.short, out);
    const longer = await counted(server, data, rounds.long, out);
    return perUnit(shorter, longer);
  } finally {
    await server.kill();
  }
}

async function load(server: Dnsdist, data: CostOptions['data'], rounds: number): Promise<number> {
  const report = await dnsperf(server, { file: data.questionsFile, rounds, outstanding: 10 });
  const { completed, lost, codes } = report;
  if (lost > 0 || codes.NOERROR !== completed)
    throw new Error(`${completed} queries, ${lost} lost, answered ${JSON.stringify(codes)}`);
  return completed;
}

async function counted(server: Dnsdist, data: CostOptions['data'], rounds: number, out: string) {
  // Beginning from zero; what came before is in a file that nobody reads.
  await run('callgrind_control', ['-z', String(server.proc.pid)]);
  const count = await load(server, data, rounds);
  const before = dumps(out).length;
  await run('callgrind_control', ['-d', String(server.proc.pid)]);
  const all = dumps(out);
  if (all.length !== before + 1)
    throw new Error(`callgrind wrote ${all.length - before} profiles, expected 1`);
  return { count, cost: (await readProfile(all.at(-1) as string)).total };
}

/** Oldest first. */
function dumps(out: string): string[] {
  const directory = join(out, '..');
  const number = (name: string) => Number(/^out\.(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  const names = readdirSync(directory).filter((name) => number(name) > 0);
  return names.sort((a, b) => number(a) - number(b)).map((name) => join(directory, name));
}
