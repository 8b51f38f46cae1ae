// SPDX-License-Identifier: MPL-2.0
// The file with the copies of what is followed. It is only a cache: what is wrong with it costs the copies and
// nothing else. Copies go whole, the one that was current longest ago first: a part of one would pass keys off
// as deleted.
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { NnoeError, reasonOf } from '../errors.js';
import { say } from '../log.js';
import {
  ageOf,
  type CopyHead,
  dataKey,
  headKey,
  idLength,
  isOther,
  removeCopy,
  removeData,
} from './cache-copy.js';
import { CachePrefix, type PrefixParts } from './cache-prefix.js';
import { type EmbeddedStore, embeddedStore } from './embedded.js';
import type { CacheSize } from './store.js';

/** `cluster`, `identity`, `isCurrent` and `list` are of the remote store. */
export interface CacheFileOptions
  extends Pick<PrefixParts, 'log' | 'ttl' | 'identity' | 'cluster' | 'isCurrent' | 'list'> {
  directory: string;
  /** Bytes of keys and values. */
  maxSize: number;
}

const fileName = 'cache';
/** ms between notes on disk that the copies are current. */
const confirmEvery = 60_000;

export class CacheFile {
  readonly #o: CacheFileOptions;
  readonly #store: EmbeddedStore;
  readonly #prefixes = new Map<string, CachePrefix>();
  readonly #heads = new Map<string, CopyHead>();
  readonly #confirms: NodeJS.Timeout;
  /** Settles when what was asked of the file so far is done. */
  #last: Promise<unknown>;
  #closed = false;

  /** @throws NnoeError when there can be no cache in that directory. */
  constructor(options: CacheFileOptions) {
    this.#o = options;
    this.#store = openAnyway(options);
    this.#last = this.#load().catch((error) =>
      say(options.log, 'STORE_CACHE_UNWRITTEN', { prefix: '*', reason: reasonOf(error) }),
    );
    // Nobody waits for what goes.
    void this.#last.then(() => this.#tidy()).catch(() => undefined);
    this.#confirms = setInterval(() => void this.#confirm(), confirmEvery);
    this.#confirms.unref();
  }

  get size(): CacheSize {
    const size = { entries: 0, bytes: 0 };
    for (const { entries, bytes } of this.#heads.values()) {
      size.entries += entries;
      size.bytes += bytes;
    }
    return size;
  }

  prefix(prefix: string): CachePrefix {
    const known = this.#prefixes.get(prefix);
    if (known !== undefined) return known;
    const made = new CachePrefix(prefix, {
      ...{ ...this.#o, store: this.#store, heads: this.#heads },
      newId: () => randomBytes(idLength / 2).toString('hex'),
      alone: (work) => this.#alone(work),
      makeRoom: (of, bytes) => this.#makeRoom(of, bytes),
      remove: (of) => this.#remove(of),
    });
    this.#prefixes.set(prefix, made);
    return made;
  }

  /** One after another: heads and data never change under whoever looks at them. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #load(): Promise<void> {
    for await (const { entries } of this.#store.list(headKey('')))
      for (const { key, value } of entries) {
        const head = JSON.parse(value.toString()) as CopyHead;
        this.#heads.set(key.slice(headKey('').length), head);
      }
  }

  /** Takes away what is too old to be served, and what has no head because its removal was interrupted. */
  async #tidy(): Promise<void> {
    await this.#evictAll('too old', (head) => ageOf(head) > this.#o.ttl);
    let after: string | undefined = dataKey('');
    while (after !== undefined && !this.#closed) {
      const from: string = after;
      after = await this.#alone(() => this.#removeOrphan(from));
    }
  }

  /** Looks at the next id; undefined: there is none. */
  async #removeOrphan(after: string): Promise<string | undefined> {
    for await (const { entries } of this.#store.list(dataKey(''), { pageSize: 1, after })) {
      const [next] = entries;
      if (next === undefined) return undefined;
      const id = next.key.slice(dataKey('').length, dataKey('').length + idLength);
      if (![...this.#heads.values()].some((head) => head.id === id)) await removeData(this.#store, id);
      return `${dataKey(id)}\u{10ffff}`;
    }
    return undefined;
  }

  /** To be called when the remote has answered, or turned out to be another one. */
  dropForeign(): Promise<void> {
    const { identity, cluster } = this.#o;
    const isForeign = (head: CopyHead) => head.identity === identity && isOther(head.cluster, cluster());
    return this.#evictAll('it is of another cluster', isForeign, true).catch(() => undefined);
  }

  #evictAll(reason: string, goes: (head: CopyHead) => boolean, active = false): Promise<void> {
    return this.#alone(async () => {
      for (const [prefix, head] of [...this.#heads])
        if (goes(head) && (active || !this.#isActive(prefix))) await this.#evict(prefix, reason);
    });
  }

  #isActive(prefix: string): boolean {
    return this.#prefixes.get(prefix)?.active === true;
  }

  async #makeRoom(prefix: string, bytes: number): Promise<boolean> {
    const { maxSize, log } = this.#o;
    const others = [...this.#heads].filter(([other]) => other !== prefix);
    const idle = others.filter(([other]) => !this.#isActive(other)).sort(([, a], [, b]) => a.when - b.when);
    const sum = (heads: typeof others) => heads.reduce((total, [, head]) => total + head.bytes, 0);
    let excess = sum(others) + bytes - maxSize;
    if (excess > sum(idle)) {
      say(log, 'STORE_CACHE_EVICTED', { prefix, reason: `${bytes} bytes do not fit into max-size` });
      return false;
    }
    for (const [other, head] of idle) {
      if (excess <= 0) break;
      excess -= head.bytes;
      await this.#evict(other, 'no room');
    }
    return true;
  }

  async #evict(prefix: string, reason: string): Promise<void> {
    await this.#remove(prefix);
    say(this.#o.log, 'STORE_CACHE_EVICTED', { prefix, reason });
  }

  async #remove(prefix: string): Promise<void> {
    const head = this.#heads.get(prefix);
    this.#heads.delete(prefix);
    if (head !== undefined) await removeCopy(this.#store, prefix, head);
  }

  async #confirm(): Promise<void> {
    for (const prefix of this.#prefixes.values()) await prefix.confirm();
  }

  async close(): Promise<void> {
    clearInterval(this.#confirms);
    this.#closed = true;
    // What cannot be written would be waited for: the copies that are there keep their age.
    if (this.#store.health().state === 'ok') {
      await Promise.all([...this.#prefixes.values()].map((prefix) => prefix.flush()));
      await this.#confirm();
      await this.#last;
    }
    await this.#store.close();
  }
}

/** What cannot be used is set aside, in the place of what was set aside before, and the cache begins anew. */
function openAnyway({ directory, log }: CacheFileOptions): EmbeddedStore {
  const lost = ({ message }: NnoeError) =>
    say(log, 'STORE_CACHE_UNWRITTEN', { prefix: '*', reason: message });
  const options = { directory, name: fileName, maxSize: Number.MAX_SAFE_INTEGER, log, lost };
  try {
    return embeddedStore(options);
  } catch (error) {
    const isUseless =
      error instanceof NnoeError && (error.code === 'STORE_DAMAGED' || error.code === 'STORE_FORMAT');
    if (!isUseless) throw error;
    say(log, 'STORE_CACHE_DISCARDED', { reason: error.message });
    const file = join(directory, `${fileName}.mdb`);
    renameSync(file, `${file}.damaged`);
    return embeddedStore(options);
  }
}
