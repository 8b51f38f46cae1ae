// SPDX-License-Identifier: MPL-2.0
// The messages of etcd's API that the store uses, as bytes (protobuf; field numbers as in etcd's
// rpc.proto and kv.proto). Generic encoding costs more than twice as much per operation as this, and a
// transaction of 128 operations is what the lease path does all day. etcd-wire.test.ts holds it against the
// .proto files that npm etcd3 ships.
import type { LeasedOperation, LeaseGrant, RangeQuery, WatchQuery } from './etcd-protocol.js';
import type { Compare } from './store.js';

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
    if (typeof value !== 'string') this.bytes.set(value, this.#at);
    else if (length === value.length) this.bytes.latin1Write(value, this.#at, length);
    else this.bytes.utf8Write(value, this.#at, length);
    this.#at += length;
  }

  open(tag: number, length: number): void {
    this.byte(tag);
    this.varint(length);
  }

  number(tag: number, value: number): void {
    this.byte(tag);
    this.varint(value);
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
export function encodeTxn(compare: readonly Compare[], operations: readonly LeasedOperation[]): Buffer {
  const sizes: number[] = [];
  let total = 0;
  for (const { key, modRevision } of compare) {
    const keySize = sizeOf(key);
    const inner = 2 + fieldSize(keySize) + 1 + varintSize(modRevision);
    sizes.push(keySize, inner);
    total += fieldSize(inner);
  }
  for (const operation of operations) {
    const isPut = 'put' in operation;
    const keySize = sizeOf(isPut ? operation.put : operation.delete);
    const valueSize = isPut ? sizeOf(operation.value) : 0;
    const inner = fieldSize(keySize) + (isPut ? fieldSize(valueSize) + leaseSize(operation) : 0);
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
  for (const operation of operations) {
    const keySize = sizes[s++] as number;
    const valueSize = sizes[s++] as number;
    const inner = sizes[s++] as number;
    out.open(0x12, fieldSize(inner));
    if ('put' in operation) {
      out.open(0x12, inner);
      out.field(0x0a, operation.put, keySize);
      out.field(0x12, operation.value, valueSize);
      if (operation.lease !== undefined) out.number(0x18, operation.lease);
    } else {
      out.open(0x1a, inner);
      out.field(0x0a, operation.delete, keySize);
    }
  }
  return out.bytes;
}

/** With its tag. */
const leaseSize = ({ lease }: LeasedOperation): number => (lease === undefined ? 0 : 1 + varintSize(lease));

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

/** RangeRequest; linearizable, in key order. */
export function encodeRange(query: RangeQuery): Buffer {
  const { key, end, limit = 0, revision = 0, changedSince = 0 } = query;
  const numbers: [tag: number, value: number][] = [
    [0x18, limit],
    [0x20, revision],
    [0x40, query.keysOnly ? 1 : 0],
    [0x48, query.countOnly ? 1 : 0],
    [0x50, changedSince],
  ];
  const given = numbers.filter(([, value]) => value > 0);
  const keySize = sizeOf(key);
  let size = fieldSize(keySize) + (end ? fieldSize(end.length) : 0);
  for (const [, value] of given) size += 1 + varintSize(value);
  const out = new Out(size);
  out.field(0x0a, key, keySize);
  if (end) out.field(0x12, end, end.length);
  for (const [tag, value] of given) out.number(tag, value);
  return out.bytes;
}

/** WatchRequest that creates a watch and asks to be told, now and then, that nothing happened. */
export function encodeWatch({ key, end, revision }: WatchQuery): Buffer {
  const inner = fieldSize(key.length) + fieldSize(end.length) + 1 + varintSize(revision) + 2;
  const out = new Out(fieldSize(inner));
  out.open(0x0a, inner);
  out.field(0x0a, key, key.length);
  out.field(0x12, end, end.length);
  out.number(0x18, revision);
  out.number(0x20, 1);
  return out.bytes;
}

/** LeaseGrantRequest. */
export function encodeGrant({ id, ttl }: LeaseGrant): Buffer {
  const out = new Out(2 + varintSize(ttl) + varintSize(id));
  out.number(0x08, ttl);
  out.number(0x10, id);
  return out.bytes;
}

/** AuthenticateRequest. */
export function encodeLogin(name: string, password: string): Buffer {
  const [nameSize, passwordSize] = [sizeOf(name), sizeOf(password)];
  const out = new Out(fieldSize(nameSize) + fieldSize(passwordSize));
  out.field(0x0a, name, nameSize);
  out.field(0x12, password, passwordSize);
  return out.bytes;
}
