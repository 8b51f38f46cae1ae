// SPDX-License-Identifier: MPL-2.0
// How many lease events the host commits to one local etcd, beside simpler ways of writing the same.
import { Etcd3, type IOptions } from 'etcd3';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { LEASES } from '../lib/progress.js';
import { median, summary } from '../lib/stats.js';
import { type Pair, throughHost } from '../lib/through-host.js';

const EVENTS = 200_000;
/** One put at a time is slow and steady: this many suffice. */
const SINGLE = 3_000;
/** Events that go before, for the compilers. */
const WARM = 20_000;
const OPERATIONS = 128;

async function withClient<T>(work: (client: Etcd3, etcd: Etcd) => Promise<T>): Promise<T> {
  const etcd = await Etcd.start();
  const client = new Etcd3({ hosts: etcd.endpoints } as IOptions);
  try {
    return await work(client, etcd);
  } finally {
    client.close();
    await etcd.stop();
  }
}

async function oneAtATime(pairs: readonly Pair[]): Promise<number> {
  return withClient(async (client) => {
    const start = performance.now();
    for (const [key, value] of pairs.slice(0, SINGLE)) await client.put(key).value(value);
    return SINGLE / ((performance.now() - start) / 1000);
  });
}

/** Transactions of 128 puts without any logic, `flights` outstanding. */
async function bareLoop(pairs: readonly Pair[], flights: number): Promise<number> {
  return withClient(async (client, etcd) => {
    let at = 0;
    const fly = async (): Promise<void> => {
      while (at < pairs.length) {
        const part = pairs.slice(at, at + OPERATIONS);
        at += OPERATIONS;
        await client
          .if('/bench', 'Version', '==', 0)
          .then(...part.map(([key, value]) => client.put(key).value(value)))
          .commit();
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: flights }, fly));
    const rate = pairs.length / ((performance.now() - start) / 1000);
    const count = await etcd.count(LEASES);
    if (count !== pairs.length) throw new Error(`the bare loop wrote ${count} of ${pairs.length} keys`);
    return rate;
  });
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const host: number[] = [];
  const single: number[] = [];
  const bare: Record<1 | 2 | 4, number[]> = { 1: [], 2: [], 4: [] };
  for (let round = 0; round < (options.pairs ?? 3); round++) {
    const { rate, written } = await throughHost({ kind: 'etcd', events: EVENTS, warm: WARM });
    if (written.length < EVENTS) throw new Error(`the host wrote ${written.length} keys only`);
    host.push(rate);
    single.push(await oneAtATime(written));
    for (const flights of [1, 2, 4] as const) bare[flights].push(await bareLoop(written, flights));
    const loops = [bare[1], bare[2], bare[4]].map((rates) => Math.round(rates.at(-1) ?? 0)).join(', ');
    options.say(
      `etcd: host ${Math.round(rate)}/s, one put at a time ${Math.round(single.at(-1) ?? 0)}/s, bare loop with 1, 2, 4 in flight ${loops}/s`,
    );
  }
  const ratio = (others: readonly number[], name: string): Measured => ({
    ...summary(host.map((rate, i) => rate / (others[i] as number))),
    alternative: { name, value: median(others), as: { unit: 'events/s', ours: median(host) } },
  });
  return {
    'lease events': summary(host),
    'over one put at a time': ratio(single, 'one put at a time'),
    'over a bare loop': ratio(bare[1], 'bare loop'),
    'over a bare loop, 2 in flight': ratio(bare[2], 'bare loop, 2 in flight'),
    'over a bare loop, 4 in flight': ratio(bare[4], 'bare loop, 4 in flight'),
  };
}

const rounds = `${EVENTS} new leases from the journal through the host's process into a fresh etcd; the same keys and values by the npm client etcd3 into other fresh ones, in turn; median of rounds`;

const etcd: BenchCase = {
  summary: 'lease events committed to one local etcd',
  figures: [
    { name: 'lease events', unit: 'events/s', method: rounds },
    {
      name: 'over one put at a time',
      unit: 'times',
      alternative: true,
      bound: { relation: '>=', value: 50 },
      method: `${rounds}; ${SINGLE} puts, each awaited`,
    },
    {
      name: 'over a bare loop',
      unit: 'times',
      alternative: true,
      bound: { relation: '>=', value: 0.85 },
      method: `${rounds}; transactions of ${OPERATIONS} puts with one compare, each awaited`,
    },
    {
      name: 'over a bare loop, 2 in flight',
      unit: 'times',
      alternative: true,
      method: `${rounds}; two transactions outstanding`,
    },
    {
      name: 'over a bare loop, 4 in flight',
      unit: 'times',
      alternative: true,
      method: `${rounds}; four transactions outstanding`,
    },
  ],
  brief: { pairs: 2 },
  run: measure,
};

export default etcd;
