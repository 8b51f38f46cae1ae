// SPDX-License-Identifier: MPL-2.0
// Followers of both protocols behind a bad network, writers and compactions straight at etcd. Now and then the
// weather calms down, and what followers believe is compared with what etcd holds; at the end everything that
// they were told is held against etcd's own history, which a watch of another make recorded.
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore, gatewayStore } from '../../src/host/store/etcd.js';
import type { Operation, Store } from '../../src/host/store/store.js';
import { Etcd } from '../daemons/lib/etcd.js';
import { until } from '../daemons/lib/process.js';
import { TcpProxy } from '../daemons/lib/proxy.js';
import { BadWeather, type Weather } from '../daemons/lib/weather.js';
import { type Call, judge } from '../lib/told.js';
import { type History, recordHistory } from '../lib/witness-watch.js';
import { Random } from './random.js';

export interface FollowOptions {
  /** Hours of bad network. */
  hours: number;
  /** How many of them are put into one. */
  squeeze: number;
  seed: number;
  print?: (line: string) => void;
}

export interface FollowFigures {
  /** Events in the store, of all prefixes that are followed. */
  events: number;
  /** Of those, told to followers as changes, or covered by a snapshot, or without effect; of all followers. */
  told: number;
  covered: number;
  without: number;
  snapshots: number;
  missed: number;
  wrong: string[];
  compactions: number;
  checkpoints: number;
  /** The longest that followers took to be right again when the weather had calmed down, ms. */
  slowest: number;
  /** Connections made, broken, refused. */
  connections: { made: number; broken: number; refused: number };
  weather: Weather;
  seconds: number;
}

/** Prefixes and how they are written to: keys, transactions a second, most operations in one. */
const prefixes = {
  '/net/busy/': { keys: 200, rate: 80, most: 5, preload: 50 },
  '/net/quiet/': { keys: 10, rate: 0.3, most: 1, preload: 5 },
  '/net/wide/': { keys: 4000, rate: 10, most: 20, preload: 3000 },
  // Not followed, and begins as another one does.
  '/net/busy-not/': { keys: 10, rate: 5, most: 1, preload: 5 },
} as const;
const followedPrefixes = ['/net/busy/', '/net/quiet/', '/net/wide/'] as const;
/** An hour of bad network. */
const compactionsHourly = 4;
const checkpointsHourly = 2;

class Follower {
  readonly calls: Call[] = [];
  readonly state = new Map<string, number>();
  readonly errors: string[] = [];
  #busy = false;

  constructor(
    readonly name: string,
    readonly prefix: string,
    store: Store,
    random: Random,
  ) {
    const alone = async (work: () => void) => {
      if (this.#busy) this.errors.push('two calls at a time');
      this.#busy = true;
      work();
      if (random.next() < 0.2) await wait(random.between(0, 5));
      this.#busy = false;
    };
    store.follow(prefix, {
      snapshot: (list, revision) =>
        alone(() => {
          const entries = list.map(({ key, modRevision }) => ({ key, revision: modRevision }));
          this.calls.push({ kind: 'snapshot', revision, entries });
          this.state.clear();
          for (const entry of entries) this.state.set(entry.key, entry.revision);
        }),
      change: (list, revision) =>
        alone(() => {
          const changes = list.map((change) =>
            change.type === 'put'
              ? { key: change.entry.key, revision: change.entry.modRevision, deleted: false }
              : { key: change.key, revision: change.modRevision, deleted: true },
          );
          this.calls.push({ kind: 'change', revision, changes });
          for (const each of changes) {
            if (each.deleted) this.state.delete(each.key);
            else this.state.set(each.key, each.revision);
          }
        }),
      error: (error) => {
        this.errors.push(error.message);
      },
    });
  }

  believes(held: ReadonlyMap<string, number>): boolean {
    return this.state.size === held.size && [...held].every(([key, at]) => this.state.get(key) === at);
  }
}

export class FollowCampaign {
  readonly #random: Random;
  readonly #figures = { compactions: 0, checkpoints: 0, slowest: 0 };
  #writing = new AbortController();

