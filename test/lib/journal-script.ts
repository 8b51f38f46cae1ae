// SPDX-License-Identifier: MPL-2.0
// A journal written by the real producer, record by record as a test tells it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  encodeGap,
  encodeLeaseEvent,
  encodeWalk,
  type Gap,
  type LeaseEvent,
  type Walk,
} from '../../src/host/gen/events.js';
import { RecordKind } from '../../src/host/native.js';
import { tree } from './tree.js';

const program = join(process.env.NNOE_BUILD ?? join(tree, 'build'), 'test', 'journal_script');

const started = new Set<ChildProcess>();

/** Ends whatever a failed test left running. */
export function killScripts(): void {
  for (const child of started) child.kill('SIGKILL');
}

export class JournalScript {
  /** How often a walk was requested. */
  walks = 0;
  dropped = 0;
  readonly #process: ChildProcess;
  readonly #heads: ((head: number) => void)[] = [];
  #told = '';

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(directory: string, segmentBytes = 65_536, capBytes = 1 << 22): Promise<JournalScript> {
    const args = [directory, String(segmentBytes), String(capBytes)];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    started.add(child);
    child.once('exit', () => started.delete(child));
    const script = new JournalScript(child);
    child.stderr.on('data', (text) => {
      script.#told += text;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`journal_script ended: ${script.#told}`)));
      createInterface(child.stdout).on('line', (line) => script.#line(line, resolve));
    });
    return script;
  }

  /** What the producer reported. */
  get told(): string {
    return this.#told;
  }

  /** An event whose `observedUs` is `n`, about one of 256 addresses. */
  lease(n: number, more: Partial<LeaseEvent> = {}): this {
    const address = Buffer.from([192, 0, 2, n & 255]);
    const event = { operation: 1, address, prefixLen: 32, observedUs: n, ...more } as const;
    return this.#append(RecordKind.Lease, encodeLeaseEvent(event), n & 255);
  }

  leases(from: number, to: number): this {
    for (let n = from; n <= to; n++) this.lease(n);
    return this;
  }

  snapshot(n: number): this {
    const event = { operation: 10, address: Buffer.from([192, 0, 2, n & 255]), observedUs: n } as const;
    return this.#append(RecordKind.Snapshot, encodeLeaseEvent(event), n & 255);
  }

  gap(gap: Partial<Gap>): this {
    return this.#append(RecordKind.Gap, encodeGap(gap));
  }

  walkBegin(walk: Partial<Walk> = {}): this {
    return this.#append(RecordKind.WalkBegin, encodeWalk({ cause: 4, ...walk }));
  }

  walkEnd(walk: Partial<Walk>): this {
    return this.#append(RecordKind.WalkEnd, encodeWalk({ cause: 4, complete: true, ...walk }));
  }

  /** A record with a payload of any kind, such as one that is no message. */
  raw(kind: number, payload: Buffer): this {
    return this.#append(kind, payload);
  }

  /** A whole walk over these; resolves with where it began. */
  async walk(...leases: number[]): Promise<number> {
    const id = await this.walkBegin().head();
    for (const n of leases) this.snapshot(n);
    await this.walkEnd({ id, leases: leases.length }).head();
    return id;
  }

  /** Sequence of the last record, once all that was told is appended. */
  head(): Promise<number> {
    this.#frame(0, Buffer.alloc(0), 0);
    return new Promise((resolve) => this.#heads.push(resolve));
  }

  /** Ends it in order. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.stdin?.end();
    await once(this.#process, 'exit');
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  #append(kind: number, payload: Buffer, key = 0): this {
    this.#frame(kind, payload, key);
    return this;
  }

  #frame(kind: number, payload: Buffer, key: number): void {
    const frame = Buffer.alloc(16 + payload.length);
    frame.writeUInt32LE(payload.length, 0);
    frame.writeUInt32LE(kind, 4);
    frame.writeBigUInt64LE(BigInt(key), 8);
    payload.copy(frame, 16);
    this.#process.stdin?.write(frame);
  }

  #line(line: string, ready: () => void): void {
    if (line === 'ready') ready();
    else if (line === 'walk') this.walks++;
    else if (line === 'dropped') this.dropped++;
    else if (line.startsWith('head ')) this.#heads.shift()?.(Number(line.slice(5)));
  }
}
