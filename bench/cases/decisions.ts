// SPDX-License-Identifier: MPL-2.0
// What comes into a host when every decision is recorded, and what it costs dnsdist: queries per second with and without
// records of all of them. Its threads write the same whether somebody reads or not, and never wait for who does.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { Knot } from '../../test/daemons/lib/knot.js';
import { type DecisionRate, decisionRate } from '../lib/decision-rate.js';
import { alternate, RATE_METHOD, ratios, startPinned } from '../lib/dnsdist-rate.js';
import { bridge, prepare } from '../lib/dnsdist-variants.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { interval } from '../lib/paired.js';
import { withDirectory } from '../lib/run.js';
import { summary } from '../lib/stats.js';
import { ZONE } from '../lib/verdict-data.js';

/** More than the bound asks for, so that what is left out is the host's doing. */
const FEED = { rate: 300_000, seconds: 5, names: 100_000, threads: 2 };

async function recordRates(options: CaseOptions): Promise<Record<string, Measured>> {
  const runs: DecisionRate[] = [];
  for (let i = 0; i < (options.pairs ?? 5); i++) {
    const run = await decisionRate(FEED);
    runs.push(run);
    options.say(`decisions: ${Math.round(run.rate)} records/s, ${run.lost} of ${run.written} lost`);
  }
  const lost = runs.map((run) => (run.lost / run.written) * 100);
  return { 'into the host': summary(runs.map(({ rate }) => rate)), 'lost of them': summary(lost) };
}

async function dnsdistRates(options: CaseOptions): Promise<Record<string, Measured>> {
  return withDirectory(async (directory) => {
    options.say('decisions: making tables');
    const { data, full } = await prepare(directory, options.seed);
    const knot = await Knot.start({ zone: ZONE });
    const started: Dnsdist[] = [];
    const start = async (name: string, sampling: number) => {
      const decisions = join(directory, name);
      mkdirSync(decisions);
      const server = await startPinned(knot, bridge(full, { decisions, sampling }));
      started.push(server);
      return server;
    };
    try {
      const servers = { without: await start('without', 0), with: await start('with', 1) };
      const { rates, perCpu, busy } = await alternate(servers, data, options);
      const { mean, low, high } = interval(ratios(rates.with, rates.without));
      return {
        'with full sampling / without': { value: mean, spread: [low, high] },
        'by processor time': { value: interval(ratios(perCpu.with, perCpu.without)).mean },
        'with full sampling': summary(rates.with ?? []),
        'without sampling': summary(rates.without ?? []),
        'processor of dnsdist': { value: busy * 100 },
      };
    } finally {
      for (const server of started) await server.kill();
      await knot.stop();
    }
  });
}

const decisions: BenchCase = {
  summary: 'records of every decision: into the host, and what they cost dnsdist',
  figures: [
    {
      name: 'into the host',
      unit: 'records/s',
      bound: { relation: '>=', value: 500_000 },
      method: `a feeder with ${FEED.threads} threads of ${FEED.rate} decisions/s about ${FEED.names} names; read + lost = written is checked, and that the counters are exact; median of runs`,
    },
    { name: 'lost of them', unit: '%', method: 'overwritten before the host had read them, and counted' },
    {
      name: 'with full sampling / without',
      unit: 'ratio',
      bound: { relation: '>=', value: 0.97 },
      method: `mean of the ratio of queries/s (spread: its 95 % interval), counters in both; ${RATE_METHOD}`,
    },
    {
      name: 'by processor time',
      unit: 'ratio',
      method: 'the same of queries per second of dnsdist on a processor: hardly moved by other work',
    },
    { name: 'with full sampling', unit: 'queries/s', method: 'sampling = 1' },
    { name: 'without sampling', unit: 'queries/s', method: 'sampling = 0' },
    {
      name: 'processor of dnsdist',
      unit: '%',
      method: 'that dnsdist took of its processor, median of all rounds: near 100, or dnsperf was measured',
    },
  ],
  brief: { pairs: 7 },
  run: async (options) => ({ ...(await recordRates(options)), ...(await dnsdistRates(options)) }),
};

export default decisions;
