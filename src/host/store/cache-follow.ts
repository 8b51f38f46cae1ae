// SPDX-License-Identifier: MPL-2.0
// One follower of a remote store that has a copy on disk: what the remote tells is passed on and kept; until it
// has told anything, the copy may speak for it once.
import { reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import type { CachedCopy, CachePrefix } from './cache-prefix.js';
import type { Follow, FollowHandlers, Store } from './store.js';

export interface CachedFollowOptions {
  prefix: string;
  handlers: FollowHandlers;
  remote: Store;
  cache: CachePrefix;
  log: Logger;
  ended(): void;
}

/** ms between looks at whether the remote is away. */
const lookEvery = 50;
/** A remote that says nothing for so long counts as away, ms: it may just be connecting. */
const patience = 2000;

export class CachedFollow implements Follow {
  readonly prefix: string;
  /** The copy that the follower was given, until the remote speaks. */
  served: CachedCopy | undefined;
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
    const feeds = cache.attach(this);
    this.#remote = remote.follow(prefix, {
      snapshot: async (entries, revision) => {
        await this.#speaks();
        if (this.#over) return;
        await handlers.snapshot(entries, revision);
        if (feeds) cache.snapshot(entries, revision);
      },
      change: async (changes, revision) => {
        await handlers.change(changes, revision);
        if (feeds) cache.change(changes, revision);
      },
      error: (error) => this.#fail(error),
    });
    queueMicrotask(() => this.#look());
    this.#looks = setInterval(() => this.#look(), lookEvery);
  }

  /** From now on the remote speaks for itself. */
  async #speaks(): Promise<void> {
    this.#spoken = true;
    clearInterval(this.#looks);
    await this.#serving;
    if (this.served !== undefined) say(this.#options.log, 'STORE_CACHE_FRESH', { prefix: this.prefix });
    this.served = undefined;
  }

  #look(): void {
    if (this.#spoken || this.#over || this.#serving !== undefined) return;
    const { state } = this.#options.remote.health();
    if (state !== 'down' && performance.now() - this.#began < patience) return;
    clearInterval(this.#looks);
    this.#serving = this.#serve();
  }

  async #serve(): Promise<void> {
    const { cache, handlers, log, remote } = this.#options;
    const copy = await cache.copy().catch(() => undefined);
    if (copy === undefined || this.#spoken || this.#over) return;
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
