// SPDX-License-Identifier: MPL-2.0
// How long a host takes to be ready again on a node with many leases, and what it then needs.
import { until } from '../../test/daemons/lib/process.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { counted, end, type Populated, populate } from '../lib/populated.js';
import { memory } from '../lib/process.js';
import { summary } from '../lib/stats.js';

const KEYS = 100_000;
/** s after everything is known in which memory may still rise. */
const LINGER = 5;

interface Start {
  /** s from the start of the process. */
  ready: number;
  counted: number;
  /** MB; when ready, and the highest until some time after everything was counted. */
  atReady: number;
  highest: number;
}

async function measureOne({ host }: Populated, leases: number): Promise<Start> {
  const began = performance.now();
  const { pid } = host.spawn();
  const seconds = () => (performance.now() - began) / 1000;
  await until('readiness', async () => (await host.ready())?.status === 200, 60_000, 10);
  const ready = seconds();
  const { resident: atReady } = memory(pid);
  let highest = atReady;
  const look = setInterval(() => {
    highest = Math.max(highest, memory(pid).resident);
  }, 50);
  await counted(host, leases);
  const known = seconds();
  await new Promise((resolve) => setTimeout(resolve, LINGER * 1000));
  clearInterval(look);
  return { ready, counted: known, atReady, highest };
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const populated = await populate(options.leases, KEYS, (line) => options.say(`start: ${line}`));
  const starts: Start[] = [];
  for (let round = 0; round < (options.pairs ?? 3); round++) {
    await populated.host.stop();
    const start = await measureOne(populated, options.leases);
    starts.push(start);
    const { ready, atReady, highest } = start;
    options.say(
      `start: ready after ${ready.toFixed(2)} s with ${atReady.toFixed(0)} MB, leases counted after ${start.counted.toFixed(1)} s, at most ${highest.toFixed(0)} MB`,
    );
  }
  await end(populated);
  return {
    ready: summary(starts.map((each) => each.ready)),
    memory: summary(starts.map((each) => each.atReady)),
    'highest memory': summary(starts.map((each) => each.highest)),
    'leases counted': summary(starts.map((each) => each.counted)),
  };
}

const how = `the host’s process on etcd with 1,000,000 leases of its own and ${KEYS} keys that a plugin follows and keeps; its journal attached and read to the end; median of starts`;

const start: BenchCase = {
  summary: 'from the start of the host to its readiness, with a million leases',
  figures: [
    {
      name: 'ready',
      unit: 's',
      bound: { relation: '<=', value: 5 },
      method: `${how}; from spawning it to the first 200 of /ready, asked every 10 ms`,
    },
    {
      name: 'memory',
      unit: 'MB',
      bound: { relation: '<=', value: 300 },
      method: `${how}; VmRSS when /ready says so`,
    },
    {
      name: 'highest memory',
      unit: 'MB',
      bound: { relation: '<=', value: 300 },
      method: `${how}; highest VmRSS from readiness until ${LINGER} s after every lease is known again`,
    },
    {
      name: 'leases counted',
      unit: 's',
      method: `${how}; until nnoe_dhcp_leases_active is served, a quarter of a core at most`,
    },
  ],
  run: measure,
};

export default start;