  private constructor(
    private readonly options: FollowOptions,
    private readonly etcd: Etcd,
    private readonly writer: Store,
    private readonly proxies: readonly TcpProxy[],
    private readonly weathers: readonly BadWeather[],
    private readonly stores: readonly Store[],
    private readonly followers: readonly Follower[],
    private readonly witness: History,
  ) {
    this.#random = new Random(options.seed);
  }

  static async prepare(options: FollowOptions): Promise<FollowCampaign> {
    const etcd = await Etcd.start({ args: ['--grpc-keepalive-min-time=100ms'] });
    const [endpoint = ''] = etcd.endpoints;
    const witness = await recordHistory(endpoint, '/net/');
    const writer = etcdStore({ endpoints: [endpoint] });
    for (const [prefix, { preload }] of Object.entries(prefixes)) {
      const puts = Array.from({ length: preload }, (_, i) => ({ put: `${prefix}${i}`, value: 'first' }));
      while (puts.length > 0) await writer.commit({ operations: puts.splice(0, 128) });
    }
    const proxies = [await openProxy(etcd), await openProxy(etcd)];
    const weathers = proxies.map(
      (proxy, i) => new BadWeather(proxy, new Random(options.seed + 1 + i), options.squeeze),
    );
    // Short, as everything is here; in proportion to each other as they are by default.
    const patience = { connectTimeout: 0.5, requestTimeout: 1, silence: 1.5 };
    const opens = [etcdStore, gatewayStore];
    const stores = opens.map((open, i) => open({ endpoints: [(proxies[i] as TcpProxy).url], ...patience }));
    const followers = stores.flatMap((store, i) =>
      followedPrefixes.map(
        (prefix) => new Follower(`${store.name} ${prefix}`, prefix, store, new Random(options.seed + 9 + i)),
      ),
    );
    return new FollowCampaign(options, etcd, writer, proxies, weathers, stores, followers, witness);
  }

  async run(): Promise<FollowFigures> {
    const { hours, squeeze } = this.options;
    const begin = performance.now();
    const checkpoints = Math.max(1, Math.round(hours * checkpointsHourly));
    const between = (hours * 3_600_000) / squeeze / checkpoints;
    for (let i = 1; i <= checkpoints; i++) {
      await this.#storm(between);
      await this.#checkpoint();
      this.options.print?.(`${((i * hours) / checkpoints).toFixed(1)} h: ${this.#standing()}`);
    }
    return this.#judge((performance.now() - begin) / 1000);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.stores, this.writer].map((store) => store.close()));
    for (const proxy of this.proxies) proxy.close();
    await this.witness.close();
    await this.etcd.stop();
  }

