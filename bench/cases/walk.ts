// SPDX-License-Identifier: MPL-2.0
// What DHCP clients feel while the hook reads a large lease database again.

import { RecordKind } from '../../src/host/native.js';
import { Kea } from '../../test/daemons/lib/kea.js';
import type { Json } from '../../test/daemons/lib/kea-config.js';
import { load } from '../../test/daemons/lib/perfdhcp.js';
import { sleep, until } from '../../test/daemons/lib/process.js';
import { Consumer } from '../lib/consumer.js';
import { answers, within } from '../lib/delays.js';
import type { BenchCase, CaseOptions, FigureSpec, Measured } from '../lib/figures.js';
import { preloadedSubnet, writeLeases } from '../lib/preload.js';
import { median, quantile, spread } from '../lib/stats.js';

const RATE = 2_000;
/** Clients that come again and again: every run does the same work in Kea. */
const CLIENTS = 20_000;
/** s of load before the walk is asked for. */
const LEAD = 2;

interface Run {
  drops: number;
  /** ms; 99th percentile of each second that the walk took (or of the same span of a run without one). */
  seconds: number[];
  /** ms; of that whole span. */
  p99: number;
  /** s. */
  walk: number;
  leases: number;
}

async function underLoad(kea: Kea, consumer: Consumer, seconds: number, walk: boolean): Promise<Run> {
  const perf = load(kea, {
    ...{ rate: RATE, clients: CLIENTS, seconds, wait: 1_000, args: ['-x', 't'] },
  });
  await sleep(LEAD * 1000);
  const shown = consumer.count(RecordKind.Snapshot);
  const begin = performance.now();
  consumer.walkEnded = undefined;
  let took = seconds - LEAD;
  if (walk) {
    await kea.command('nnoe-resync');
    const ended = await until('the end of the walk', () => consumer.walkEnded, (seconds - LEAD) * 1000, 20);
    took = (ended - begin) / 1000;
  }
  const report = await perf.finished();
  const all = answers(perf.proc.output());
  const p99 = (from: number, to: number) => quantile(within(all, from, to), 0.99);
  const spans = Array.from({ length: Math.floor(took) }, (_, i) => p99(LEAD + i, LEAD + i + 1));
  const leases = consumer.count(RecordKind.Snapshot) - shown;
  return { drops: report.drops, seconds: spans, p99: p99(LEAD, LEAD + took), walk: took, leases };
}

async function mode(threads: number, options: CaseOptions): Promise<Record<string, Measured>> {
  const name = threads > 0 ? 'threading on' : 'threading off';
  const seconds = options.seconds ?? 45;
  const extra = { subnet4: [preloadedSubnet] as Json };
  const kea = await Kea.create({ family: 4, threads, extra, severity: 'INFO' });
  writeLeases(kea.at.csv, options.leases);
  options.say(`walk: ${name}, Kea loads ${options.leases} leases`);
  await kea.start(120_000);
  await kea.commandable(60_000);
  const consumer = new Consumer(kea.at.journal);
  // The walk that belongs to Kea's start has to be over before anything is compared.
  await until('the walk at the start', () => consumer.walkEnded, 180_000, 50);
  await underLoad(kea, consumer, CLIENTS / RATE + LEAD + 1, false);

  const dropped: number[] = [];
  const rates: number[] = [];
  const usual: number[] = [];
  const whole: number[] = [];
  const seconds99 = { without: [] as number[], during: [] as number[] };
  for (let pair = 0; pair < (options.pairs ?? 3); pair++) {
    const first = pair % 2 === 0;
    const one = await underLoad(kea, consumer, seconds, !first);
    const two = await underLoad(kea, consumer, seconds, first);
    const [without, during] = first ? [one, two] : [two, one];
    if (during.leases < options.leases) throw new Error(`the walk showed ${during.leases} leases only`);
    dropped.push(Math.max(0, during.drops - without.drops));
    usual.push(median(during.seconds) - median(without.seconds));
    whole.push(during.p99 - without.p99);
    seconds99.without.push(...without.seconds);
    seconds99.during.push(...during.seconds);
    rates.push(during.leases / during.walk);
    const each = ({ p99, seconds }: Run) => `${p99.toFixed(2)} (usual second ${median(seconds).toFixed(2)})`;
    const p99 = `p99 ${each(without)} ms without, ${each(during)} ms during`;
    options.say(`walk: ${name}, ${during.walk.toFixed(1)} s, drops ${without.drops}/${during.drops}, ${p99}`);
  }
  consumer.close();
  await kea.stop();
  return {
    [`dropped, ${name}`]: { value: dropped.reduce((sum, n) => sum + n, 0), spread: spread(dropped) },
    [`added p99, ${name}`]: {
      value: median(seconds99.during) - median(seconds99.without),
      spread: spread(usual),
    },
    [`added p99 of whole runs, ${name}`]: { value: median(whole), spread: spread(whole) },
    [`walk rate, ${name}`]: { value: median(rates), spread: spread(rates) },
  };
}

const load2000 = `real Kea with the preloaded leases, ${RATE} exchanges/s by perfdhcp, nnoe-resync in the middle, a reader that only moves its cursor; runs with and without in alternating pairs`;

const figuresOf = (name: string): FigureSpec[] => [
  {
    name: `dropped, ${name}`,
    unit: 'exchanges',
    bound: { relation: '<=', value: 0 },
    method: `${load2000}; packets without an answer within 1 s, beyond the run without the walk, sum of pairs`,
  },
  {
    name: `added p99, ${name}`,
    unit: 'ms',
    bound: { relation: '<=', value: 2 },
    // Over whole runs one second in which the disk or a neighbour stalls everything decides the figure, with and without.
    method: `${load2000}; 99th percentile of answer times in each second while the walk went on, median of all seconds, less the same without`,
  },
  {
    name: `added p99 of whole runs, ${name}`,
    unit: 'ms',
    method: `${load2000}; 99th percentile of all answer times while the walk went on, less the same span without; median of pairs`,
  },
  { name: `walk rate, ${name}`, unit: 'leases/s', method: `${load2000}; median of pairs` },
];

const walk: BenchCase = {
  summary: 'a walk over a large lease database while clients are served',
  figures: [...figuresOf('threading off'), ...figuresOf('threading on')],
  brief: { leases: 200_000, seconds: 14, pairs: 1 },
  run: async (options) => ({ ...(await mode(0, options)), ...(await mode(2, options)) }),
};

export default walk;
