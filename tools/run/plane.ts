// SPDX-License-Identifier: MPL-2.0
// What `make run` shows: Kea for v4 and v6 with the hook, dnsdist with the bridge and Knot DNS behind it, one host, and
// perhaps one etcd. The same code as in the tests starts and stops them; here they get ports that people can guess, when these are free.
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeLine, Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { Kea, tree } from '../../test/daemons/lib/kea.js';
import { Knot } from '../../test/daemons/lib/knot.js';
import { preferredPort } from '../../test/daemons/lib/ports.js';
import { type Proc, sleep } from '../../test/daemons/lib/process.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { loadExamples, verdictConfig, zoneRecords } from './verdicts.js';

/** Usual ports; DHCP's own need privileges and may serve this machine's network. */
const ports = { etcd: 2379, kea4: 6767, kea6: 6547, dnsdist: 5300, health: 9090 };

/** Unix sockets have at most 107 bytes of path; what follows this directory takes about 40. */
const longestRoot = 60;

const kinds = ['embedded', 'etcd'] as const;
export type StoreKind = (typeof kinds)[number];
export const isStoreKind = (text: string): text is StoreKind => kinds.includes(text as StoreKind);

export interface Running {
  /** When the host does not use a file of its own. */
  etcd: Etcd | undefined;
  keas: [Kea, Kea];
  knot: Knot;
  dnsdist: Dnsdist;
  host: Host;
}

/** Files go below .run/ in the tree, unless its path is too long for a socket. Returns what undoes it. */
export function useWorkspace(): () => void {
  const directory = join(tree, '.run');
  if (directory.length > longestRoot) return () => undefined;
  mkdirSync(directory, { recursive: true });
  process.env.TMPDIR = directory;
  return () => {
    try {
      rmdirSync(directory);
    } catch {
      // another run is at work in it
    }
  };
}

export const workspace = (): string => tmpdir();

export class Plane {
  private readonly parts: { name: string; proc: () => Proc | undefined; stop: () => Promise<unknown> }[] = [];
  private stopping = false;

  /** Starts one after the other, so that the first that cannot is the one named. */
  async start(kind: StoreKind, say: (line: string) => void): Promise<Running> {
    const etcd = kind === 'etcd' ? await this.etcd(say) : undefined;
    const kea4 = await this.kea(4, ports.kea4, say);
    const kea6 = await this.kea(6, ports.kea6, say);
    say('starting the host');
    const journals = {
      dhcp4: { directory: kea4.at.journal, family: 4 as const },
      dhcp6: { directory: kea6.at.journal, family: 6 as const },
    };
    const port = await preferredPort(ports.health);
    const endpoints = etcd ? { endpoints: etcd.endpoints } : {};
    const { plugins, answers } = verdictConfig(temporary('pdp'));
    const extra = { answers };
    const host = await Host.create({ journals, ...endpoints, node: 'demo', port, plugins, extra });
    this.parts.unshift({ name: 'the host', proc: () => host.proc, stop: () => host.stop() });
    mkdirSync(join(host.directory, 'decisions'));
    await host.start();
    const [knot, dnsdist] = await this.dns(host, say);
    await loadExamples(host);
    return { etcd, keas: [kea4, kea6], knot, dnsdist, host };
  }

  private async dns(host: Host, say: (line: string) => void): Promise<[Knot, Dnsdist]> {
    say('starting knotd');
    const knot = await Knot.start({ records: zoneRecords() });
    this.parts.push({ name: 'knotd', proc: () => knot.proc, stop: () => knot.stop() });
    say('starting dnsdist');
    const bridge = {
      directory: join(host.directory, 'tables'),
      decisions: join(host.directory, 'decisions'),
    };
    const lua = [bridgeLine({ ...bridge, fail: 'closed' })];
    const dnsdist = await Dnsdist.start({ server: knot, port: await preferredPort(ports.dnsdist), lua });
    this.parts.unshift({ name: 'dnsdist', proc: () => dnsdist.proc, stop: () => dnsdist.stop() });
    return [knot, dnsdist];
  }

  private async etcd(say: (line: string) => void): Promise<Etcd> {
    say('starting etcd');
    const etcd = await Etcd.start({ clientPort: await preferredPort(ports.etcd) });
    this.parts.unshift({ name: 'etcd', proc: () => etcd.member(0).proc, stop: () => etcd.stop() });
    return etcd;
  }

  private async kea(family: 4 | 6, port: number, say: (line: string) => void): Promise<Kea> {
    say(`starting kea-dhcp${family}`);
    const kea = await Kea.create({ family, port: await preferredPort(port) });
    this.parts.unshift({ name: `kea-dhcp${family}`, proc: () => kea.proc, stop: () => kea.stop() });
    await kea.start();
    return kea;
  }

  /** Rejects when a part ends that nobody told to. */
  async watch(): Promise<never> {
    for (;;) {
      const dead = this.parts.find((part) => part.proc()?.exit !== undefined);
      if (dead && !this.stopping) throw new Error(`${dead.name} ended: ${describe(dead.proc())}`);
      await sleep(100);
    }
  }

  /** What the parts wrote last, those that ended first. */
  tails(lines = 15): string {
    const procs = this.parts.map((part) => part.proc()).filter((proc) => proc !== undefined);
    const dead = procs.filter((proc) => proc.exit);
    const shown = dead.length > 0 ? dead : procs.slice(0, 1);
    return shown.map((proc) => `--- last of ${proc.log} ---\n${tail(proc.log, lines)}`).join('\n');
  }

  /** dnsdist and the host first, so that it can commit what it holds; then Kea, then etcd. Each has a deadline, then is killed. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const part of this.parts) await part.stop().catch(() => undefined);
  }
}

const tail = (file: string, lines: number): string =>
  readFileSync(file, 'latin1').trimEnd().split('\n').slice(-lines).join('\n');

function describe(proc: Proc | undefined): string {
  const { code, signal } = proc?.exit ?? { code: null, signal: null };
  return signal ? `signal ${signal}` : `status ${code}`;
}
