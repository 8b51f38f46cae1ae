// SPDX-License-Identifier: MPL-2.0
// Random SIGKILLs of Kea, host and etcd members under continuing load. In between everything comes to rest
// and Kea's lease files are compared with the history and the leases in the store. Snapshots are off: what
// is in the history came as an event.
import { Etcd } from '../daemons/lib/etcd.js';
import {
  compare,
  describe,
  historyPrefix,
  type Kill,
  readHistory,
  readLeases,
} from '../daemons/lib/history.js';
import { Host } from '../daemons/lib/host.js';
import { Kea } from '../daemons/lib/kea.js';
import { drained } from '../daemons/lib/plane.js';
import { sleep, until } from '../daemons/lib/process.js';
import { compactCsv, csvSize, finalLeases, readCsv } from '../daemons/lib/witness.js';
import { Clients } from './load.js';
import { Random } from './random.js';

export interface CampaignOptions {
  kills: number;
  seed: number;
  /** Kea walks its lease database at every start. The store is then compared with Kea's leases alone, without
   *  allowance for what was in flight. */
  snapshots?: boolean;
  /** Kills between two comparisons. */
  round?: number;
  print?: (line: string) => void;
}

export type Component = 'kea4' | 'kea6' | 'host' | 'etcd';

export interface Figures {
  kills: Record<Component, number>;
  /** Lines of Kea's lease files, each one change of a lease. */
  changes: number;
  lost: number;
  outOfOrder: number;
  /** History without a change in the lease file: an event made up or doubled. */
  extra: number;
  /** Leases in the store that differ from Kea's. */
  differing: number;
  /** Changes missing that were in flight in Kea at one of its kills. */
  inFlight: number;
  seconds: number;
}

// v4 on two threads, one lease a packet; v6 single-threaded, an address and a prefix a packet.
const threads = { 4: 2, 6: 0 } as const;
const inFlight = { 4: 2, 6: 2 } as const;

export class Campaign {
  private readonly random: Random;
  private readonly keaKills: Record<4 | 6, Kill[]> = { 4: [], 6: [] };
  private readonly figures: Figures = {
    kills: { kea4: 0, kea6: 0, host: 0, etcd: 0 },
    changes: 0,
    lost: 0,
    outOfOrder: 0,
    extra: 0,
    differing: 0,
    inFlight: 0,
    seconds: 0,
  };
  /** Highest sequence compared so far: what is delivered again from before it is no news. */
  private readonly compared: Record<4 | 6, number> = { 4: 0, 6: 0 };
  /** Where in each lease file the next comparison begins. */
  private readonly begin: Record<4 | 6, number> = { 4: 0, 6: 0 };
  /** Addresses whose last change was in flight at a kill. */
  private readonly unseen: Record<4 | 6, Set<string>> = { 4: new Set(), 6: new Set() };

  private constructor(
    private readonly options: CampaignOptions,
    private readonly etcd: Etcd,
    private readonly keas: Record<4 | 6, Kea>,
    private readonly host: Host,
    private readonly clients: Clients[],
  ) {
    this.random = new Random(options.seed);
  }

  static async prepare(options: CampaignOptions): Promise<Campaign> {
    const etcd = await Etcd.start({ members: 3 });
    const hook = { 'snapshot-on-start': options.snapshots === true };
    const kea4 = await Kea.start({ family: 4, threads: threads[4], hook });
    const kea6 = await Kea.start({ family: 6, threads: threads[6], hook });
    const host = await Host.start({
      journals: {
        dhcp4: { directory: kea4.at.journal, family: 4 },
        dhcp6: { directory: kea6.at.journal, family: 6 },
      },
      endpoints: etcd.endpoints,
    });
    const mix = { rate: 150, clients: 500, renews: 40, releases: 50, leases: 'address-and-prefix' } as const;
    const clients = [new Clients(kea4, mix), new Clients(kea6, mix)];
    return new Campaign(options, etcd, { 4: kea4, 6: kea6 }, host, clients);
  }

  async run(): Promise<Figures> {
    const { kills, round = 50 } = this.options;
    const begin = performance.now();
    for (let done = 0; done < kills; ) {
      for (const clients of this.clients) clients.begin();
      await sleep(300);
      const upTo = Math.min(kills, done + round);
      for (; done < upTo; done++) await this.killOne();
      await Promise.all(this.clients.map((clients) => clients.end()));
      await this.check();
      this.figures.seconds = (performance.now() - begin) / 1000;
      this.options.print?.(`${done} kills: ${summary(this.figures)}`);
      if (done < kills) await this.prune();
    }
    return this.figures;
  }

  async stop(): Promise<void> {
    await this.host.stop();
    await Promise.all([this.keas[4].stop(), this.keas[6].stop()]);
    await this.etcd.stop();
  }

