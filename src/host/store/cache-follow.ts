// SPDX-License-Identifier: MPL-2.0
// One follower of a remote store that has a copy on disk: what the remote tells is passed on and kept; as long
// as the remote is away since the start, the copy may speak for it once.
import { reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import type { Absence } from './cache-absence.js';
import type { CachedCopy } from './cache-copy.js';
import type { CachePrefix, Follower } from './cache-prefix.js';
import type { Follow, FollowHandlers, KeyValue, Store } from './store.js';

export interface CachedFollowOptions {
  prefix: string;
  handlers: FollowHandlers;
  remote: Store;
  absence: Absence;
  cache: CachePrefix;
  log: Logger;
  /** The remote is about to show what it holds. */
  heard(): void;
  ended(): void;
}

/** ms between looks at whether the remote is away. */
const lookEvery = 50;

export class CachedFollow implements Follow, Follower {
  readonly prefix: string;
  /** The copy that the follower stands on, until it has taken in what the remote holds. */
  served: CachedCopy | undefined;
  told = false;
  busy = false;
  readonly #options: CachedFollowOptions;
  readonly #began = performance.now();
  readonly #remote: Follow;
  #looks: NodeJS.Timeout | undefined;
  /** Handing over the copy. */
  #serving: Promise<void> | undefined;
  #spoken = false;
  #over = false;

  constructor(options: CachedFollowOptions) {
    const { prefix, remote, cache, handlers } = options;
    this.prefix = prefix;
    this.#options = options;
    cache.attach(this);
    this.#remote = remote.follow(prefix, {
      snapshot: (entries, revision) => this.#take(() => this.#snapshot(entries, revision)),
      change: (changes, revision) =>
        this.#take(async () => {
          await handlers.change(changes, revision);
          cache.change(this, changes, revision);
        }),
      error: (error) => this.#fail(error),
    });
    queueMicrotask(() => this.#look());
    this.#looks = setInterval(() => this.#look(), lookEvery);
  }

  async #take(call: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await call();
    } finally {
      this.busy = false;
    }
  }

  /** From now on the remote speaks for itself. */
  async #snapshot(entries: KeyValue[], revision: number): Promise<void> {
    const { prefix, remote, cache, handlers, log } = this.#options;
    const cluster = remote.cluster?.() ?? '';
    this.#spoken = true;
    clearInterval(this.#looks);
    this.#options.heard();
    await this.#serving;
    if (this.#over) return;
    await handlers.snapshot(entries, revision);
    if (this.served !== undefined) say(log, 'STORE_CACHE_FRESH', { prefix });
    this.served = undefined;
    this.told = true;
    cache.snapshot(this, entries, revision, cluster);
  }

  #look(): void {
    if (this.#spoken || this.#over || this.#serving !== undefined) return;
    const { absence } = this.#options;
    if (absence.over) clearInterval(this.#looks);
    if (!absence.holds(this.#began)) return;
    clearInterval(this.#looks);
    this.#serving = this.#serve();
  }

  async #serve(): Promise<void> {
    const { absence, cache, handlers, log, remote } = this.#options;
    const copy = await cache.copy().catch(() => undefined);
    // It may have come back while the copy was read.
    if (copy === undefined || this.#spoken || this.#over || !absence.holds(this.#began)) return;
    this.served = copy;
    const { reason } = remote.health();
    say(log, 'STORE_CACHE_SERVED', { prefix: this.prefix, age: Math.round(copy.age()), reason });
    try {
      await handlers.snapshot(copy.entries, copy.revision);
      copy.entries = [];
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(reasonOf(error)));
      void this.#remote.close();
    }
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#end();
    this.#options.handlers.error(error);
  }

  #end(): void {
    this.#over = true;
    this.served = undefined;
    clearInterval(this.#looks);
    this.#options.cache.detach(this);
    this.#options.ended();
  }

  async close(): Promise<void> {
    this.#end();
    await this.#remote.close();
    await this.#serving;
  }
}
