// SPDX-License-Identifier: MPL-2.0
// The store `embedded`: keys and values in one LMDB file on this machine, for one host. Reads are answered from
// the map on the event loop; writes go to a thread of their own (embedded-writer.ts), which syncs the disk once
// for all that came meanwhile. What `commit` resolved survives the end of the process and of the machine.
import { setImmediate as turn } from 'node:timers/promises';
import { NnoeError, reasonOf } from '../errors.js';
import { Commits } from './embedded-commits.js';
import { openReadTables, type ReadTables } from './embedded-env.js';
import { openStoreFile, type StoreFile } from './embedded-file.js';
import { EmbeddedFollow } from './embedded-follow.js';
import { encodeTransaction, entryOf, type Meta, TransactionReader } from './embedded-format.js';
import { damaged, Reading, readKey, readMeta } from './embedded-read.js';
import type { WriteResult } from './embedded-writer.js';
import { checkOperations, tooLarge } from './operations.js';
import type {
  CacheSize,
  Change,
  CommitResult,
  Compare,
  Follow,
  FollowHandlers,
  KeyValue,
  Operation,
  Page,
  Store,
  StoreHealth,
  Transaction,
} from './store.js';

export interface EmbeddedOptions {
  /** Made when it is not there. */
  directory: string;
  /** Of the files in the directory, without their endings. */
  name?: string;
  /** Most bytes that keys and values may fill, with what LMDB needs to find them. */
  maxSize?: number;
}

/** Larger transactions gain nothing: all that wait share one sync. */
const limits = { operations: 512, bytes: 4_000_000 } as const;
/** What a request may weigh beside keys and values, bytes. */
const slack = 60_000;
const defaultPage = 1000;
const defaultSize = 8 * 2 ** 30;
/** A listing that rests longer than this (ms) is given up: the file cannot reuse pages meanwhile. */
const longestRest = 60_000;
/** ms between two looks after the file and after listings. */
const lookEvery = 5000;

/** s; one clock for all threads. */
const monotonic = () => Number(process.hrtime.bigint()) / 1e9;

export class EmbeddedStore implements Store {
  readonly name = 'embedded';
  readonly limits = limits;
  /** It was made just now: it is empty. */
  readonly created: boolean;
  readonly #file: StoreFile;
  readonly #tables: ReadTables;
  readonly #commits: Commits;
  /** From the monotonic clock to the wall clock as it was at the start, s: steady when the wall clock jumps. */
  readonly #clockOffset = Date.now() / 1000 - monotonic();
  readonly #follows = new Set<EmbeddedFollow>();
  readonly #readings = new Set<Reading>();
  readonly #looks: NodeJS.Timeout;
  #meta: Meta;
  #closed: Promise<void> | undefined;

