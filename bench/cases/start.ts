// SPDX-License-Identifier: MPL-2.0
// How long a host takes to be ready again on a node with many leases, and what it then needs.
import { until } from '../../test/daemons/lib/process.js';
import type { BenchCase, CaseOptions, FigureSpec, Measured } from '../lib/figures.js';
import { counted, end, type Populated, type Population, populate } from '../lib/populated.js';
import { type Memory, memory } from '../lib/process.js';
import { summary } from '../lib/stats.js';

const KEYS = 100_000;
/** s after everything is known in which memory may still rise. */
const LINGER = 5;

interface Start {
  /** s from the start of the process. */
  ready: number;
  counted: number;
  /** When ready, and the highest until some time after everything was counted. */
  atReady: Memory;
  highest: Memory;
}

async function measureOne({ host }: Populated, leases: number): Promise<Start> {
  const began = performance.now();
  const { pid } = host.spawn();
  const seconds = () => (performance.now() - began) / 1000;
  await until('readiness', async () => (await host.ready())?.status === 200, 60_000, 10);
  const ready = seconds();
  const atReady = memory(pid);
  let highest = atReady;
  const look = setInterval(() => {
    const now = memory(pid);
    highest = {
      resident: Math.max(highest.resident, now.resident),
      anonymous: Math.max(highest.anonymous, now.anonymous),
    };
  }, 50);
  await counted(host, leases);
  const known = seconds();
  await new Promise((resolve) => setTimeout(resolve, LINGER * 1000));
  clearInterval(look);
  return { ready, counted: known, atReady, highest };
}

async function starts(store: Population['store'], options: CaseOptions): Promise<Record<string, Measured>> {
  const { leases } = options;
  const say = (line: string) => options.say(`start: ${store}: ${line}`);
  const populated = await populate({ store, leases, keys: KEYS, say });
  const found: Start[] = [];
  for (let round = 0; round < (options.pairs ?? 3); round++) {
    await populated.host.stop();
    const start = await measureOne(populated, leases);
    found.push(start);
    const { ready, atReady, highest, counted } = start;
    say(
      `ready after ${ready.toFixed(2)} s with ${megabytes(atReady)}, leases counted after ${counted.toFixed(1)} s, at most ${megabytes(highest)}`,
    );
  }
  await end(populated);
  return {
    [`ready, ${store}`]: summary(found.map((each) => each.ready)),
    [`memory, ${store}`]: summary(found.map(({ atReady }) => atReady.resident)),
    [`highest memory, ${store}`]: summary(found.map(({ highest }) => highest.anonymous)),
    [`highest memory with files, ${store}`]: summary(found.map(({ highest }) => highest.resident)),
    [`leases counted, ${store}`]: summary(found.map((each) => each.counted)),
  };
}

const megabytes = ({ resident, anonymous }: Memory): string =>
  `${resident.toFixed(0)} MB (${anonymous.toFixed(0)} anonymous)`;

const how = (store: Population['store']) =>
  `the host’s process on the store ${store} with 1,000,000 leases of its own (LEASES) and ${KEYS} keys that a plugin follows and keeps; its journal attached and read to the end; median of starts`;

const figures = (store: Population['store']): FigureSpec[] => [
  {
    name: `ready, ${store}`,
    unit: 's',
    bound: { relation: '<=', value: 5 },
    method: `${how(store)}; from spawning it to the first 200 of /ready, asked every 10 ms`,
  },
  {
    name: `memory, ${store}`,
    unit: 'MB',
    bound: { relation: '<=', value: 300 },
    method: `${how(store)}; VmRSS, so with the pages of files, when /ready says so: the promised figure`,
  },
  {
    name: `highest memory, ${store}`,
    unit: 'MB',
    bound: { relation: '<=', value: 300 },
    method: `${how(store)}; highest RssAnon, so without the pages of files, from readiness until ${LINGER} s after every lease is counted again`,
  },
  {
    name: `highest memory with files, ${store}`,
    unit: 'MB',
    method: `${how(store)}; highest VmRSS meanwhile: also the program’s files and what is mapped of the journal and of the database (the store’s, or the local cache’s), which the kernel takes back when it needs the memory; no bound`,
  },
  {
    name: `leases counted, ${store}`,
    unit: 's',
    method: `${how(store)}; until nnoe_dhcp_leases_active is served, a quarter of a core at most`,
  },
];

const start: BenchCase = {
  summary: 'from the start of the host to its readiness, with a million leases',
  figures: [...figures('etcd'), ...figures('embedded')],
  brief: { leases: 200_000, pairs: 1 },
  run: async (options) => ({
    ...(await starts('etcd', options)),
    ...(await starts('embedded', options)),
  }),
};

export default start;
