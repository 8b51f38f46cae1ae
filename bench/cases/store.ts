// SPDX-License-Identifier: MPL-2.0
// What the embedded store does on this machine's disk: lease events per second, each durable when it is
// acknowledged, and how soon a follower hears of a change.
import { closeSync, constants, fdatasyncSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type EmbeddedStore, embeddedStore } from '../../src/host/store/embedded.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { LEASES } from '../lib/progress.js';
import { withDirectory } from '../lib/run.js';
import { median, quantile, summary } from '../lib/stats.js';
import { type Pair, throughHost } from '../lib/through-host.js';

const EVENTS = 200_000;
/** Held while changes are followed. */
const KEYS = 100_000;
/** Events that go before, for the compilers. */
const WARM = 20_000;
/** Transactions under way, as the plugin leases has them (`in-flight`). */
const FLIGHTS = 8;
/** One put for each commit is slow and steady: this many suffice. */
const SINGLE = 2_000;
/** Changes per second that are followed: as in the case `follow`, and as a busy Kea makes them. */
const RATE = 100;
const BUSY_RATE = 1_000;
/** How long each is followed, s. */
const SECONDS = 20;
const PAGE = 4096; // bytes
const PAGES = 16_384;

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

/** From the call of `commit` to the follower's handler, ms, for every change. @param rate changes per second. */
function followed(pairs: readonly Pair[], seconds: number, rate: number): Promise<number[]> {
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
    const count = seconds * rate;
    const commits: Promise<unknown>[] = [];
    while (commits.length < count) {
      const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * rate));
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

/** ms that the disk takes for what LMDB does at a commit, without LMDB: four pages, a sync, a head, a sync. */
function bareSyncs(seconds: number): Promise<number[]> {
  return withDirectory(async (directory) => {
    const file = join(directory, 'file');
    writeFileSync(file, Buffer.alloc(PAGES * PAGE, 1), { flush: true });
    const data = openSync(file, 'r+');
    const head = openSync(file, constants.O_RDWR | constants.O_DSYNC);
    const page = Buffer.alloc(PAGE, 2);
    const delays: number[] = [];
    const start = performance.now();
    for (let i = 0; i < seconds * RATE; i++) {
      await wait(Math.max(0, start + (i * 1000) / RATE - performance.now()));
      const began = performance.now();
      for (let each = 0; each < 4; each++)
        writeSync(data, page, 0, PAGE, PAGE * (1 + ((i * 7919 + each * 104_729) % (PAGES - 1))));
      fdatasyncSync(data);
      writeSync(head, page, 0, 128, 0);
      delays.push(performance.now() - began);
    }
    closeSync(data);
    closeSync(head);
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
  const seconds = options.seconds ?? SECONDS;
  const delays = await followed(pairs.slice(0, KEYS), seconds, RATE);
  const bare = await bareSyncs(seconds);
  const busy = await followed(pairs.slice(0, KEYS), seconds, BUSY_RATE);
  const one = { name: 'one put for each commit', value: median(single) };
  const follow = (q: number): Measured => ({
    value: quantile(delays, q),
    alternative: { name: 'the same writes and syncs without LMDB', value: quantile(bare, q) },
  });
  return {
    'lease events': { ...summary(direct), alternative: one },
    'lease events, through the host': summary(host),
    'follow p50': follow(0.5),
    'follow p99': follow(0.99),
    'follow p99, busy': { value: quantile(busy, 0.99) },
  };
}

const rounds = `${EVENTS} new leases, durable (fdatasync) when acknowledged; median of rounds`;
const followedHow = (rate: number) =>
  `from commit() to the follower's handler in one process, durable before it is told; ${rate} commits/s of one put over ${KEYS} keys`;

const store: BenchCase = {
  summary: 'lease events into the embedded store, and from a commit to a follower',
  figures: [
    {
      name: 'lease events',
      unit: 'events/s',
      alternative: true,
      bound: { relation: '>=', value: 50_000 },
      method: `${rounds}; keys and values of the plugin leases, committed as it does: transactions of 512 puts and a compare, ${FLIGHTS} under way; beside ${SINGLE} puts, each committed and awaited`,
    },
    {
      name: 'lease events, through the host',
      unit: 'events/s',
      method: `${rounds}; from the journal through the host's process, decoding and plugin included`,
    },
    { name: 'follow p50', unit: 'ms', alternative: true, method: followedHow(RATE) },
    {
      name: 'follow p99',
      unit: 'ms',
      alternative: true,
      bound: { relation: '<=', value: 5 },
      method: followedHow(RATE),
    },
    { name: 'follow p99, busy', unit: 'ms', method: followedHow(BUSY_RATE) },
  ],
  brief: { pairs: 1, seconds: 12 },
  run: measure,
};

export default store;
