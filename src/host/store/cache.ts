// SPDX-License-Identifier: MPL-2.0
// A remote store with a copy on disk of what is followed. When the remote does not answer at start, followers
// are given the copy at once, and the truth, as a snapshot, as soon as there is one. Writes are never answered
// from here, and nothing is served from the copy once the remote has spoken.
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import { CacheFile } from './cache-file.js';
import { CachedFollow } from './cache-follow.js';
import type { CachedCopy } from './cache-prefix.js';
import type {
  CacheSize,
  CommitResult,
  Follow,
  FollowHandlers,
  KeyValue,
  Page,
  Store,
  StoreHealth,
  StoreObserver,
  Transaction,
} from './store.js';

export interface CacheOptions {
  directory: string;
  /** A copy that was current longer ago is not served, s. */
  ttl: number;
  /** Bytes. */
  maxSize: number;
  log: Logger;
}

class CachedStore implements Store {
  readonly #remote: Store;
  readonly #options: CacheOptions;
  readonly #follows = new Set<CachedFollow>();
  /** Opened when something is followed first; null: it cannot be. */
  #file: CacheFile | null | undefined;

  constructor(remote: Store, options: CacheOptions) {
    this.#remote = remote;
    this.#options = options;
  }

  get name(): string {
    return this.#remote.name;
  }

  get limits(): Store['limits'] {
    return this.#remote.limits;
  }

  #open(): CacheFile | undefined {
    if (this.#file !== undefined) return this.#file ?? undefined;
    const { directory, ttl, maxSize, log } = this.#options;
    try {
      const isCurrent = () => this.#remote.health().state === 'ok';
      this.#file = new CacheFile({ directory, ttl, maxSize, log, isCurrent });
    } catch (error) {
      const code = error instanceof NnoeError ? error.code : 'STORE_DIRECTORY';
      say(log, 'STORE_CACHE_OFF', { reason: reasonOf(error), why: code });
      this.#file = null;
    }
    return this.#file ?? undefined;
  }

  /**
   * What the remote says; but 'stale' as long as it has been silent since the start and every follower has
   * been given a copy that is not too old.
   */
  health(): StoreHealth {
    const health = this.#remote.health();
    if (health.state !== 'down' && health.state !== 'starting') return health;
    const copies = this.#copies();
    if (copies === undefined) return health;
    const ageSeconds = Math.max(...copies.map((copy) => copy.age()));
    if (ageSeconds > this.#options.ttl) return health;
    const reason = `plugins work on what was known ${ageText(ageSeconds)} ago, and writes wait: ${health.reason}`;
    return { ...health, state: 'stale', reason, ageSeconds: Math.round(ageSeconds) };
  }

  /** What followers were given; undefined unless all of them were, and none has had the truth. */
  #copies(): CachedCopy[] | undefined {
    const copies = [...this.#follows].map((follow) => follow.served);
    return copies.length > 0 && copies.every((copy) => copy !== undefined) ? copies : undefined;
  }

  observe(observer: StoreObserver): void {
    this.#remote.observe?.(observer);
  }

  cacheSize(): CacheSize | undefined {
    return this.#file?.size;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#remote.ready(signal);
  }

  /** The copy that speaks for a key or prefix now: the very state that the follower was given. */
  #standIn(prefix: string): CachedCopy | undefined {
    if (this.health().state !== 'stale') return undefined;
    return [...this.#follows].find((follow) => prefix.startsWith(follow.prefix))?.served;
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    signal?.throwIfAborted();
    const copy = this.#standIn(key);
    return copy ? copy.get(key) : this.#remote.get(key, signal);
  }

  list(
    prefix: string,
    options: { pageSize?: number; after?: string; signal?: AbortSignal } = {},
  ): AsyncIterable<Page> {
    options.signal?.throwIfAborted();
    const copy = this.#standIn(prefix);
    return copy ? copy.list(prefix, options) : this.#remote.list(prefix, options);
  }

  commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult> {
    return this.#remote.commit(transaction, signal);
  }

  follow(prefix: string, handlers: FollowHandlers): Follow {
    const file = this.#open();
    if (file === undefined) return this.#remote.follow(prefix, handlers);
    const follow = new CachedFollow({
      ...{ prefix, handlers, remote: this.#remote, cache: file.prefix(prefix) },
      log: this.#options.log,
      ended: () => this.#follows.delete(follow),
    });
    this.#follows.add(follow);
    return follow;
  }

  onReset(listener: () => void): void {
    this.#remote.onReset(listener);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#follows].map((follow) => follow.close()));
    await this.#file?.close();
    await this.#remote.close();
  }
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** The copy is opened when something is followed; without it, because of its disk, the remote serves alone. */
export const cachedStore = (remote: Store, options: CacheOptions): Store => new CachedStore(remote, options);
