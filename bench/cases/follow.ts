// SPDX-License-Identifier: MPL-2.0
// From a put in etcd to the callback of a plugin in a real host: how long it takes, and whether any is missed when
// connections are cut again and again and history is compacted.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '../../src/host/store/etcd.js';
import type { Operation, Store } from '../../src/host/store/store.js';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { until } from '../../test/daemons/lib/process.js';
import { TcpProxy } from '../../test/daemons/lib/proxy.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { judge } from '../../test/lib/told.js';
import { type History, recordHistory } from '../../test/lib/witness-watch.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { quantile, random } from '../lib/stats.js';
import { asCall, readTold } from '../lib/told-file.js';

const KEYS = 100_000;
const RATE = 100;
const PREFIX = '/nnoe/bench/follow/';
const CUTS = 1_000;
const COMPACTIONS = 20;
/** s after the snapshot that are shown by themselves: it is written down and copied to the host's disk then. */
const SETTLING = 3;
const kinds = ['etcd', 'etcd-gateway'] as const;
type Kind = (typeof kinds)[number];

const key = (i: number): string => `${PREFIX}${String(i).padStart(6, '0')}`;

interface Followed {
  kind: Kind;
  host: Host;
  /** What the plugin writes down. */
  file: string;
}

async function startHost(kind: Kind, endpoint: string): Promise<Followed> {
  const file = join(temporary('told'), 'told');
  const host = await Host.start({
    journals: {},
    endpoints: [endpoint],
    protocol: kind,
    // Its only plugin, without the `leases` of other hosts.
    extra: { plugins: { follower: { file } } },
    script: join(import.meta.dirname, '..', 'lib', 'follow-host.js'),
  });
  return { kind, host, file };
}

/** Resolves when the plugin was told of `revision`. */
async function told({ kind, host }: Followed, revision: number): Promise<void> {
  const there = async () => {
    const text = await host.metrics().catch(() => '');
    return Number(/^\S*revision (\d+)$/m.exec(text)?.[1] ?? 0) >= revision;
  };
  await until(`${kind}: the plugin at revision ${revision}`, there, 60_000, 50);
}

async function preload(store: Store): Promise<number> {
  let last = 0;
  for (let i = 0; i < KEYS; i += 128) {
    const count = Math.min(128, KEYS - i);
    const operations = Array.from({ length: count }, (_, k) => ({
      put: key(i + k),
      value: `value ${i + k}`,
    }));
    last = (await store.commit({ operations })).revision;
  }
  return last;
}

/** Calls `change` at a steady rate until `over`; resolves with the last revision. */
async function pace(change: () => Promise<number>, over: () => boolean): Promise<number> {
  const begin = performance.now();
  let last = 0;
  for (let i = 0; !over(); i++) {
    const due = begin + (i * 1000) / RATE;
    if (due > performance.now()) await wait(due - performance.now());
    last = await change();
  }
  return last;
}

/** Delays from the put's sending to the plugin's handler, ms, at first and later, and those of the witness. */
async function latency(kind: Kind, etcd: Etcd, writer: Store, history: History, seconds: number) {
  const followed = await startHost(kind, etcd.endpoints[0] as string);
  // A put during the first listing waits for its end.
  await told(followed, await etcd.revision());
  const draw = random(11);
  const early = new Map<number, number>();
  const sent = new Map<number, number>();
  const end = performance.now() + (seconds + SETTLING) * 1000;
  const begin = (performance.timeOrigin + performance.now() + SETTLING * 1000) * 1000;
  const last = await pace(
    async () => {
      const at = (performance.timeOrigin + performance.now()) * 1000;
      const operations = [{ put: key(Math.floor(draw() * KEYS)), value: `at ${at}` }];
      const { revision } = await writer.commit({ operations });
      (at < begin ? early : sent).set(revision, at);
      return revision;
    },
    () => performance.now() > end,
  );
  await told(followed, last);
  await until('the witness to have seen it', () => history.times.has(last));
  await followed.host.stop();
  const toldAt = new Map<number, number>();
  for (const { at, changes = [] } of await readTold(followed.file))
    for (const [, revision] of changes) toldAt.set(revision, at);
  const delays = (puts: Map<number, number>, arrived: Map<number, number>) =>
    [...puts].map(([revision, at]) => {
      const there = arrived.get(revision);
      if (there === undefined) throw new Error(`${kind}: the put of revision ${revision} was not told`);
      return (there - at) / 1000;
    });
  return {
    settling: delays(early, toldAt),
    delays: delays(sent, toldAt),
    bare: delays(sent, history.times),
  };
}

/** Cuts connections of `proxy` that have stood for a moment, until there were `cuts`. */
async function cut(proxy: TcpProxy, cuts: number, seed: number): Promise<void> {
  const draw = random(seed);
  while (proxy.broken < cuts) {
    await until('a connection', () => proxy.standing > 0, 30_000, 2);
    await wait(50 + draw() * 400);
    proxy.breakAll(draw() < 0.5 ? 'rst' : 'fin');
  }
}

