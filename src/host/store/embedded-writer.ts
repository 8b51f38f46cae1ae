// SPDX-License-Identifier: MPL-2.0
// The thread that writes the embedded store. Whatever transactions have come while the disk was busy go into
// one transaction of LMDB, with one sync for all; what goes by itself is deleted from here too.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { metaKey, openWriteTables, pagesOf } from './embedded-env.js';
import { entryOf, expiryKey, headBytes, type Meta, TransactionReader, writeHead } from './embedded-format.js';
import type { KeyValue } from './store.js';

export interface WriterData {
  file: string;
  /** Most bytes of pages in use. */
  maxSize: number;
  /** What to add to the machine's monotonic clock to get the store's, s. */
  clockOffset: number;
}

/** One transaction, in one or several encoded parts; compares stand in the first. */
export interface WriteRequest {
  id: number;
  parts: ArrayBuffer[];
}

export type ToWriter = { kind: 'commit'; requests: WriteRequest[] } | { kind: 'close' };

export interface WriteResult {
  id: number;
  outcome: 'committed' | 'refused' | 'full';
  revision: number;
  /** Of each write in order: the create revision of a put; 1 or 0 for a delete: whether the key was there. */
  facts: Float64Array;
  /** When refused: what each compared key holds. */
  current: (KeyValue | undefined)[];
  parts: ArrayBuffer[];
}

export type FromWriter =
  | { kind: 'done'; results: WriteResult[]; meta: Meta }
  | { kind: 'failed'; requests: WriteRequest[]; code: number; reason: string }
  | { kind: 'swept'; keys: string[]; meta: Meta }
  | { kind: 'closed' };

/** Requests that one sync is to carry at most, so that none waits for ever. */
const mostTogether = 256;
/** Keys that one transaction takes away when their time has come. */
const mostSwept = 1000;
const sweepRetry = 1000; // ms, after an error
const longestTimer = 2 ** 31 - 1; // ms

const { file, maxSize, clockOffset } = workerData as WriterData;
const port = parentPort as NonNullable<typeof parentPort>;
const { environment, entries, expiry, meta } = openWriteTables(file);
let state = meta.get(metaKey) as Meta;
let sweepTimer: NodeJS.Timeout | undefined;

