// SPDX-License-Identifier: MPL-2.0
// How a copy lies in the cache's file: a head, which says what it is, and its keys below an id. What has no head
// is no copy.
import { setImmediate as turn } from 'node:timers/promises';
import { NnoeError } from '../errors.js';
import type { EmbeddedStore } from './embedded.js';
import { longestKey } from './embedded-format.js';
import type { KeyValue, Operation, Page } from './store.js';

/** What is known of a copy, in a key of its own. */
export interface CopyHead {
  /** Stands before the keys of the copy: 8 hexadecimal digits. */
  id: string;
  /** Of the configuration that it was made with: see `identityOf` in cache.ts. */
  identity: string;
  /** The cluster's own id; empty: it did not say. */
  cluster: string;
  revision: number;
  /** Wall clock, s: when the copy was last known to be current. */
  when: number;
  entries: number;
  /** Of keys and values. */
  bytes: number;
}

/** A copy as it was handed out; `get` and `list` show the same. */
export interface CachedCopy {
  entries: KeyValue[];
  readonly revision: number;
  /** s since it was current. */
  age(): number;
  get(key: string): Promise<KeyValue | undefined>;
  list(
    prefix: string,
    options: { pageSize?: number; after?: string; signal?: AbortSignal },
  ): AsyncIterable<Page>;
}

export const idLength = 8;
export const headKey = (prefix: string): string => `p${prefix}`;
export const dataKey = (id: string, key = ''): string => `d${id}${key}`;
/** Of a key that a copy can hold, bytes; etcd takes longer ones. */
export const longestCopied = longestKey - idLength - 1;

/** Operations that are put together in one turn of the event loop. */
const atOnce = 500;
/** A disk that takes longer than this (ms) gets no more of a copy. */
const patience = 30_000;

export const wallClock = (): number => Date.now() / 1000;
export const ageOf = ({ when }: CopyHead): number => Math.max(0, wallClock() - when);
export const sizeOf = ({ key, value }: KeyValue): number => Buffer.byteLength(key) + value.length;

/** Of the longest, bytes. */
export function longestOf(keys: Iterable<string>): number {
  let longest = 0;
  for (const key of keys) longest = Math.max(longest, Buffer.byteLength(key));
  return longest;
}

/** Whether two ids of clusters, each empty when it is not known, are of two. */
export const isOther = (a: string, b: string): boolean => a !== '' && b !== '' && a !== b;

/** What a listing shows, begun anew as often as compaction overtakes it. */
export async function listed(
  list: (signal: AbortSignal) => AsyncIterable<Page>,
  signal: AbortSignal,
): Promise<{ entries: KeyValue[]; revision: number }> {
  for (;;) {
    signal.throwIfAborted();
    const entries: KeyValue[] = [];
    let revision = 0;
    try {
      for await (const page of list(signal)) {
        for (const entry of page.entries) entries.push(entry);
        revision = page.revision;
      }
      return { entries, revision };
    } catch (error) {
      if (!(error instanceof NnoeError) || error.code !== 'STORE_COMPACTED') throw error;
    }
  }
}

/** Undefined: it is not whole. */
export async function readCopy(store: EmbeddedStore, head: CopyHead): Promise<CachedCopy | undefined> {
  const from = dataKey(head.id);
  const entries: KeyValue[] = [];
  for await (const page of store.list(from))
    for (const entry of page.entries) entries.push(restored(entry, from));
  if (entries.length !== head.entries) return undefined;
  return {
    ...{ entries, revision: head.revision },
    age: () => ageOf(head),
    async get(key) {
      const entry = await store.get(from + key);
      return entry && restored(entry, from);
    },
    async *list(prefix, { pageSize, after, signal }) {
      const options = {
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(after === undefined ? {} : { after: from + after }),
        ...(signal === undefined ? {} : { signal }),
      };
      for await (const page of store.list(from + prefix, options))
        yield { revision: head.revision, entries: page.entries.map((each) => restored(each, from)) };
    },
  };
}

