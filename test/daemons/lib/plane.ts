// SPDX-License-Identifier: MPL-2.0
// The whole lease plane: Kea servers with the hook, one host, etcd; and when all of it has come to rest.
import { Etcd, type EtcdOptions } from './etcd.js';
import { type CompareOptions, type Comparison, compare, readHistory } from './history.js';
import { Host, type HostOptions } from './host.js';
import { Kea, type KeaOptions } from './kea.js';
import { until } from './process.js';
import { TcpProxy } from './proxy.js';
import { readCsv } from './witness.js';

export interface PlaneOptions {
  keas: KeaOptions[];
  etcd?: EtcdOptions;
  host?: Partial<HostOptions>;
  /** Puts a proxy between the host and the first member of etcd. */
  proxy?: boolean;
}

/** What nnoe-status says about the journal, as far as tests need it. */
export interface JournalPosition {
  head: number;
  /** Sequences by consumer. */
  cursors: Record<string, number>;
}

export async function position(kea: Kea): Promise<JournalPosition> {
  const { journal } = await kea.command('nnoe-status');
  return journal as unknown as JournalPosition;
}

/** Resolves when the cursor of the leases plugin has reached the journal's head. */
export async function drained(kea: Kea, timeout = 60_000): Promise<void> {
  let last: JournalPosition | undefined;
  const probe = async () => {
    last = await position(kea).catch(() => undefined);
    return last !== undefined && (last.cursors.leases ?? -1) >= last.head;
  };
  await until(`the host to reach the journal's head`, probe, timeout, 50).catch((error: Error) => {
    throw new Error(`${error.message}; last seen: ${JSON.stringify(last)}`);
  });
}

export class Plane {
  private constructor(
    readonly etcd: Etcd,
    readonly keas: Kea[],
    readonly host: Host,
    readonly proxy: TcpProxy | undefined,
  ) {}

  static async start(options: PlaneOptions): Promise<Plane> {
    const [etcd, ...keas] = await Promise.all([
      Etcd.start(options.etcd),
      ...options.keas.map((kea) => Kea.start(kea)),
    ]);
    const journals = Object.fromEntries(
      keas.map((kea) => [`dhcp${kea.family}`, { directory: kea.at.journal, family: kea.family }]),
    );
    const proxy = options.proxy ? await TcpProxy.open(etcd.member(0).clientPort) : undefined;
    const endpoints = proxy ? [proxy.url] : etcd.endpoints;
    const host = await Host.start({ journals, endpoints, ...options.host });
    return new Plane(etcd, keas, host, proxy);
  }

  kea(family: 4 | 6): Kea {
    const kea = this.keas.find((k) => k.family === family);
    if (!kea) throw new Error(`no kea-dhcp${family} in this plane`);
    return kea;
  }

  /** Resolves when the host has dealt with everything that every Kea has reported. */
  async drained(timeout?: number): Promise<void> {
    await Promise.all(this.keas.map((kea) => drained(kea, timeout)));
  }

  /** The witness of one server against the history in the store. */
  async compare(family: 4 | 6, options: Partial<CompareOptions> = {}): Promise<Comparison> {
    const kea = this.kea(family);
    const threads = (kea.options.threads ?? 2) > 0;
    const lines = readCsv(kea.at.csv, family);
    return compare(lines, await readHistory(this.etcd, family), { threads, ...options });
  }

  async stop(): Promise<void> {
    await this.host.stop();
    this.proxy?.close();
    await Promise.all(this.keas.map((kea) => kea.stop()));
    await this.etcd.stop();
  }
}
