// SPDX-License-Identifier: MPL-2.0
// The file with the copies of what is followed. It is only a cache: what is wrong with it costs the copies and
// nothing else. Copies go whole, the one that was current longest ago first: a part of one would pass keys off
// as deleted.
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import {
  ageOf,
  CachePrefix,
  type CopyHead,
  dataKey,
  headKey,
  removeBelow,
  removeCopy,
} from './cache-prefix.js';
import { type EmbeddedStore, embeddedStore } from './embedded.js';
import type { CacheSize } from './store.js';

export interface CacheFileOptions {
  directory: string;
  /** s */
  ttl: number;
  /** Bytes of keys and values. */
  maxSize: number;
  log: Logger;
  /** Whether the remote answers now, so that what followers were told is how things are. */
  isCurrent(): boolean;
}

const fileName = 'cache';
/** ms between notes on disk that the copies are current. */
const confirmEvery = 60_000;
const idLength = 8;

export class CacheFile {
  readonly #o: CacheFileOptions;
  readonly #store: EmbeddedStore;
  readonly #prefixes = new Map<string, CachePrefix>();
  readonly #heads = new Map<string, CopyHead>();
  readonly #loaded: Promise<void>;
  readonly #confirms: NodeJS.Timeout;

  /** @throws NnoeError when there can be no cache in that directory. */
  constructor(options: CacheFileOptions) {
    this.#o = options;
    this.#store = openAnyway(options);
    this.#loaded = this.#load().catch((error) =>
      say(options.log, 'STORE_CACHE_UNWRITTEN', { prefix: '*', reason: reasonOf(error) }),
    );
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
    const made = new CachePrefix({
      ...{ prefix, store: this.#store, heads: this.#heads, loaded: this.#loaded },
      ...{ log: this.#o.log, ttl: this.#o.ttl },
      newId: () => randomBytes(idLength / 2).toString('hex'),
      makeRoom: (of, bytes) => this.#makeRoom(of, bytes),
    });
    this.#prefixes.set(prefix, made);
    return made;
  }

  async #load(): Promise<void> {
    for await (const { entries } of this.#store.list(headKey('')))
      for (const { key, value } of entries) {
        const head = JSON.parse(value.toString()) as CopyHead;
        this.#heads.set(key.slice(headKey('').length), head);
      }
    // Later: nobody waits for what goes.
    setImmediate(() => void this.#tidy().catch(() => undefined));
  }

  /** Takes away what is too old to be served, and what has no head because its removal was interrupted. */
  async #tidy(): Promise<void> {
    for (const [prefix, head] of this.#heads)
      if (ageOf(head) > this.#o.ttl && !this.#isActive(prefix)) await this.#evict(prefix, 'too old');
    const known = new Set([...this.#heads.values()].map(({ id }) => id));
    let after = dataKey('');
    for (;;) {
      const next = await this.#first(after);
      if (next === undefined) return;
      const id = next.slice(dataKey('').length, dataKey('').length + idLength);
      const isUsed = known.has(id) || [...this.#heads.values()].some((head) => head.id === id);
      if (!isUsed) await removeBelow(this.#store, dataKey(id));
      after = `${dataKey(id)}\u{10ffff}`;
    }
  }

  async #first(after: string): Promise<string | undefined> {
    for await (const { entries } of this.#store.list(dataKey(''), { pageSize: 1, after }))
      return entries[0]?.key;
    return undefined;
  }

  #isActive(prefix: string): boolean {
    return this.#prefixes.get(prefix)?.active === true;
  }

  async #makeRoom(prefix: string, bytes: number): Promise<boolean> {
    const { maxSize, log } = this.#o;
    const others = () => this.size.bytes - (this.#heads.get(prefix)?.bytes ?? 0);
    const idle = [...this.#heads]
      .filter(([other]) => other !== prefix && !this.#isActive(other))
      .sort(([, a], [, b]) => a.when - b.when);
    for (const [other] of idle) {
      if (others() + bytes <= maxSize) break;
      await this.#evict(other, 'no room');
    }
    if (others() + bytes <= maxSize) return true;
    say(log, 'STORE_CACHE_EVICTED', { prefix, reason: `${bytes} bytes do not fit into max-size` });
    return false;
  }

  async #evict(prefix: string, reason: string): Promise<void> {
    await removeCopy(this.#store, this.#heads, prefix);
    say(this.#o.log, 'STORE_CACHE_EVICTED', { prefix, reason });
  }

  async #confirm(): Promise<void> {
    if (!this.#o.isCurrent()) return;
    for (const prefix of this.#prefixes.values()) await prefix.confirm();
  }

  async close(): Promise<void> {
    clearInterval(this.#confirms);
    await this.#loaded;
    await Promise.all([...this.#prefixes.values()].map((prefix) => prefix.flush()));
    await this.#confirm();
    await this.#store.close();
  }
}

/** What cannot be used is set aside, in the place of what was set aside before, and the cache begins anew. */
function openAnyway({ directory, log }: CacheFileOptions): EmbeddedStore {
  const options = { directory, name: fileName, maxSize: Number.MAX_SAFE_INTEGER };
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