  /** Kills one process and starts it again; now and then before it has come up from the last time. */
  private async killOne(): Promise<void> {
    const victim = this.random.pick(['kea4', 'kea6', 'host', 'host', 'etcd', 'etcd'] as const);
    const down = this.random.between(0, 300);
    this.figures.kills[victim]++;
    if (victim === 'kea4' || victim === 'kea6') {
      await this.killKea(victim === 'kea4' ? 4 : 6, down);
    } else if (victim === 'host') {
      await this.host.kill();
      await sleep(down);
      this.host.spawn();
    } else {
      const member = Math.floor(this.random.between(0, 3));
      await this.etcd.killMember(member);
      await sleep(down);
      this.etcd.startMember(member);
    }
    await sleep(this.random.between(50, 1_500));
  }

  private async killKea(family: 4 | 6, down: number): Promise<void> {
    const kea = this.keas[family];
    await kea.kill();
    this.keaKills[family].push({ offset: csvSize(kea.at.csv), inFlight: inFlight[family] });
    await sleep(down);
    kea.spawn();
  }

  private async check(): Promise<void> {
    const keas = [this.keas[4], this.keas[6]];
    await this.etcd.ready(60_000);
    await this.host.healthy(60_000);
    await Promise.all(keas.map((kea) => kea.commandable(60_000).then(() => drained(kea, 120_000))));
    for (const kea of keas) {
      if (this.options.snapshots) await this.checkLeases(kea);
      else await this.checkOne(kea);
    }
  }

  /** A walk that is not over is waited for; Kea may have been started a moment ago. */
  private async checkLeases(kea: Kea): Promise<void> {
    const idle = async () => {
      const { walk } = (await kea.command('nnoe-status')) as { walk: { active: boolean; waiting: number } };
      return !walk.active && walk.waiting === 0;
    };
    await until('the walk to end', idle, 60_000, 50);
    await drained(kea, 120_000);
    const lines = readCsv(kea.at.csv, kea.family);
    this.figures.changes += lines.filter((line) => line.end > this.begin[kea.family]).length;
    this.figures.differing += await this.differing(kea.family, finalLeases(lines));
  }

  private async checkOne(kea: Kea): Promise<void> {
    const { family } = kea;
    const everything = readCsv(kea.at.csv, family);
    const lines = everything.filter((line) => line.end > this.begin[family]);
    const history = await readHistory(this.etcd, family);
    const news = history.filter((event) => event.seq > this.compared[family]);
    const result = compare(lines, news, { threads: threads[family] > 0, kills: this.keaKills[family] });
    const bad = result.lost.length + result.misplaced.length + result.extra.length;
    if (bad > 0) this.options.print?.(`kea-dhcp${family}: ${describe(result, 20)}`);
    this.figures.changes += result.lines;
    this.figures.lost += result.lost.length;
    this.figures.outOfOrder += result.misplaced.length;
    this.figures.extra += result.extra.length;
    this.figures.inFlight += result.excused.length;
    this.compared[family] = Math.max(this.compared[family], ...news.slice(-1).map((event) => event.seq));
    // The store learns of a change that was in flight at a kill with the next change of that lease.
    const last = new Map(lines.map((line) => [line.address, line]));
    for (const [address, line] of last) {
      if (result.excused.includes(line)) this.unseen[family].add(address);
      else this.unseen[family].delete(address);
    }
    this.figures.differing += await this.differing(family, finalLeases(everything));
  }

  private async differing(family: 4 | 6, held: ReturnType<typeof finalLeases>): Promise<number> {
    const leases = await readLeases(this.etcd, family);
    let count = 0;
    for (const address of new Set([...held.keys(), ...leases.keys()])) {
      const [ours, keas] = [leases.get(address), held.get(address)];
      if (this.unseen[family].has(address)) continue;
      if (ours?.owner === keas?.owner && ours?.cltt === keas?.cltt && ours?.validLft === keas?.validLft)
        continue;
      if (count++ < 10) {
        this.options.print?.(`differs: ${address}: store ${JSON.stringify(ours?.raw)}, Kea ${keas?.raw}`);
      }
    }
    return count;
  }

  /** Keeps a long run short: compared history goes, lease files are compacted while Kea is down. */
  private async prune(): Promise<void> {
    await this.etcd.delete(historyPrefix);
    for (const family of [4, 6] as const) {
      const kea = this.keas[family];
      await kea.stop();
      compactCsv(kea.at.csv, family);
      this.begin[family] = csvSize(kea.at.csv);
      this.keaKills[family] = [];
      await kea.start();
    }
  }
}

export function summary(f: Figures): string {
  const kills = Object.entries(f.kills)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
  return (
    `${f.changes} changes, lost ${f.lost}, out of order ${f.outOfOrder}, extra ${f.extra}, ` +
    `leases differing ${f.differing}, in flight at a kill ${f.inFlight} (killed: ${kills}; ${f.seconds.toFixed(0)} s)`
  );
}

/** What has to be zero. */
export function failures(f: Figures): number {
  return f.lost + f.outOfOrder + f.extra + f.differing;
}
