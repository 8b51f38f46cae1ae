// SPDX-License-Identifier: MPL-2.0
// Queries per second that one dnsdist after the other answers from its packet cache: dnsdist with its only listening
// thread on one processor, dnsperf on another.
import { cpus } from 'node:os';
import { Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import type { Knot } from '../../test/daemons/lib/knot.js';
import { CACHED } from './dnsdist-variants.js';
import { dnsperf } from './dnsperf.js';
import type { CaseOptions } from './figures.js';
import { cpuSeconds } from './process.js';
import { median } from './stats.js';
import type { VerdictData } from './verdict-data.js';

const PAIRS = 11;
/** s of one measurement, which is taken in slices: other work on the machine then meets all variants alike. */
const SECONDS = 2;
const SLICES = 5;
/** Of its processor that dnsdist has to take for its rate to be its own and not dnsperf's. */
const BUSY = 0.9;
const [SERVER_CPU, CLIENT_CPU] = [0, 1];

export const RATE_METHOD = `dnsperf from one processor, dnsdist's listening thread alone on another, ${PAIRS} rounds of ${SLICES} slices each in alternating order, answers from the packet cache`;

export interface Rates {
  /** Queries/s by variant, round by round. */
  rates: Record<string, number[]>;
  /** The same by s of processor time of dnsdist. */
  perCpu: Record<string, number[]>;
  /** Share of a processor that dnsdist used, the median of all rounds. */
  busy: number;
}

export function startPinned(knot: Knot, lua: string[]): Promise<Dnsdist> {
  if (cpus().length < 2) throw new Error('one processor, expected two: one for dnsdist, one for dnsperf');
  return Dnsdist.start({
    server: knot,
    lua: [CACHED, ...lua],
    wrap: ['taskset', '-c', String(SERVER_CPU)],
    timeout: 120_000,
  });
}

/** Every variant in every round, in turns from first to last and from last to first. */
export async function alternate(
  servers: Record<string, Dnsdist>,
  data: VerdictData,
  options: CaseOptions,
): Promise<Rates> {
  const busy: number[] = [];
  const names = Object.keys(servers);
  const none = () => Object.fromEntries(names.map((name): [string, number[]] => [name, []]));
  const [rates, perCpu] = [none(), none()];
  for (const name of names) await measure(servers[name] as Dnsdist, data, 0.5);
  for (let round = 0; round < (options.pairs ?? PAIRS); round++) {
    const sums = await measureRound(servers, data, (options.seconds ?? SECONDS) / SLICES);
    for (const name of names) {
      const { completed, used, elapsed } = sums[name] as Sum;
      rates[name]?.push(completed / elapsed);
      perCpu[name]?.push(completed / used);
      busy.push(used / elapsed);
    }
    options.say(
      `round ${round + 1}: ${names.map((each) => `${each} ${Math.round(rates[each]?.at(-1) ?? 0)}/s`).join(', ')}`,
    );
  }
  const median50 = median(busy);
  if (median50 < BUSY)
    options.say(`dnsdist took ${Math.round(100 * median50)} % of its processor only: dnsperf was the limit`);
  return { rates, perCpu, busy: median50 };
}

interface Sum {
  completed: number;
  /** s of processor time of dnsdist. */
  used: number;
  /** s */
  elapsed: number;
}

async function measureRound(
  servers: Record<string, Dnsdist>,
  data: VerdictData,
  seconds: number,
): Promise<Record<string, Sum>> {
  const names = Object.keys(servers);
  const sums = Object.fromEntries(names.map((name) => [name, { completed: 0, used: 0, elapsed: 0 }]));
  for (let slice = 0; slice < SLICES; slice++) {
    for (const name of slice % 2 === 0 ? names : [...names].reverse()) {
      const one = await measure(servers[name] as Dnsdist, data, seconds);
      const sum = sums[name] as Sum;
      for (const key of ['completed', 'used', 'elapsed'] as const) sum[key] += one[key];
    }
  }
  return sums;
}

async function measure(server: Dnsdist, data: VerdictData, seconds: number): Promise<Sum> {
  const before = cpuSeconds(server.proc.pid);
  const report = await dnsperf(server, { file: data.questionsFile, seconds, cpu: CLIENT_CPU });
  const used = cpuSeconds(server.proc.pid) - before;
  const { completed, lost, codes, rate } = report;
  if (codes.NOERROR !== completed || lost > completed * 0.001)
    throw new Error(`${completed} queries, ${lost} lost, answered ${JSON.stringify(codes)}`);
  return { completed, used, elapsed: completed / rate };
}

export const ratios = (over: readonly number[] = [], under: readonly number[] = []): number[] =>
  over.map((rate, i) => rate / (under[i] ?? Number.NaN));
