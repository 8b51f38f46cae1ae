// SPDX-License-Identifier: MPL-2.0
// The four messages of etcd's API that carry keys and values, as bytes (protobuf; field numbers as in etcd's
// rpc.proto and kv.proto). Generic encoding costs more than twice as much per operation as this, and a
// transaction of 128 operations is what the lease path does all day. etcd-wire.test.ts holds it against the
// .proto files that npm etcd3 ships.
import type { Compare, KeyValue, Operation } from './store.js';

export interface Header {
  /** Raw varint: compared, never computed with. */
  cluster: string;
  revision: number;
}

export interface RangeReply {
  header: Header;
  entries: KeyValue[];
  more: boolean;
}

export interface TxnReply {
  header: Header;
  succeeded: boolean;
  /** One for each range of the branch that was taken. */
  ranges: KeyValue[][];
}

export interface WatchEvent {
  deleted: boolean;
  /** Of a deletion: key and modRevision only. */
  entry: KeyValue;
}

export interface WatchReply {
  header: Header;
  created: boolean;
  canceled: boolean;
  /** Not 0: the store has forgotten what came before it. */
  compactRevision: number;
  reason: string;
  events: WatchEvent[];
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Size of a field that carries `length` bytes; every tag used here takes one byte. */
const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/** Writes into a buffer whose exact size was computed before. */
class Out {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  byte(value: number): void {
    this.bytes[this.#at++] = value;
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.#at++] = rest;
  }

  /** A length-delimited field; `length` is that of `value` in bytes. */
  field(tag: number, value: string | Buffer, length: number): void {
    this.byte(tag);
    this.varint(length);
    if (typeof value !== 'string') value.copy(this.bytes, this.#at);
    else if (length === value.length) this.bytes.latin1Write(value, this.#at, length);
    else this.bytes.utf8Write(value, this.#at, length);
    this.#at += length;
  }

  open(tag: number, length: number): void {
    this.byte(tag);
    this.varint(length);
  }
}

declare global {
  interface Buffer {
    latin1Write(text: string, offset: number, length: number): number;
    utf8Write(text: string, offset: number, length: number): number;
    latin1Slice(start: number, end: number): string;
  }
}

const sizeOf = (value: string | Buffer): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length;

/** TxnRequest. What `compare` holds is read afterwards when it fails: ranges in the failure branch would be
 *  written to the log of every member with each transaction. */
export function encodeTxn(
  compare: readonly Compare[],
  operations: readonly Operation[],
  /** Of each operation, 0 or left out: none. */
  leases: readonly number[] = [],
): Buffer {
  const sizes: number[] = [];
  let total = 0;
  for (const { key, modRevision } of compare) {
    const keySize = sizeOf(key);
    const inner = 2 + fieldSize(keySize) + 1 + varintSize(modRevision);
    sizes.push(keySize, inner);
    total += fieldSize(inner);
  }
  for (const [i, operation] of operations.entries()) {
    const keySize = sizeOf('put' in operation ? operation.put : operation.delete);
    const valueSize = 'put' in operation ? sizeOf(operation.value) : 0;
    const lease = leases[i] ?? 0;
    const leaseSize = lease === 0 ? 0 : 1 + varintSize(lease);
    const inner = fieldSize(keySize) + ('put' in operation ? fieldSize(valueSize) + leaseSize : 0);
    sizes.push(keySize, valueSize, inner);
    total += fieldSize(fieldSize(inner));
  }
  const out = new Out(total);
  let s = 0;
  for (const { key, modRevision } of compare) {
    const keySize = sizes[s++] as number;
    out.open(0x0a, sizes[s++] as number);
    out.byte(0x10); // target = MOD
    out.byte(2);
    out.field(0x1a, key, keySize);
    out.byte(0x30); // mod_revision
    out.varint(modRevision);
  }
  for (const [i, operation] of operations.entries()) {
    const keySize = sizes[s++] as number;
    const valueSize = sizes[s++] as number;
    const inner = sizes[s++] as number;
    const lease = leases[i] ?? 0;
    out.open(0x12, fieldSize(inner));
    if ('put' in operation) {
      out.open(0x12, inner);
      out.field(0x0a, operation.put, keySize);
      out.field(0x12, operation.value, valueSize);
      if (lease === 0) continue;
      out.byte(0x18);
      out.varint(lease);
    } else {
      out.open(0x1a, inner);
      out.field(0x0a, operation.delete, keySize);
    }
  }
  return out.bytes;
}

/** LeaseGrantRequest with an id of our own. */
export function encodeLeaseGrant(id: number, ttl: number): Buffer {
  const out = new Out(2 + varintSize(ttl) + varintSize(id));
  out.byte(0x08);
  out.varint(ttl);
  out.byte(0x10);
  out.varint(id);
  return out.bytes;
}

/** TxnRequest that reads each key: no compare, so the ranges of its success branch are answered. */
export function encodeReads(keys: readonly string[]): Buffer {
  const sizes = keys.map(sizeOf);
  const out = new Out(sizes.reduce((sum, size) => sum + fieldSize(fieldSize(fieldSize(size))), 0));
  keys.forEach((key, i) => {
    const size = sizes[i] as number;
    out.open(0x12, fieldSize(fieldSize(size)));
    out.open(0x0a, fieldSize(size));
    out.field(0x0a, key, size);
  });
  return out.bytes;
}

export interface RangeQuery {
  key: string | Buffer;
  /** Exclusive; left out: that one key. */
  end?: Buffer;
  limit?: number;
  /** 0 or left out: now. */
  revision?: number;
  countOnly?: boolean;
}

/** RangeRequest; linearizable, in key order. */
export function encodeRange({ key, end, limit = 0, revision = 0, countOnly = false }: RangeQuery): Buffer {
  const keySize = sizeOf(key);
  let size = fieldSize(keySize) + (end ? fieldSize(end.length) : 0) + (countOnly ? 2 : 0);
  if (limit > 0) size += 1 + varintSize(limit);
  if (revision > 0) size += 1 + varintSize(revision);
  const out = new Out(size);
  out.field(0x0a, key, keySize);
  if (end) out.field(0x12, end, end.length);
  if (limit > 0) {
    out.byte(0x18);
    out.varint(limit);
  }
  if (revision > 0) {
    out.byte(0x20);
    out.varint(revision);
  }
  if (countOnly) {
    out.byte(0x48);
    out.byte(1);
  }
  return out.bytes;
}

/** WatchRequest that creates a watch from `revision` on. */
export function encodeWatch(key: Buffer, end: Buffer, revision: number): Buffer {
  const inner = fieldSize(key.length) + fieldSize(end.length) + 1 + varintSize(revision);
  const out = new Out(fieldSize(inner));
  out.open(0x0a, inner);
  out.field(0x0a, key, key.length);
  out.field(0x12, end, end.length);
  out.byte(0x18);
  out.varint(revision);
  return out.bytes;
}

/** First key after every key that begins with `prefix`. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.from([0]);
}
