// SPDX-License-Identifier: MPL-2.0
// A remote store with a copy on disk of what is followed. While the remote cannot be reached since the start,
// followers are given the copy, and the truth, as a snapshot, as soon as there is one. Writes are never answered
// from here, and nothing is served from the copy once the remote has answered or refused us, not even when it
// goes away again; nor is a copy that was made with another configuration.
import { createHash } from 'node:crypto';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import { Absence } from './cache-absence.js';
import type { CachedCopy } from './cache-copy.js';
import { CacheFile } from './cache-file.js';
import { CachedFollow } from './cache-follow.js';
import {
  answers,
  type CacheSize,
  type CommitResult,
  type Follow,
  type FollowHandlers,
  type KeyValue,
  type Page,
  type Store,
  type StoreHealth,
  type StoreObserver,
  type Transaction,
} from './store.js';

/** What the remote is configured with, as far as it says whose keys these are. */
export interface RemoteConfig {
  endpoints: readonly string[];
  user?: string | undefined;
  root?: string | undefined;
}

export interface CacheOptions {
  remote: RemoteConfig;
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
  readonly #absence: Absence;
  readonly #follows = new Set<CachedFollow>();
  /** Opened when something is followed first; null: it cannot be. */
  #file: CacheFile | null | undefined;

  constructor(remote: Store, options: CacheOptions) {
    this.#remote = remote;
    this.#options = options;
    this.#absence = new Absence(remote, options.remote.endpoints.length);
    remote.onReset(() => void this.#file?.dropForeign());
  }

  get name(): string {
    return this.#remote.name;
  }

  get limits(): Store['limits'] {
    return this.#remote.limits;
  }

  #open(): CacheFile | undefined {
    if (this.#file !== undefined) return this.#file ?? undefined;
    const { remote, ...options } = this.#options;
    try {
      this.#file = new CacheFile({
        ...options,
        identity: identityOf(remote),
        cluster: () => this.#remote.cluster?.() ?? '',
        isCurrent: () => this.#remote.health().state === 'ok',
        list: (prefix, signal) => this.#remote.list(prefix, { signal }),
      });
    } catch (error) {
      const code = error instanceof NnoeError ? error.code : 'STORE_DIRECTORY';
      say(options.log, 'STORE_CACHE_OFF', { reason: reasonOf(error), why: code });
      this.#file = null;
    }
    return this.#file ?? undefined;
  }

  /** What the remote says; but 'stale' as long as one who follows stands on a copy. */
  health(): StoreHealth {
    const health = this.#remote.health();
    const ages = [...this.#follows].flatMap(({ served }) => served?.age() ?? []);
    if (ages.length === 0) return health;
    const ageSeconds = Math.round(Math.max(...ages));
    const rest = answers(health) ? 'what the store holds now is being read' : `writes wait: ${health.reason}`;
    const reason = `plugins work on what was known ${ageText(ageSeconds)} ago, and ${rest}`;
    const { code = 'STORE_STALE' } = health;
    return { state: 'stale', code, reason, ageSeconds, ...(answers(health) ? { answers: true } : {}) };
  }

  observe(observer: StoreObserver): void {
    this.#absence.observe(observer);
  }

  cluster(): string | undefined {
    return this.#remote.cluster?.();
  }

  cacheSize(): CacheSize | undefined {
    return this.#file?.size;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#remote.ready(signal);
  }

  /** The copy that speaks for a key or prefix now: the very state that the follower was given. */
  #standIn(prefix: string): CachedCopy | undefined {
    if (this.#absence.over) return undefined;
    const speaks = (follow: CachedFollow) => follow.served !== undefined && prefix.startsWith(follow.prefix);
    const copy = [...this.#follows].find(speaks)?.served;
    return copy && copy.age() <= this.#options.ttl ? copy : undefined;
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

  /** Whoever wants changes only has no use for a copy, and keeps none. */
  follow(prefix: string, handlers: FollowHandlers, options?: { from?: 'now' }): Follow {
    const file = options?.from === 'now' ? undefined : this.#open();
    if (file === undefined) return this.#remote.follow(prefix, handlers, options);
    const follow = new CachedFollow({
      ...{ prefix, handlers, remote: this.#remote, absence: this.#absence },
      ...{ cache: file.prefix(prefix), log: this.#options.log },
      heard: () => {
        this.#absence.end();
        void file.dropForeign();
      },
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

/** Copies are good only for a store that was told the same. */
function identityOf({ endpoints, user = '', root = '' }: RemoteConfig): string {
  const text = JSON.stringify([[...endpoints].sort(), user, root]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** The copy is opened when something is followed; without it, because of its disk, the remote serves alone. */
export const cachedStore = (remote: Store, options: CacheOptions): Store => new CachedStore(remote, options);
