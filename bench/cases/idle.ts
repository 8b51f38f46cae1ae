// SPDX-License-Identifier: MPL-2.0
// What the host takes from the machine: with nothing to do, with many live leases, and over time.
import { join } from 'node:path';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { sleep } from '../../test/daemons/lib/process.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed } from '../lib/feed.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { cpuSeconds, memory } from '../lib/process.js';
import { arrived, complete } from '../lib/progress.js';
import { slope } from '../lib/stats.js';

const RATE = 2_000;
/** Clients that renew during the growth run. */
const POPULATION = 100_000;
/** s after the start that are not: compilers work, and V8 collects once what starting left. */
const SETTLE = 30;
/** s of idling that are measured. */
const IDLE = 60;
/** Memory is judged by the lowest value of each of these spans, s: between two collections it only rises. */
const SPAN = 15;
const GROWTH = 'growth over 10 minutes';
const DOUBT = 'doubt about growth';

interface Bench {
  etcd: Etcd;
  host: Host;
  feed: Feed;
  pid: number;
}

async function begin(): Promise<Bench> {
  const directory = join(temporary('journal'), 'dhcp4');
  const etcd = await Etcd.start({ args: ['--quota-backend-bytes', String(8 * 2 ** 30)] });
  const feed = await Feed.open(directory);
  const journals = { dhcp4: { directory, family: 4 as const } };
  const host = await Host.start({ journals, endpoints: etcd.endpoints, plugins: { leases: {} } });
  return { etcd, host, feed, pid: host.proc?.pid ?? 0 };
}

async function end({ host, feed, etcd }: Bench): Promise<void> {
  await host.stop();
  await feed.close();
  await etcd.stop();
}

/** Percent of one core. */
async function idleShare(pid: number): Promise<number> {
  await sleep(SETTLE * 1000);
  const before = cpuSeconds(pid);
  await sleep(IDLE * 1000);
  return ((cpuSeconds(pid) - before) / IDLE) * 100;
}

async function fill({ etcd, feed }: Bench, leases: number, options: CaseOptions): Promise<void> {
  const STEP = 50_000;
  for (let first = 0; first < leases; first += STEP) {
    const wanted = Math.min(leases, first + STEP);
    await feed.send(first, wanted - first, false);
    await arrived(etcd, wanted - 1, 120_000);
    if (wanted % 200_000 === 0) options.say(`idle: ${wanted} leases in etcd`);
  }
  await complete(etcd, leases);
}

/** MB over `seconds`: the line through the spans' lowest values, and two standard errors of it. */
function growth(samples: readonly number[], seconds: number): Record<string, Measured> {
  const floors: number[] = [];
  for (let at = 0; at + SPAN <= samples.length; at += SPAN) {
    floors.push(Math.min(...samples.slice(at, at + SPAN)));
  }
  const line = slope(
    floors.map((_, i) => i * SPAN),
    floors,
  );
  const [value, doubt] = [line.slope * seconds, 2 * line.error * seconds];
  return {
    [GROWTH]: { value: Math.max(0, value - doubt), spread: [value - doubt, value + doubt] },
    [DOUBT]: { value: doubt },
  };
}

async function overTime(options: CaseOptions): Promise<Record<string, Measured>> {
  const seconds = options.seconds ?? 600;
  const bench = await begin();
  await fill(bench, POPULATION, options);
  const warmUp = Math.min(120, Math.ceil(seconds / 3));
  options.say(`idle: ${RATE} renewals/s, ${warmUp} s to warm up, ${seconds} s measured`);
  await bench.feed.pace(RATE, warmUp, POPULATION, true);
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(memory(bench.pid).anonymous), 1000);
  await bench.feed.pace(RATE, seconds, POPULATION, true);
  clearInterval(timer);
  await end(bench);
  options.say(
    `idle: ${samples
      .filter((_, i) => i % 30 === 0)
      .map((mb) => mb.toFixed(1))
      .join(' ')} MB`,
  );
  return growth(samples, 600);
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const bench = await begin();
  const processor = await idleShare(bench.pid);
  options.say(`idle: ${processor.toFixed(3)} % of a core`);
  await fill(bench, options.leases, options);
  await sleep(5_000);
  const { resident, anonymous } = memory(bench.pid);
  options.say(`idle: ${resident.toFixed(1)} MB resident, ${anonymous.toFixed(1)} MB of it anonymous`);
  await end(bench);
  return {
    processor: { value: processor },
    memory: { value: resident },
    ...(await overTime(options)),
  };
}

const idle: BenchCase = {
  summary: 'what the host takes from the machine',
  figures: [
    {
      name: 'processor',
      unit: '% of a core',
      bound: { relation: '<', value: 0.5 },
      method: `all threads of the host over ${IDLE} s without an event (/proc schedstat), from ${SETTLE} s after its start, journal and etcd connected`,
    },
    {
      name: 'memory',
      unit: 'MB',
      bound: { relation: '<=', value: 250 },
      method: 'VmRSS of the host 5 s after the last of 1,000,000 new leases (LEASES) is in etcd',
    },
    {
      name: GROWTH,
      long: true,
      unit: 'MB',
      bound: { relation: '<=', value: 0 },
      method: `line through the lowest RssAnon of every ${SPAN} s at ${RATE} renewals/s of ${POPULATION} leases, after a warm-up, lower end of two standard errors, scaled to 600 s; spread is both ends`,
    },
    {
      // Growth that is lost in noise would pass: a run that cannot see 10 MB in 10 minutes says nothing.
      name: DOUBT,
      long: true,
      unit: 'MB',
      bound: { relation: '<=', value: 10 },
      method: 'two standard errors of that line, scaled to 600 s',
    },
  ],
  brief: { seconds: 45 },
  run: measure,
};

export default idle;
