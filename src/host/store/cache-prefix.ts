// SPDX-License-Identifier: MPL-2.0
// The copy of one followed prefix: always the prefix as it was at one revision. A snapshot is written as the
// difference to what is there, changes are gathered and written together, each as one transaction.
import { setImmediate as turn } from 'node:timers/promises';
import { reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import type { EmbeddedStore } from './embedded.js';
import type { Change, KeyValue, Operation, Page } from './store.js';

/** What is known of a copy, in a key of its own. */
export interface CopyHead {
  /** Stands before the keys of the copy: 8 hexadecimal digits. */
  id: string;
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

export interface PrefixOptions {
  prefix: string;
  store: EmbeddedStore;
  log: Logger;
  /** Of every copy on disk, once `loaded`. */
  heads: Map<string, CopyHead>;
  loaded: Promise<void>;
  /** s */
  ttl: number;
  newId(): string;
  /** Makes room for this copy to have that size; false: there is none. */
  makeRoom(prefix: string, bytes: number): Promise<boolean>;
}

export const headKey = (prefix: string): string => `p${prefix}`;
export const dataKey = (id: string, key = ''): string => `d${id}${key}`;

/** Changes are gathered for so long before they are written, ms. */
const gather = 1000;
/** Operations that are put together in one turn of the event loop. */
const atOnce = 500;
/** A disk that takes longer than this (ms) gets no more of this copy. */
const patience = 30_000;

const wallClock = () => Date.now() / 1000;
const sizeOf = ({ key, value }: KeyValue) => Buffer.byteLength(key) + value.length;

export class CachePrefix {
  readonly prefix: string;
  readonly #o: PrefixOptions;
  #feeder: object | undefined;
  /** What the remote showed and is not written yet; key to entry, undefined: gone. */
  #snapshot: { entries: KeyValue[]; revision: number } | undefined;
  #changes = new Map<string, KeyValue | undefined>();
  #revision = 0;
  /** What is on disk is the remote's state as of `head.revision`, of this life. */
  #following = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: PrefixOptions) {
    this.#o = options;
    this.prefix = options.prefix;
  }

  get head(): CopyHead | undefined {
    return this.#o.heads.get(this.prefix);
  }

  /** Of several who follow a prefix one tells what is kept: each is told in an order of its own. */
  attach(follower: object): boolean {
    if (this.#feeder !== undefined) return false;
    this.#feeder = follower;
    this.#following = false;
    return true;
  }

  detach(follower: object): void {
    if (this.#feeder === follower) this.#feeder = undefined;
  }

  get active(): boolean {
    return this.#feeder !== undefined;
  }

  /** Undefined: there is none, or it is too old. */
  async copy(): Promise<CachedCopy | undefined> {
    await this.#o.loaded;
    await this.#writing;
    const { head } = this;
    const { store, ttl } = this.#o;
    if (head === undefined || ageOf(head) > ttl) return undefined;
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

  snapshot(entries: KeyValue[], revision: number): void {
    this.#snapshot = { entries, revision };
    this.#changes.clear();
    this.#revision = revision;
    this.#following = true;
    this.#plan(0);
  }

  change(changes: Change[], revision: number): void {
    if (!this.#following) return;
    for (const change of changes)
      if (change.type === 'put') this.#changes.set(change.entry.key, change.entry);
      else this.#changes.set(change.key, undefined);
    this.#revision = revision;
    this.#plan(gather);
  }

  #plan(milliseconds: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), milliseconds);
  }

  /** Writes what is waiting, after what is being written; failures are logged, and cost only the copy. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#flush();
      } catch (error) {
        this.#following = false;
        this.#changes.clear();
        say(this.#o.log, 'STORE_CACHE_UNWRITTEN', { prefix: this.prefix, reason: reasonOf(error) });
      }
    });
    return this.#writing;
  }

  async #flush(): Promise<void> {
    await this.#o.loaded;
    const [snapshot, changes, revision] = [this.#snapshot, this.#changes, this.#revision];
    this.#snapshot = undefined;
    this.#changes = new Map();
    if (snapshot !== undefined) await this.#replace(snapshot.entries, snapshot.revision);
    if (changes.size > 0 && this.head !== undefined) await this.#alter(changes, revision);
  }

  async #replace(entries: KeyValue[], revision: number): Promise<void> {
    const id = this.head?.id ?? this.#o.newId();
    const wanted = new Map<string, KeyValue>();
    let bytes = 0;
    for (const [i, entry] of entries.entries()) {
      bytes += sizeOf(entry);
      wanted.set(entry.key, entry);
      if (i % 5000 === 4999) await turn();
    }
    const deletions = this.head === undefined ? [] : await this.#compare(id, wanted);
    const operations = function* () {
      yield* deletions;
      for (const entry of wanted.values()) yield kept(id, entry);
    };
    await this.#write(operations(), { id, revision, when: wallClock(), entries: entries.length, bytes });
  }

  /** Takes from `wanted` what the copy holds as it should be. @returns the deletion of what it should not hold. */
  async #compare(id: string, wanted: Map<string, KeyValue>): Promise<Operation[]> {
    const deletions: Operation[] = [];
    const from = dataKey(id);
    // Page by page: all of it at a time would be a second copy in memory.
    for await (const page of this.#o.store.list(from)) {
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

  async #alter(changes: Map<string, KeyValue | undefined>, revision: number): Promise<void> {
    const head = { ...(this.head as CopyHead), revision, when: wallClock() };
    const operations: Operation[] = [];
    for (const [key, entry] of changes) {
      const at = dataKey(head.id, key);
      const before = await this.#o.store.get(at);
      if (before !== undefined) {
        head.entries--;
        head.bytes -= sizeOf(restored(before, dataKey(head.id)));
      }
      if (entry !== undefined) {
        head.entries++;
        head.bytes += sizeOf(entry);
        operations.push(kept(head.id, entry));
      } else if (before !== undefined) operations.push({ delete: at });
    }
    await this.#write(operations, head);
  }

  async #write(operations: Iterable<Operation>, head: CopyHead): Promise<void> {
    if (!(await this.#o.makeRoom(this.prefix, head.bytes))) {
      this.#following = false;
      await this.#remove();
      return;
    }
    const headPut = { put: headKey(this.prefix), value: JSON.stringify(head) };
    await this.#o.store.commitParts(slices(operations, headPut), AbortSignal.timeout(patience));
    this.#o.heads.set(this.prefix, head);
  }

  /** Says on disk that what is there is current. */
  async confirm(): Promise<void> {
    if (!this.#following || this.head === undefined) return;
    await this.flush();
    if (!this.#following || this.head === undefined) return;
    const head = { ...this.head, when: wallClock() };
    this.#o.heads.set(this.prefix, head);
    const put = { put: headKey(this.prefix), value: JSON.stringify(head) };
    await this.#o.store.commit({ operations: [put] }, AbortSignal.timeout(patience)).catch(() => undefined);
  }

  /** The copy goes from the disk. */
  async #remove(): Promise<void> {
    await removeCopy(this.#o.store, this.#o.heads, this.prefix);
  }
}

/** Its head first: what has none is not served. */
export async function removeCopy(
  store: EmbeddedStore,
  heads: Map<string, CopyHead>,
  prefix: string,
): Promise<void> {
  const head = heads.get(prefix);
  heads.delete(prefix);
  if (head === undefined) return;
  await store.commit({ operations: [{ delete: headKey(prefix) }] }, AbortSignal.timeout(patience));
  await removeBelow(store, dataKey(head.id));
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

export const ageOf = ({ when }: CopyHead): number => Math.max(0, wallClock() - when);

/** Deletes everything below a prefix of the file. */
export async function removeBelow(store: EmbeddedStore, prefix: string): Promise<void> {
  for await (const { entries } of store.list(prefix, { pageSize: atOnce }))
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