const send = (message: FromWriter, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const clock = () => Number(process.hrtime.bigint()) / 1e9 + clockOffset;
const spaceUsed = () => pagesOf(entries) + pagesOf(expiry);

interface Old {
  create: number;
  mod: number;
  goes: number;
  /** Of the stored record. */
  size: number;
}

function old(key: Buffer): Old | undefined {
  const record = entries.getBinaryFast(key);
  if (record === undefined) return undefined;
  // What is lent is not always a Buffer, and no more than the head is wanted.
  const head = Buffer.from(record.buffer, record.byteOffset, headBytes);
  return {
    create: head.readDoubleLE(0),
    mod: head.readDoubleLE(8),
    goes: head.readDoubleLE(16),
    size: record.length,
  };
}

/** What the compares found, when they do not all hold. */
function refusal(reader: TransactionReader): (KeyValue | undefined)[] | undefined {
  const keys: Buffer[] = [];
  let holds = true;
  for (let i = 0; i < reader.compares; i++) {
    const { key, modRevision } = reader.compare();
    keys.push(key);
    if (holds && (old(key)?.mod ?? 0) !== modRevision) holds = false;
  }
  if (holds) return undefined;
  return keys.map((key) => {
    const record = entries.getBinary(key);
    return record && entryOf(key.toString(), record);
  });
}

function forget(key: Buffer, was: Old): void {
  if (was.goes > 0) expiry.remove(expiryKey(was.goes, key));
  state.entries--;
  state.bytes -= key.length + was.size - headBytes;
}

/** Applies the writes; returns what there is to say of each. */
function apply(readers: TransactionReader[], revision: number): { facts: Float64Array; changed: boolean } {
  const facts = new Float64Array(readers.reduce((sum, { writes }) => sum + writes, 0));
  let i = 0;
  let changed = false;
  for (const reader of readers)
    for (let w = 0; w < reader.writes; w++, i++) {
      const { key, record, goes } = reader.write();
      const was = old(key);
      if (was !== undefined) forget(key, was);
      changed ||= was !== undefined || record !== undefined;
      if (record === undefined) {
        facts[i] = was === undefined ? 0 : 1;
        if (was !== undefined) entries.remove(key);
        continue;
      }
      const create = was?.create ?? revision;
      facts[i] = create;
      writeHead(record, create, revision, goes);
      entries.put(key, record);
      if (goes > 0) expiry.put(expiryKey(goes, key), one);
      state.entries++;
      state.bytes += key.length + record.length - headBytes;
    }
  return { facts, changed };
}

const one = Buffer.from([1]);
const none = new Float64Array(0);
const bytesOf = ({ parts }: WriteRequest) => parts.reduce((sum, part) => sum + part.byteLength, 0);

/** Whether there is something that takes space. */
const puts = (parts: ArrayBuffer[]) =>
  parts.some((part) => {
    for (const { record } of new TransactionReader(part).allWrites()) if (record !== undefined) return true;
    return false;
  });

function perform(request: WriteRequest, full: boolean): WriteResult {
  const { id, parts } = request;
  const readers = parts.map((part) => new TransactionReader(part));
  const current = readers[0] && refusal(readers[0]);
  const result = { id, revision: state.revision, facts: none, current: current ?? [], parts };
  if (current !== undefined) return { ...result, outcome: 'refused' };
  if (full && puts(parts)) return { ...result, outcome: 'full' };
  const revision = state.revision + 1;
  const { facts, changed } = apply(readers, revision);
  if (changed) state.revision = revision;
  return { ...result, outcome: 'committed', revision: state.revision, facts };
}

function write(requests: WriteRequest[]): void {
  const before = { ...state };
  let room = 0;
  try {
    const results = environment.transactionSync(() => {
      room = maxSize - spaceUsed();
      const done = requests.map((request) => {
        room -= bytesOf(request);
        return perform(request, room < 0);
      });
      if (state.revision !== before.revision) meta.put(metaKey, state);
      return done;
    });
    const transfer = requests.flatMap(({ parts }) => parts);
    send({ kind: 'done', results, meta: { ...state } }, transfer);
  } catch (error) {
    state = before;
    const { code = 0, message } = error as Error & { code?: number };
    const transfer = requests.flatMap(({ parts }) => parts);
    send({ kind: 'failed', requests, code, reason: message }, transfer);
    return;
  }
  plan();
}

/** When the first key goes, ms from now; undefined: none will. */
function untilNext(): number | undefined {
  for (const key of expiry.getKeys({ limit: 1 }))
    return Number((key as Buffer).readBigUInt64BE(0)) - clock() * 1000;
  return undefined;
}

function plan(): void {
  clearTimeout(sweepTimer);
  const next = untilNext();
  sweepTimer =
    next === undefined ? undefined : setTimeout(sweep, Math.min(Math.max(next, 0) + 1, longestTimer));
}

function sweep(): void {
  const before = { ...state };
  try {
    const keys = environment.transactionSync(() => {
      const end = expiryKey(clock(), Buffer.alloc(0));
      const due = [...expiry.getKeys({ end, limit: mostSwept })].map((key) => key.subarray(8));
      for (const key of due) {
        const was = old(key);
        if (was === undefined) continue;
        forget(key, was);
        entries.remove(key);
      }
      if (due.length === 0) return [];
      state.revision++;
      meta.put(metaKey, state);
      return due.map((key) => key.toString());
    });
    if (keys.length > 0) send({ kind: 'swept', keys, meta: { ...state } });
  } catch {
    // The disk is full, or worse: whoever writes is told; this is tried again.
    state = before;
    sweepTimer = setTimeout(sweep, sweepRetry);
    return;
  }
  plan();
}

/** @returns whether to go on. */
function take(message: ToWriter, requests: WriteRequest[]): boolean {
  if (message.kind === 'close') return false;
  requests.push(...message.requests);
  return true;
}

port.on('message', async (first: ToWriter) => {
  const requests: WriteRequest[] = [];
  let open = take(first, requests);
  while (open && requests.length < mostTogether) {
    const more = receiveMessageOnPort(port) as { message: ToWriter } | undefined;
    if (more === undefined) break;
    open = take(more.message, requests);
  }
  if (requests.length > 0) write(requests);
  if (open) return;
  clearTimeout(sweepTimer);
  await environment.close();
  send({ kind: 'closed' });
  port.close();
});

plan();