/** What turns the copy `id` into these entries, which may be all of it. */
export async function differences(
  store: EmbeddedStore,
  id: string,
  entries: readonly KeyValue[],
): Promise<Iterable<Operation>> {
  const wanted = new Map<string, KeyValue>();
  for (const [i, entry] of entries.entries()) {
    wanted.set(entry.key, entry);
    if (i % 5000 === 4999) await turn();
  }
  const deletions = await compare(store, id, wanted);
  return (function* () {
    yield* deletions;
    for (const entry of wanted.values()) yield kept(id, entry);
  })();
}

/** Takes from `wanted` what the copy holds as it should be. @returns the deletion of what it should not hold. */
async function compare(
  store: EmbeddedStore,
  id: string,
  wanted: Map<string, KeyValue>,
): Promise<Operation[]> {
  const deletions: Operation[] = [];
  const from = dataKey(id);
  // Page by page: all of it at a time would be a second copy in memory.
  for await (const page of store.list(from)) {
    for (const stored of page.entries) {
      const held = restored(stored, from);
      const entry = wanted.get(held.key);
      if (entry === undefined) deletions.push({ delete: stored.key });
      else if (isSame(held, entry)) wanted.delete(held.key);
    }
    await turn();
  }
  return deletions;
}

/** What alters the copy, and its head as it is afterwards. @param changes undefined: the key is gone. */
export async function alterations(
  store: EmbeddedStore,
  before: CopyHead,
  changes: ReadonlyMap<string, KeyValue | undefined>,
): Promise<{ operations: Operation[]; head: CopyHead }> {
  const head = { ...before };
  const operations: Operation[] = [];
  for (const [key, entry] of changes) {
    const at = dataKey(head.id, key);
    const was = await store.get(at);
    if (was !== undefined) {
      head.entries--;
      head.bytes -= sizeOf(restored(was, dataKey(head.id)));
    }
    if (entry !== undefined) {
      head.entries++;
      head.bytes += sizeOf(entry);
      operations.push(kept(head.id, entry));
    } else if (was !== undefined) operations.push({ delete: at });
  }
  return { operations, head };
}

/** As one transaction, with the head that they make true. */
export async function writeCopy(
  store: EmbeddedStore,
  prefix: string,
  operations: Iterable<Operation>,
  head: CopyHead,
): Promise<void> {
  const headPut = { put: headKey(prefix), value: JSON.stringify(head) };
  await store.commitParts(slices(operations, headPut), AbortSignal.timeout(patience));
}

/** Made as they are taken, so that others have a turn between two; `last` in one of its own. */
function* slices(operations: Iterable<Operation>, last: Operation): Generator<Operation[]> {
  let slice: Operation[] = [];
  for (const operation of operations) {
    slice.push(operation);
    if (slice.length < atOnce) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
  yield [last];
}

/** Its head first. */
export async function removeCopy(store: EmbeddedStore, prefix: string, { id }: CopyHead): Promise<void> {
  await store.commit({ operations: [{ delete: headKey(prefix) }] }, AbortSignal.timeout(patience));
  await removeData(store, id);
}

/** Deletes what lies below an id. */
export async function removeData(store: EmbeddedStore, id: string): Promise<void> {
  for await (const { entries } of store.list(dataKey(id), { pageSize: atOnce }))
    if (entries.length > 0)
      await store.commit(
        { operations: entries.map(({ key }) => ({ delete: key })) },
        AbortSignal.timeout(patience),
      );
}

/** Also by value: another cluster can have given the same revision to something else. */
const isSame = (held: KeyValue, entry: KeyValue): boolean =>
  held.modRevision === entry.modRevision &&
  held.createRevision === entry.createRevision &&
  held.value.equals(entry.value);

/** In the copy the remote's revisions stand before the value. */
const revisions = 16;

function kept(id: string, { key, value, createRevision, modRevision }: KeyValue): Operation {
  const record = Buffer.allocUnsafe(revisions + value.length);
  record.writeDoubleLE(createRevision, 0);
  record.writeDoubleLE(modRevision, 8);
  value.copy(record, revisions);
  return { put: dataKey(id, key), value: record };
}

const restored = ({ key, value }: KeyValue, from: string): KeyValue => ({
  key: key.slice(from.length),
  value: value.subarray(revisions),
  createRevision: value.readDoubleLE(0),
  modRevision: value.readDoubleLE(8),
});
