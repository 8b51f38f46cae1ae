// SPDX-License-Identifier: MPL-2.0
// Bytes of the embedded store: how an entry lies in LMDB, and how a transaction travels to the thread that
// writes. The value of a put travels with room for its head before it, so that it is stored without a copy.
import type { Compare, KeyValue, Operation } from './store.js';

/** Before each value in the file: create revision, modification revision, when it goes (s, 0: never); doubles. */
export const headBytes = 24;
/** Bytes; LMDB takes 1,978 with pages of 4 KiB, and the index of what goes by itself adds 8. */
export const longestKey = 1900;

const compareHead = 12; // revision, length of the key
const operationHead = 17; // kind, when it goes, lengths of key and value
const kindPut = 1;
const kindDelete = 2;

/** A part of an encoded transaction; views of its bytes, valid as long as those are. */
export interface StoredWrite {
  key: Buffer;
  /** With room for the head in front; undefined: a delete. */
  record: Buffer | undefined;
  /** When it goes by itself, s on the store's clock; 0: never. */
  goes: number;
}

export interface Encoded {
  bytes: ArrayBuffer;
  /** Of keys and values that are put. */
  size: number;
}

const sizeOf = (value: string | Buffer): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length;

function writeText(out: Buffer, at: number, text: string | Buffer, size: number): void {
  if (typeof text !== 'string') text.copy(out, at);
  else if (size === text.length) out.latin1Write(text, at, size);
  else out.utf8Write(text, at, size);
}

/**
 * @param now the store's clock, s; what has a `ttl` goes that much later.
 * @returns bytes of their own, so that they can be handed to another thread.
 */
export function encodeTransaction(
  compare: readonly Compare[],
  operations: readonly Operation[],
  now: number,
): Encoded {
  const sizes: number[] = [];
  let total = 8;
  let size = 0;
  for (const { key } of compare) {
    const keySize = sizeOf(key);
    sizes.push(keySize);
    total += compareHead + keySize;
  }
  for (const operation of operations) {
    const put = 'put' in operation;
    const keySize = sizeOf(put ? operation.put : operation.delete);
    const valueSize = put ? sizeOf(operation.value) : 0;
    sizes.push(keySize, valueSize);
    total += operationHead + keySize + (put ? headBytes + valueSize : 0);
    if (put) size += keySize + valueSize;
  }
  const out = Buffer.allocUnsafeSlow(total);
  out.writeUInt32LE(compare.length, 0);
  out.writeUInt32LE(operations.length, 4);
  let at = 8;
  let s = 0;
  for (const { key, modRevision } of compare) {
    const keySize = sizes[s++] as number;
    out.writeDoubleLE(modRevision, at);
    out.writeUInt32LE(keySize, at + 8);
    writeText(out, at + compareHead, key, keySize);
    at += compareHead + keySize;
  }
  for (const operation of operations) {
    const put = 'put' in operation;
    const keySize = sizes[s++] as number;
    const valueSize = sizes[s++] as number;
    out[at] = put ? kindPut : kindDelete;
    out.writeDoubleLE(put && operation.ttl !== undefined ? now + operation.ttl : 0, at + 1);
    out.writeUInt32LE(keySize, at + 9);
    out.writeUInt32LE(valueSize, at + 13);
    at += operationHead;
    writeText(out, at, put ? operation.put : operation.delete, keySize);
    at += keySize;
    if (!put) continue;
    writeText(out, at + headBytes, operation.value, valueSize);
    at += headBytes + valueSize;
  }
  return { bytes: out.buffer as ArrayBuffer, size };
}

/** Goes through an encoded transaction: first every compare, then every write. */
export class TransactionReader {
  readonly compares: number;
  readonly writes: number;
  readonly #bytes: Buffer;
  #at = 8;

  constructor(bytes: ArrayBuffer) {
    this.#bytes = Buffer.from(bytes);
    this.compares = this.#bytes.readUInt32LE(0);
    this.writes = this.#bytes.readUInt32LE(4);
  }

  compare(): { key: Buffer; modRevision: number } {
    const modRevision = this.#bytes.readDoubleLE(this.#at);
    const start = this.#at + compareHead;
    this.#at = start + this.#bytes.readUInt32LE(this.#at + 8);
    return { key: this.#bytes.subarray(start, this.#at), modRevision };
  }

  /** Of a transaction whose compares need not be looked at. */
  *allWrites(): Generator<StoredWrite> {
    for (let i = 0; i < this.compares; i++) this.compare();
    for (let i = 0; i < this.writes; i++) yield this.write();
  }

  write(): StoredWrite {
    const bytes = this.#bytes;
    const start = this.#at + operationHead;
    const put = bytes[this.#at] === kindPut;
    const goes = bytes.readDoubleLE(this.#at + 1);
    const keyEnd = start + bytes.readUInt32LE(this.#at + 9);
    this.#at = keyEnd + (put ? headBytes + bytes.readUInt32LE(this.#at + 13) : 0);
    const record = put ? bytes.subarray(keyEnd, this.#at) : undefined;
    return { key: bytes.subarray(start, keyEnd), record, goes };
  }
}

export function writeHead(record: Buffer, create: number, mod: number, goes: number): void {
  record.writeDoubleLE(create, 0);
  record.writeDoubleLE(mod, 8);
  record.writeDoubleLE(goes, 16);
}

/** @param record as stored; the entry's value is a view of it. */
export const entryOf = (key: string, record: Buffer): KeyValue => ({
  key,
  value: record.subarray(headBytes),
  createRevision: record.readDoubleLE(0),
  modRevision: record.readDoubleLE(8),
});

/** Key in the index of what goes by itself: when (ms, big-endian, so that the next is first), then the key. */
export function expiryKey(goes: number, key: Buffer): Buffer {
  const out = Buffer.allocUnsafe(8 + key.length);
  out.writeBigUInt64BE(BigInt(Math.ceil(goes * 1000)), 0);
  key.copy(out, 8);
  return out;
}

/** What the store says of itself, written with every transaction. */
export interface Meta {
  /** Of the layout; another one is refused. */
  format: number;
  /** Made with the file: another one is another store. */
  id: string;
  revision: number;
  entries: number;
  /** Of keys and values. */
  bytes: number;
}

export const format = 1;
