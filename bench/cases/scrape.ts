// SPDX-License-Identifier: MPL-2.0
// What a scrape takes from the event loop of a host with many leases.
import { sleep } from '../../test/daemons/lib/process.js';
import { parseScrape, sample } from '../../test/daemons/lib/scrape.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { end, populate } from '../lib/populated.js';
import { quantile, summary } from '../lib/stats.js';

const SCRAPES = 300;
/** For the compilers. */
const WARM = 20;
/** ms between two scrapes. */
const PAUSE = 50;

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const say = (line: string) => options.say(`scrape: ${line}`);
  const populated = await populate({ store: 'etcd', leases: options.leases, keys: 0, say });
  const { host } = populated;
  const taken: number[] = [];
  const answered: number[] = [];
  let before = Number.NaN;
  let bytes = 0;
  for (let i = 0; i < WARM + SCRAPES; i++) {
    const began = performance.now();
    const text = await host.metrics();
    const families = parseScrape(text);
    bytes = text.length;
    if (sample(families, 'nnoe_leases_keys') !== options.leases)
      throw new Error('the host knows fewer leases');
    const active = sample(families, 'nnoe_event_loop_active_seconds_total') ?? Number.NaN;
    if (i >= WARM) {
      answered.push(performance.now() - began);
      taken.push((active - before) * 1000);
    }
    before = active;
    await sleep(PAUSE);
  }
  await end(populated);
  options.say(
    `scrape: ${bytes} bytes; event loop p50 ${quantile(taken, 0.5).toFixed(2)} ms, p99 ${quantile(taken, 0.99).toFixed(2)} ms`,
  );
  return {
    'event loop': { ...summary(taken), value: quantile(taken, 0.99) },
    'event loop, median': summary(taken),
    answered: summary(answered),
  };
}

const how = `${SCRAPES} scrapes over HTTP, one every ${PAUSE} ms, of a host that knows 1,000,000 leases (LEASES), in etcd`;
const loop = `${how}; time the event loop was at work from one scrape’s reading of it to the next’s (eventLoopUtilization, as nnoe_event_loop_active_seconds_total), so with all that the host does besides`;

const scrape: BenchCase = {
  summary: 'what a scrape of /metrics takes from the event loop',
  figures: [
    {
      name: 'event loop',
      unit: 'ms',
      bound: { relation: '<=', value: 20 },
      method: `${loop}; 99th percentile; spread is the lowest and the highest`,
    },
    { name: 'event loop, median', unit: 'ms', method: `${loop}; median` },
    { name: 'answered', unit: 'ms', method: `${how}; until the whole answer was read; median` },
  ],
  brief: { leases: 200_000 },
  run: measure,
};

export default scrape;
