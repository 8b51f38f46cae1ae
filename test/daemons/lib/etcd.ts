// SPDX-License-Identifier: MPL-2.0
// Real etcd members on loopback, and a client of its own for looking at what they hold: the JSON gateway,
// so that what is checked did not pass through the code under test.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from './ports.js';
import { type Proc, start, until } from './process.js';
import { temporary } from './workspace.js';

export interface Member {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
  proc: Proc | undefined;
}

export interface Entry {
  key: string;
  value: string;
  createRevision: number;
  modRevision: number;
}

export interface EtcdOptions {
  members?: number;
  /** The first member's port for clients; default a free one. */
  clientPort?: number;
  /** Added to every member's command line, such as `--quota-backend-bytes=16777216`. */
  args?: string[];
}

export class Etcd {
  private constructor(
    readonly members: Member[],
    private readonly args: string[],
  ) {}

  static async start(options: EtcdOptions = {}): Promise<Etcd> {
    const count = options.members ?? 1;
    const ports = await freePorts(count * 2);
    const root = temporary('etcd');
    const members = Array.from({ length: count }, (_, i) => ({
      name: `etcd${i}`,
      directory: join(root, `m${i}`),
      clientPort: (i === 0 && options.clientPort) || (ports[i * 2] as number),
      peerPort: ports[i * 2 + 1] as number,
      proc: undefined,
    }));
    const etcd = new Etcd(members, options.args ?? []);
    for (const member of members) mkdirSync(member.directory);
    for (let i = 0; i < count; i++) etcd.startMember(i);
    await etcd.ready();
    return etcd;
  }

  get endpoints(): string[] {
    return this.members.map((m) => `http://127.0.0.1:${m.clientPort}`);
  }

  member(index: number): Member {
    const member = this.members[index];
    if (!member) throw new Error(`no member ${index}`);
    return member;
  }

  /** Starts a member on what its directory holds. */
  startMember(index: number): Proc {
    const m = this.member(index);
    const peers = this.members.map((p) => `${p.name}=http://127.0.0.1:${p.peerPort}`).join(',');
    const client = `http://127.0.0.1:${m.clientPort}`;
    const peer = `http://127.0.0.1:${m.peerPort}`;
    m.proc = start({
      name: m.name,
      command: 'etcd',
      directory: m.directory,
      args: [
        ...['--name', m.name, '--data-dir', join(m.directory, 'data'), '--logger', 'zap'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', peers, '--initial-cluster-token', dirname(m.directory)],
        // Tests are about what a kill of the process loses, not a power cut; three members share one disk.
        ...['--heartbeat-interval', '100', '--election-timeout', '500', '--log-level', 'warn'],
        ...this.args,
      ],
    });
    return m.proc;
  }

  async killMember(index: number): Promise<void> {
    await this.member(index).proc?.kill();
  }

  /** Resolves when the cluster answers a linearizable read, so has a quorum. */
  async ready(timeout = 20_000): Promise<void> {
    await until(
      'etcd to have a leader',
      () =>
        this.get('ready').then(
          () => true as const,
          () => undefined,
        ),
      timeout,
      50,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((m) => m.proc?.kill()));
  }

  /** One gateway call, at the first running member that answers. */
  async call(path: string, body: object, timeout = 30_000): Promise<Record<string, unknown>> {
    let last: unknown = new Error('no etcd member runs');
    for (const m of this.members) {
      if (!m.proc || m.proc.exit) continue;
      try {
        const response = await fetch(`http://127.0.0.1:${m.clientPort}/v3/${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(timeout),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${text}`);
        return JSON.parse(text) as Record<string, unknown>;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  async put(key: string, value: string): Promise<void> {
    await this.call('kv/put', { key: encode(key), value: encode(value) });
  }

  async get(key: string): Promise<Entry | undefined> {
    const answer = await this.call('kv/range', { key: encode(key) }, 3_000);
    return entries(answer)[0];
  }

  async delete(prefix: string): Promise<void> {
    await this.call('kv/deleterange', { key: encode(prefix), range_end: endOf(prefix) });
  }

  /** Everything below a prefix, in key order, as of one revision. */
  async list(prefix: string, pageSize = 5_000): Promise<Entry[]> {
    const found: Entry[] = [];
    let from = encode(prefix);
    let revision: string | undefined;
    for (;;) {
      const answer = await this.call('kv/range', {
        key: from,
        range_end: endOf(prefix),
        limit: pageSize,
        ...(revision ? { revision } : {}),
      });
      const page = entries(answer);
      revision ??= (answer.header as { revision: string }).revision;
      found.push(...page);
      const last = page.at(-1);
      if (!answer.more || !last) return found;
      from = encode(`${last.key}\0`);
    }
  }

  async count(prefix: string): Promise<number> {
    const answer = await this.call('kv/range', {
      key: encode(prefix),
      range_end: endOf(prefix),
      count_only: true,
    });
    return Number(answer.count ?? 0);
  }

  async revision(): Promise<number> {
    const answer = await this.call('kv/range', { key: encode('ready') });
    return Number((answer.header as { revision: string }).revision);
  }
}

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

function endOf(prefix: string): string {
  const end = Buffer.from(prefix, 'utf8');
  end[end.length - 1] = (end[end.length - 1] as number) + 1;
  return end.toString('base64');
}

function entries(answer: Record<string, unknown>): Entry[] {
  const kvs = (answer.kvs ?? []) as Record<string, string>[];
  return kvs.map((kv) => ({
    key: Buffer.from(kv.key ?? '', 'base64').toString('utf8'),
    value: Buffer.from(kv.value ?? '', 'base64').toString('utf8'),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
  }));
}
