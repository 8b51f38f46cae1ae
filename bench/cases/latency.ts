// SPDX-License-Identifier: MPL-2.0
// How long a lease takes from Kea's callout to the store, with everything real and on one machine.
import { Etcd3 } from 'etcd3';
import { decodeLeaseEvent } from '../../src/host/gen/events.js';
import { native, RecordKind } from '../../src/host/native.js';
import type { Json } from '../../test/daemons/lib/kea-config.js';
import { load } from '../../test/daemons/lib/perfdhcp.js';
import { Plane } from '../../test/daemons/lib/plane.js';
import { sleep } from '../../test/daemons/lib/process.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { preloadedSubnet } from '../lib/preload.js';
import { quantile } from '../lib/stats.js';

const RATE = 2_000;
const PREFIX = '/nnoe/dhcp/leases/';
/** s at the start that are not counted: connections, compilers, first segments. */
const WARM_UP = 5;

/** Journal sequence to when this process was told of the value that carries it, us since 1970. */
async function watchSequences(endpoint: string) {
  const client = new Etcd3({ hosts: endpoint });
  const seen = new Map<number, number>();
  const watcher = await client.watch().prefix(PREFIX).create();
  watcher.on('data', (response) => {
    const now = (performance.timeOrigin + performance.now()) * 1000;
    for (const { type, kv } of response.events) {
      if (type !== 'Put') continue;
      const { seq } = JSON.parse(kv.value.toString()) as { seq: number };
      if (!seen.has(seq)) seen.set(seq, now);
    }
  });
  const close = async () => {
    await watcher.cancel();
    client.close();
  };
  return { seen, close };
}

/** When the hook saw each lease, us since 1970, by sequence; once no host holds the journal. */
function observed(directory: string): Map<number, number> {
  const journal = native().openJournal(directory);
  const reader = journal.reader(0);
  const times = new Map<number, number>();
  for (let got = reader.next(1024); got > 0; got = reader.next(1024)) {
    for (let i = 0; i < got; i++) {
      if (reader.kinds[i] !== RecordKind.Lease) continue;
      const start = reader.offsets[i] as number;
      const event = decodeLeaseEvent(reader.payload, start, start + (reader.lengths[i] as number));
      times.set(reader.seqs[i] as number, event.observedUs);
    }
  }
  reader.close();
  journal.close();
  return times;
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const seconds = (options.seconds ?? 30) + WARM_UP;
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 0, extra: { subnet4: [preloadedSubnet] as Json } }],
    host: { plugins: { leases: {} } },
  });
  const kea = plane.kea(4);
  const { seen, close } = await watchSequences(plane.etcd.endpoints[0] as string);
  options.say(`latency: ${seconds} s of ${RATE} exchanges/s`);
  const perf = load(kea, { rate: RATE, clients: RATE * seconds, seconds, wait: 1_000 });
  const report = await perf.finished();
  await plane.drained();
  await sleep(1_000);
  await close();
  await plane.host.stop();
  const times = observed(kea.at.journal);
  await plane.stop();

  const begin = Math.min(...[...times.values()].slice(0, 100)) + WARM_UP * 1e6;
  const delays: number[] = [];
  let missing = 0;
  for (const [seq, at] of times) {
    const told = seen.get(seq);
    if (told === undefined) missing++;
    else if (at >= begin) delays.push((told - at) / 1000);
  }
  const rate = delays.length / (seconds - WARM_UP);
  const shown = [0.5, 0.9, 0.99, 1].map((q) => quantile(delays, q).toFixed(2)).join(', ');
  options.say(`latency: ${rate.toFixed(0)} leases/s, ${report.drops} packets unanswered`);
  options.say(`latency: p50, p90, p99, longest ${shown} ms; ${missing} events superseded`);
  if (missing > times.size / 100)
    throw new Error(`${missing} of ${times.size} events never came to the store`);
  if (rate < RATE * 0.95)
    throw new Error(`Kea assigned ${rate.toFixed(0)} leases/s only: is the machine busy?`);
  return {
    p50: { value: quantile(delays, 0.5) },
    p99: { value: quantile(delays, 0.99) },
    longest: { value: quantile(delays, 1) },
  };
}

const method = `real Kea, hook, host and etcd, ${RATE} new leases/s by perfdhcp on the same machine; from observed_us in the journal to this process's etcd watch telling of it (so the watch is included)`;

const latency: BenchCase = {
  summary: 'from the callout in Kea to the lease in etcd',
  figures: [
    { name: 'p50', unit: 'ms', bound: { relation: '<=', value: 10 }, method },
    { name: 'p99', unit: 'ms', bound: { relation: '<=', value: 25 }, method },
    { name: 'longest', unit: 'ms', method },
  ],
  brief: { seconds: 20 },
  run: measure,
};

export default latency;
