// SPDX-License-Identifier: MPL-2.0
// Lease events at rates that a Kea on the same two cores cannot make, through the real producer.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import protobuf from 'protobufjs';
import { encodeWalk, WalkCause } from '../../src/host/gen/events.js';
import { native, RecordKind } from '../../src/host/native.js';
import { tree } from '../../test/daemons/lib/kea.js';
import { driver, track } from './run.js';

const schema = protobuf.loadSync(join(tree, 'proto/nnoe.proto'));
export const LeaseEventType = schema.lookupType('nnoe.v1.LeaseEvent');

const ASSIGN = 1;
const RENEW = 2;
const CLIENT = 1;
const FRAME_HEAD = 16; // bytes: struct Frame in bench/native/journal_feed.cc

/** Client `i` has 10.x.y.z. */
export function leaseAddress(i: number): Buffer {
  const address = Buffer.alloc(4);
  address.writeUInt32BE(0x0a000001 + i);
  return address;
}

/** The event that Kea's hook would write when client `i` gets or renews its address. */
export function leaseEvent(i: number, renew: boolean, nowMs: number): Record<string, unknown> {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(i);
  const hwaddr = Buffer.concat([Buffer.from([0x02, 0x4e]), number]);
  return {
    operation: renew ? RENEW : ASSIGN,
    origin: CLIENT,
    address: leaseAddress(i),
    prefixLen: 32,
    hwtype: 1,
    hwaddr,
    clientId: Buffer.concat([Buffer.from([1]), hwaddr]),
    subnetId: 1,
    cltt: Math.floor(nowMs / 1000),
    validLft: 3600,
    hostname: Buffer.from(`host-${String(i).padStart(7, '0')}`),
    observedUs: Math.round(nowMs * 1000),
  };
}

export function encodeLease(i: number, renew: boolean, nowMs = Date.now()): Uint8Array {
  return LeaseEventType.encode(leaseEvent(i, renew, nowMs)).finish();
}

function frame(i: number, renew: boolean): Buffer {
  return framed(RecordKind.Lease, i + 1, encodeLease(i, renew));
}

function framed(kind: number, key: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(kind, 4);
  bytes.writeBigUInt64LE(BigInt(key), 8);
  bytes.set(payload, FRAME_HEAD);
  return bytes;
}

const STEP = 1_000;

/** As `send` writes them; made beforehand where making them would take time from what is measured. */
export function frames(first: number, count: number, renew: boolean): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => frame(first + i, renew)));
}

export interface Fed {
  appended: number;
  dropped: number;
  head: number;
}

/** One producer on one journal directory. */
export class Feed {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #output = '';

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
  }

  /** Resolves when the journal exists. */
  static async open(directory: string, segmentBytes?: number): Promise<Feed> {
    const args = segmentBytes === undefined ? [directory] : [directory, String(segmentBytes)];
    const child = track(spawn(driver('journal_feed'), args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    const feed = new Feed(child);
    while (!feed.#output.includes('ready\n')) await once(child.stdout, 'data');
    return feed;
  }

  /** Events of clients `first` to `first + count - 1`; resolves when the pipe has taken them. */
  async send(first: number, count: number, renew: boolean): Promise<void> {
    for (let at = 0; at < count; at += STEP) {
      await this.write(frames(first + at, Math.min(STEP, count - at), renew));
    }
  }

  /** What `frames` made; resolves when the pipe has taken it. */
  async write(bytes: Buffer): Promise<void> {
    if (!this.#child.stdin.write(bytes)) await once(this.#child.stdin, 'drain');
  }

  /**
   * The walk that Kea's hook makes when it starts, over a database without leases: a host that is new to the
   * journal waits for one. To be called before a host has the journal.
   */
  async emptyWalk(directory: string): Promise<void> {
    const journal = native().openJournal(directory);
    const id = journal.status().head + 1;
    journal.close();
    await this.write(framed(RecordKind.WalkBegin, 0, encodeWalk({ cause: WalkCause.START })));
    await this.write(
      framed(RecordKind.WalkEnd, 0, encodeWalk({ id, cause: WalkCause.START, complete: true })),
    );
  }

  /** `rate` events per second for `seconds`, going round `population` clients; says how many it sent. */
  async pace(rate: number, seconds: number, population: number, renew: boolean): Promise<number> {
    const start = performance.now();
    let sent = 0;
    while (sent < rate * seconds) {
      const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
      while (sent < due) {
        const first = sent % population;
        const count = Math.min(due - sent, population - first);
        await this.send(first, count, renew);
        sent += count;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return sent;
  }

  /** Ends the producer; resolves when everything sent is in the journal. */
  async close(): Promise<Fed> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    const line = this.#output.trimEnd().split('\n').at(-1) ?? '';
    const fed = JSON.parse(line) as Fed;
    if (fed.dropped > 0) throw new Error(`the journal dropped ${fed.dropped} of the events fed to it`);
    return fed;
  }
}