/** @returns changes missed, by all, and what was not so; both kinds at the same time, each with its own cuts. */
async function missed(etcd: Etcd, writer: Store, history: History, options: CaseOptions) {
  const port = etcd.member(0).clientPort;
  const proxies = await Promise.all(kinds.map(() => TcpProxy.open(port)));
  const hosts = await Promise.all(kinds.map((kind, i) => startHost(kind, (proxies[i] as TcpProxy).url)));
  const draw = random(options.seed);
  const cuts = Promise.all(proxies.map((proxy, i) => cut(proxy, options.kills, options.seed + 1 + i)));
  let over = false;
  let compactions = 0;
  const wanted = Math.ceil((COMPACTIONS * options.kills) / CUTS);
  const ends = cuts.then(() => {
    over = true;
  });
  const last = await pace(
    async () => {
      // One for each twentieth of the cuts: at the present revision, so that whoever is cut off has lost it.
      const share = Math.min(...proxies.map((proxy) => proxy.broken)) / options.kills;
      if (compactions < wanted && share * wanted >= compactions + 0.5) {
        compactions++;
        await etcd.call('kv/compaction', { revision: String(await etcd.revision()) });
      }
      const name = key(Math.floor(draw() * KEYS));
      const operation: Operation = draw() < 0.2 ? { delete: name } : { put: name, value: `v${draw()}` };
      return (await writer.commit({ operations: [operation] })).revision;
    },
    () => over && compactions === wanted,
  );
  await ends;
  // The last operation may have deleted what was not there: nothing to be told of. This one is told.
  const { revision } = await writer.commit({ operations: [{ put: key(0), value: `last after ${last}` }] });
  await Promise.all(hosts.map((host) => told(host, revision)));
  await Promise.all(hosts.map(({ host }) => host.stop()));
  for (const proxy of proxies) proxy.close();
  await until('the witness to have seen it', () => history.times.has(revision));
  let lost = 0;
  for (const { kind, file } of hosts) {
    const verdict = judge(history.events, (await readTold(file)).map(asCall));
    lost += verdict.missed.length;
    options.say(
      `follow: ${kind}: missed ${verdict.missed.length}, told ${verdict.told}, ${verdict.snapshots} snapshots covering ${verdict.covered}, wrong ${verdict.wrong.length}`,
    );
    if (verdict.wrong.length > 0) throw new Error(`${kind}: ${verdict.wrong.slice(0, 5).join('; ')}`);
  }
  return { lost, cuts: Math.min(...proxies.map((proxy) => proxy.broken)), compactions };
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const etcd = await Etcd.start();
  const history = await recordHistory(etcd.endpoints[0] as string, PREFIX);
  const writer = etcdStore({ endpoints: etcd.endpoints });
  await preload(writer);
  const figures: Record<string, Measured> = {};
  for (const kind of kinds) {
    const { settling, delays, bare } = await latency(kind, etcd, writer, history, options.seconds ?? 20);
    const shown = [0.5, 0.9, 0.99, 1].map((q) => quantile(delays, q).toFixed(2)).join(', ');
    options.say(`follow: ${kind}: p50, p90, p99, longest ${shown} ms of ${delays.length} puts`);
    const alternative = { name: 'a bare watch of etcd3', value: quantile(bare, 0.99) };
    figures[`p99, ${kind}`] = { value: quantile(delays, 0.99), alternative };
    figures[`p50, ${kind}`] = { value: quantile(delays, 0.5) };
    figures[`longest at first, ${kind}`] = { value: quantile(settling, 1) };
  }
  const found = await missed(etcd, writer, history, options);
  await writer.close();
  await history.close();
  await etcd.stop();
  return {
    ...figures,
    missed: { value: found.lost },
    cuts: { value: found.cuts },
    compactions: { value: found.compactions },
  };
}

const method = `${RATE} puts/s over ${KEYS} keys of one local etcd; from before the put is sent to the handler of a plugin in a host of its own (so the commit is included), from ${SETTLING} s after it has been told the snapshot on`;
const firstMethod = `the same in the first ${SETTLING} s after the snapshot, which the host copies to its disk and the plugin of this case writes down: the longest`;
const cutMethod = `${RATE} puts and deletes/s over ${KEYS} keys, a host with a following plugin for each protocol behind a proxy of its own that cuts its connections every 50 to 450 ms, compactions at the present revision; every call of the plugin against all events that a watch past the proxy saw, in order`;

const follow: BenchCase = {
  summary: 'from a put in etcd to the plugin that follows it, and what is missed over cut connections',
  figures: [
    ...kinds.flatMap((kind) => [
      {
        ...{ name: `p99, ${kind}`, unit: 'ms', method },
        ...({ alternative: true, bound: { relation: '<=', value: 20 } } as const),
      },
      { name: `p50, ${kind}`, unit: 'ms', method },
      { name: `longest at first, ${kind}`, unit: 'ms', method: firstMethod },
    ]),
    { name: 'missed', unit: 'changes', bound: { relation: '<=', value: 0 }, method: cutMethod },
    {
      name: 'cuts',
      unit: 'connections',
      long: true,
      bound: { relation: '>=', value: CUTS },
      method: `${cutMethod}; the fewer of the two`,
    },
    {
      name: 'compactions',
      unit: 'compactions',
      long: true,
      bound: { relation: '>=', value: COMPACTIONS },
      method: cutMethod,
    },
  ],
  brief: { kills: 150, seconds: 15 },
  run: measure,
};

export default follow;