  async #storm(ms: number): Promise<void> {
    for (const weather of this.weathers) weather.start();
    this.#writing = new AbortController();
    const work = [
      ...Object.entries(prefixes).map(([prefix, how]) => this.#write(prefix, how)),
      this.#compactNowAndThen(),
    ].map((each) => each.catch(this.#unlessStopped));
    await wait(ms);
    this.#writing.abort();
    await Promise.all([...work, ...this.weathers.map((weather) => weather.calm())]);
  }

  readonly #unlessStopped = (error: unknown) => {
    if (!this.#writing.signal.aborted) throw error;
  };

  async #write(prefix: string, how: { keys: number; rate: number; most: number }): Promise<void> {
    const random = this.#random;
    for (;;) {
      await wait(random.between(0, 2000 / how.rate), undefined, { signal: this.#writing.signal });
      const names = new Set<string>();
      for (let i = random.between(0, how.most); i >= 0; i--)
        names.add(`${prefix}${Math.floor(random.between(0, how.keys))}`);
      const operations = [...names].map(
        (key): Operation =>
          random.next() < 0.25 ? { delete: key } : { put: key, value: `v${random.next()}` },
      );
      await this.writer.commit({ operations });
    }
  }

  async #compactNowAndThen(): Promise<void> {
    const mean = 3_600_000 / compactionsHourly / this.options.squeeze;
    for (;;) {
      await wait(this.#random.between(0, 2 * mean), undefined, { signal: this.#writing.signal });
      await this.etcd.call('kv/compaction', { revision: String(await this.etcd.revision()) });
      this.#figures.compactions++;
    }
  }

  /** Resolves when every follower believes what etcd holds; throws when one does not within 30 s. */
  async #checkpoint(): Promise<void> {
    const began = performance.now();
    for (const prefix of followedPrefixes) {
      const entries = await this.etcd.list(prefix);
      const held = new Map(entries.map(({ key, modRevision }) => [key, modRevision]));
      const wrong = () =>
        this.followers
          .filter((each) => each.prefix === prefix && !each.believes(held))
          .map(({ name }) => name);
      await until('followers to be right', () => wrong().length === 0, 30_000).catch(() => {
        const health = this.stores.map((store) => JSON.stringify(store.health())).join(', ');
        throw new Error(`${wrong().join(', ')} believe what is not so, 30 s after the storm; ${health}`);
      });
    }
    this.#figures.checkpoints++;
    this.#figures.slowest = Math.max(this.#figures.slowest, performance.now() - began);
  }

  #connections() {
    const sum = (field: 'made' | 'broken' | 'refused') =>
      this.proxies.reduce((total, proxy) => total + proxy[field], 0);
    return { made: sum('made'), broken: sum('broken'), refused: sum('refused') };
  }

  #standing(): string {
    const { made, broken } = this.#connections();
    const calls = this.followers.reduce((total, each) => total + each.calls.length, 0);
    return `${this.witness.events.length} events, ${calls} calls of followers, ${made} connections, ${broken} broken, ${this.#figures.compactions} compactions`;
  }

  #judge(seconds: number): FollowFigures {
    const figures: FollowFigures = {
      ...{ events: 0, told: 0, covered: 0, without: 0, snapshots: 0, missed: 0, wrong: [], seconds },
      ...{ ...this.#figures, connections: this.#connections(), weather: total(this.weathers) },
    };
    for (const prefix of followedPrefixes) {
      const history = this.witness.events.filter(({ key }) => key.startsWith(prefix));
      figures.events += history.length;
      for (const { name, calls, errors } of this.followers.filter((each) => each.prefix === prefix)) {
        const verdict = judge(history, calls);
        figures.told += verdict.told;
        figures.covered += verdict.covered;
        figures.without += verdict.without;
        figures.snapshots += verdict.snapshots;
        figures.missed += verdict.missed.length;
        const missed = verdict.missed.slice(0, 5).map(({ key, revision }) => `missed ${key} at ${revision}`);
        for (const fault of [...verdict.wrong.slice(0, 10), ...missed, ...errors])
          figures.wrong.push(`${name}: ${fault}`);
      }
    }
    return figures;
  }
}

const openProxy = (etcd: Etcd): Promise<TcpProxy> => TcpProxy.open(etcd.member(0).clientPort);

function total(weathers: readonly BadWeather[]): Weather {
  const sum: Weather = { cuts: 0, holds: 0, outages: 0, lostAnswers: 0, strandings: 0 };
  for (const { happened } of weathers)
    for (const kind of Object.keys(sum) as (keyof Weather)[]) sum[kind] += happened[kind];
  return sum;
}

export function summary(f: FollowFigures): string {
  const { made, broken, refused } = f.connections;
  const { cuts, holds, outages, lostAnswers, strandings } = f.weather;
  return (
    `${f.events} events: missed ${f.missed}, wrong ${f.wrong.length}; told ${f.told}, ${f.snapshots} snapshots ` +
    `covering ${f.covered}, without effect ${f.without}; ${made} connections, ${broken} broken, ${refused} refused; ` +
    `everything cut ${cuts} times, held ${holds}, out ${outages}, answers lost ${lostAnswers}, stranded ${strandings}; ` +
    `${f.compactions} compactions, ${f.checkpoints} checkpoints, right again within ${Math.round(f.slowest)} ms; ${f.seconds.toFixed(0)} s`
  );
}