  /** @throws NnoeError STORE_DIRECTORY, STORE_DISK_FULL, STORE_LOCKED, STORE_DAMAGED, STORE_FORMAT. */
  constructor({ directory, name = 'data', maxSize = defaultSize }: EmbeddedOptions) {
    this.#file = openStoreFile(directory, name);
    this.created = this.#file.created;
    const file = this.#file.path;
    try {
      this.#tables = openReadTables(file);
      this.#meta = readMeta(this.#tables, file);
    } catch (error) {
      this.#file.release(false);
      throw error instanceof NnoeError ? error : damaged(file, reasonOf(error), error);
    }
    this.#commits = new Commits({
      ...{ directory, file, maxSize, clockOffset: this.#clockOffset },
      written: (results, meta) => this.#written(results, meta),
      swept: (keys, meta) => this.#swept(keys, meta),
    });
    this.#looks = setInterval(() => this.#look(), lookEvery);
    this.#looks.unref();
  }

  #look(): void {
    if (!this.#file.present())
      this.#commits.end('STORE_REPLACED', `${this.#file.path} was removed or replaced`);
    for (const reading of this.#readings)
      if (performance.now() - reading.used > longestRest) this.#end(reading);
  }

  health(): StoreHealth {
    const { trouble } = this.#commits;
    if (trouble !== undefined) return { state: 'down', code: trouble.code, reason: trouble.message };
    return { state: 'ok', reason: `${this.#meta.entries} keys in ${this.#file.path}` };
  }

  /** What it holds. */
  get size(): CacheSize {
    const { entries, bytes } = this.#meta;
    return { entries, bytes };
  }

  async ready(signal?: AbortSignal): Promise<void> {
    this.#check(signal);
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    this.#check(signal);
    return readKey(this.#tables, key);
  }

  async *list(
    prefix: string,
    options: { pageSize?: number; after?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<Page> {
    const { pageSize = defaultPage, signal } = options;
    this.#check(signal);
    const reading = this.#begin();
    try {
      let { after } = options;
      for (let first = true; ; first = false) {
        const entries = await reading.page(prefix, after, pageSize);
        this.#check(signal);
        if (entries.length > 0 || first) yield { revision: reading.revision, entries };
        this.#check(signal);
        after = entries.at(-1)?.key;
        if (entries.length < pageSize) return;
      }
    } finally {
      this.#end(reading);
    }
  }

  #begin(): Reading {
    const reading = new Reading(this.#tables, this.#file.path);
    this.#readings.add(reading);
    return reading;
  }

  #end(reading: Reading): void {
    reading.end();
    this.#readings.delete(reading);
  }

  async commit({ compare = [], operations }: Transaction, signal?: AbortSignal): Promise<CommitResult> {
    this.#check(signal);
    const count = Math.max(compare.length, operations.length);
    if (count > limits.operations) throw tooLarge(`${count} operations`);
    checkOperations(this.name, compare, operations);
    if (operations.length === 0) return this.#compare(compare);
    const { bytes, size } = encodeTransaction(compare, operations, this.#now());
    if (size > limits.bytes + slack) throw tooLarge(`${size} bytes`);
    return this.#commits.write([bytes], signal);
  }

  /**
   * One transaction in many parts, of any size, put together without holding up the event loop for long.
   * @param parts no key twice, neither in one nor in several.
   */
  async commitParts(parts: Iterable<Operation[]>, signal?: AbortSignal): Promise<CommitResult> {
    const encoded: ArrayBuffer[] = [];
    for (const operations of parts) {
      encoded.push(encodeTransaction([], operations, this.#now()).bytes);
      await turn();
      this.#check(signal);
    }
    return this.#commits.write(encoded, signal);
  }

  #now(): number {
    return monotonic() + this.#clockOffset;
  }

  #compare(compare: readonly Compare[]): CommitResult {
    const current = compare.map(({ key }) => readKey(this.#tables, key));
    const committed = compare.every(({ modRevision }, i) => (current[i]?.modRevision ?? 0) === modRevision);
    return { committed, revision: this.#meta.revision, retried: false, current: committed ? [] : current };
  }

  #written(results: WriteResult[], meta: Meta): void {
    this.#seen(meta);
    if (this.#follows.size > 0)
      for (const result of results) if (result.outcome === 'committed') this.#publish(result);
  }

  /** What is read from now on shows at least this. */
  #seen(meta: Meta): void {
    this.#meta = meta;
    this.#tables.environment.resetReadTxn();
  }

  #publish({ facts, parts, revision }: WriteResult): void {
    const changes = new Map<EmbeddedFollow, Change[]>();
    let i = 0;
    for (const part of parts)
      for (const { key, record } of new TransactionReader(part).allWrites()) {
        const wasThere = facts[i++] !== 0;
        if (record === undefined && !wasThere) continue;
        let change: Change | undefined;
        for (const follow of this.#follows) {
          if (!follow.covers(key)) continue;
          change ??= changeOf(key.toString(), record, revision);
          const its = changes.get(follow);
          if (its === undefined) changes.set(follow, [change]);
          else its.push(change);
        }
      }
    for (const [follow, its] of changes) follow.push(its, revision);
  }

  #swept(keys: string[], meta: Meta): void {
    this.#seen(meta);
    const { revision } = meta;
    for (const follow of this.#follows) {
      const its = keys.filter((key) => key.startsWith(follow.prefix));
      if (its.length === 0) continue;
      follow.push(
        its.map((key) => changeOf(key, undefined, revision)),
        revision,
      );
    }
  }

  follow(prefix: string, handlers: FollowHandlers): Follow {
    const follow = new EmbeddedFollow(prefix, handlers, {
      snapshot: () => this.#snapshot(prefix),
      ended: () => this.#follows.delete(follow),
    });
    this.#follows.add(follow);
    return follow;
  }

  async #snapshot(prefix: string): Promise<{ entries: KeyValue[]; revision: number }> {
    const reading = this.#begin();
    try {
      const entries = await reading.page(prefix, undefined, Number.POSITIVE_INFINITY);
      return { entries, revision: reading.revision };
    } finally {
      this.#end(reading);
    }
  }

  /** Never: a file that was replaced is not written any more (STORE_REPLACED) until the host starts again. */
  onReset(_: () => void): void {
    // nothing can call it
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new NnoeError('STORE_CLOSED');
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#looks);
    await Promise.all([...this.#follows].map((follow) => follow.close()));
    await this.#commits.close();
    for (const reading of this.#readings) this.#end(reading);
    await this.#tables.environment.close();
    this.#file.release(!this.#commits.ended);
  }
}

const changeOf = (key: string, record: Buffer | undefined, revision: number): Change =>
  record === undefined
    ? { type: 'delete', key, modRevision: revision }
    : { type: 'put', entry: entryOf(key, record) };

/**
 * Opens it, and makes it when it is not there.
 * @throws NnoeError STORE_DIRECTORY, STORE_DISK_FULL, STORE_LOCKED, STORE_DAMAGED, STORE_FORMAT.
 */
export const embeddedStore = (options: EmbeddedOptions): EmbeddedStore => new EmbeddedStore(options);
