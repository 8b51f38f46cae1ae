// SPDX-License-Identifier: MPL-2.0
// What the embedded store does on this machine's disk: lease events per second, each durable when it is
// acknowledged, and how soon a follower hears of a change.
import { setTimeout as wait } from 'node:timers/promises';
import { type EmbeddedStore, embeddedStore } from '../../src/host/store/embedded.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { LEASES } from '../lib/progress.js';
import { withDirectory } from '../lib/run.js';
import { median, quantile, summary } from '../lib/stats.js';
import { type Pair, throughHost } from '../lib/through-host.js';

const EVENTS = 200_000;
/** Events that go before, for the compilers. */
const WARM = 20_000;
/** Transactions under way, as the plugin leases has them (`in-flight`). */
const FLIGHTS = 8;
/** One put for each commit is slow and steady: this many suffice. */
const SINGLE = 2_000;
/** Changes per second that are followed, and how long, s. */
const RATE = 1_000;
const SECONDS = 20;

/** Calls `work` with a store of its own, and checks that what it wrote is still there when it is opened again. */
async function withStore<T>(count: number, work: (store: EmbeddedStore) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const store = embeddedStore({ directory });
    const result = await work(store);
    await store.close();
    const again = embeddedStore({ directory });
    const { entries } = again.size;
    await again.close();
    if (entries !== count) throw new Error(`${entries} keys are there of ${count} that were acknowledged`);
    return result;
  });
}

/** Transactions as large as the store takes them, `FLIGHTS` under way: keys per second. */
function batches(pairs: readonly Pair[]): Promise<number> {
  return withStore(pairs.length, async (store) => {
    const most = store.limits.operations;
    let at = 0;
    const fly = async (end: number): Promise<void> => {
      while (at < end) {
        const part = pairs.slice(at, Math.min(at + most, end));
        at += part.length;
        const operations = part.map(([put, value]) => ({ put, value }));
        const { committed } = await store.commit({
          compare: [{ key: '/alone', modRevision: 0 }],
          operations,
        });
        if (!committed) throw new Error('a commit was refused');
      }
    };
    const run = (end: number) => Promise.all(Array.from({ length: FLIGHTS }, () => fly(end)));
    await run(WARM);
    const start = performance.now();
    await run(pairs.length);
    return (pairs.length - WARM) / ((performance.now() - start) / 1000);
  });
}

/** One put for each commit, the next when it is durable. */
function oneAtATime(pairs: readonly Pair[]): Promise<number> {
  return withStore(2 * SINGLE, async (store) => {
    const put = ([key, value]: Pair) => store.commit({ operations: [{ put: key, value }] });
    for (const pair of pairs.slice(0, SINGLE)) await put(pair);
    const start = performance.now();
    for (const pair of pairs.slice(SINGLE, 2 * SINGLE)) await put(pair);
    return SINGLE / ((performance.now() - start) / 1000);
  });
}

/** From the call of `commit` to the follower's handler, ms, for every change at `RATE`. */
function followed(pairs: readonly Pair[], seconds: number): Promise<number[]> {
  return withStore(pairs.length, async (store) => {
    for (let at = 0; at < pairs.length; at += store.limits.operations)
      await store.commit({
        operations: pairs.slice(at, at + store.limits.operations).map(([put, value]) => ({ put, value })),
      });
    const called = new Map<string, number>();
    const delays: number[] = [];
    let begun: () => void = () => undefined;
    const snapshot = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let failure: Error | undefined;
    const follow = store.follow(LEASES, {
      snapshot: begun,
      change: (changes) => {
        const now = performance.now();
        for (const change of changes) {
          const value = change.type === 'put' ? change.entry.value.toString() : '';
          delays.push(now - (called.get(value) ?? Number.NaN));
        }
      },
      error: (error) => {
        failure = error;
      },
    });
    await snapshot;
    const start = performance.now();
    const count = seconds * RATE;
    const commits: Promise<unknown>[] = [];
    while (commits.length < count) {
      const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * RATE));
      for (let i = commits.length; i < due; i++) {
        const [put] = pairs[(i * 7919) % pairs.length] as Pair;
        called.set(`${i}`, performance.now());
        commits.push(store.commit({ operations: [{ put, value: `${i}` }] }));
      }
      await wait(1);
    }
    await Promise.all(commits);
    await wait(100);
    await follow.close();
    if (failure !== undefined) throw failure;
    if (delays.length !== count || delays.some(Number.isNaN))
      throw new Error(`the follower was told ${delays.length} of ${count} changes`);
    return delays;
  });
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const host: number[] = [];
  const direct: number[] = [];
  const single: number[] = [];
  let pairs: Pair[] = [];
  for (let round = 0; round < (options.pairs ?? 3); round++) {
    const { rate, written } = await throughHost({ kind: 'embedded', events: EVENTS, warm: WARM });
    if (written.length !== EVENTS + WARM) throw new Error(`the host wrote ${written.length} keys`);
    pairs = written;
    host.push(rate);
    direct.push(await batches(pairs));
    single.push(await oneAtATime(pairs));
    const rates = [host, direct, single].map((each) => Math.round(each.at(-1) ?? 0));
    options.say(`store: host ${rates[0]}/s, batches ${rates[1]}/s, one put at a time ${rates[2]}/s`);
  }
  const delays = await followed(pairs, options.seconds ?? SECONDS);
  options.say(`store: follow p50 ${quantile(delays, 0.5).toFixed(2)} ms`);
  const one = { name: 'one put for each commit, events/s', value: median(single) };
  return {
    'lease events': { ...summary(host), alternative: one },
    'lease events, store alone': { ...summary(direct), alternative: one },
    'follow p50': { value: quantile(delays, 0.5) },
    'follow p99': { value: quantile(delays, 0.99) },
  };
}

const rounds = `${EVENTS} new leases; durable (fdatasync) when acknowledged; median of rounds in turn, beside ${SINGLE} puts, each committed and awaited`;
const followedHow = `from commit() to the follower's handler in one process, durable before it is told; ${RATE} commits/s of one put over ${EVENTS + WARM} keys`;

const store: BenchCase = {
  summary: 'lease events into the embedded store, and from a commit to a follower',
  figures: [
    {
      name: 'lease events',
      unit: 'events/s',
      bound: { relation: '>=', value: 50_000 },
      method: `from the journal through the host's process, plugin leases included: ${rounds}`,
    },
    {
      name: 'lease events, store alone',
      unit: 'events/s',
      method: `the same keys and values by its interface, transactions of 512, ${FLIGHTS} under way: ${rounds}`,
    },
    { name: 'follow p50', unit: 'ms', method: followedHow },
    { name: 'follow p99', unit: 'ms', bound: { relation: '<=', value: 5 }, method: followedHow },
  ],
  run: measure,
};

export default store;
