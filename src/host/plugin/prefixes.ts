// SPDX-License-Identifier: MPL-2.0
// The contract's share of the store: prefixes that a plugin declares, and what it can do below them.
import type { KeyValue, Page, FollowHandlers as StoreFollowHandlers } from '../store/store.js';

export interface PrefixSpec {
  /** Below the configured root (`/nnoe/`), without leading and with trailing slash: `dhcp/leases/`. */
  prefix: string;
  /** 'write' includes reading. */
  access: 'read' | 'write';
}

/** What to do when a prefix changes. Calls come one at a time; a promise is waited for. */
export interface FollowHandlers extends Pick<StoreFollowHandlers, 'snapshot' | 'change'> {
  /** Called when a handler threw or the follow cannot go on, as the plugin's life ends because of it. */
  error?(error: Error): void;
}

/**
 * A declared prefix, as the plugin uses it. Names given are relative to it; keys in what comes back, and in
 * transactions, are absolute: `key` and `name` turn one into the other.
 *
 * Whatever asks the store waits while it is away, for as long as the plugin lives; then it rejects with the
 * reason of `ctx.signal`.
 */
export interface ReadPrefix {
  /** Absolute key for `name`, for use in transactions. */
  key(name: string): string;
  /** The part of an absolute key below this prefix; undefined when it is not below it. */
  name(key: string): string | undefined;
  get(name: string): Promise<KeyValue | undefined>;
  /**
   * Pages in key order, all as of one revision. Rejects with STORE_COMPACTED when that revision is gone before
   * the last page: begin again, after the last name seen.
   * @param options.pageSize entries in a page, default 1000.
   * @param options.after a name; the listing starts behind it.
   */
  list(options?: { pageSize?: number; after?: string }): AsyncIterable<Page>;
  /** Until the plugin stops. A handler that throws fails the plugin, which is then restarted. */
  follow(handlers: FollowHandlers): void;
  /**
   * Follows the prefix into a map of name to value, which from then on changes by itself. Resolves when it holds
   * what the store holds.
   * @param parse makes a value of an entry's bytes; undefined leaves the entry out. One that throws fails the plugin.
   */
  mirror<T>(parse: (value: Buffer, name: string) => T | undefined): Promise<ReadonlyMap<string, T>>;
}

/** A prefix declared with access 'write'. Each call is a transaction; for many keys at a time use `ctx.commit`. */
export interface WritePrefix extends ReadPrefix {
  /** Sets a key, whatever it held. */
  put(name: string, value: string | Buffer): Promise<void>;
  /** Sets a key if there is none; says whether this call did. */
  create(name: string, value: string | Buffer): Promise<boolean>;
  /** Deletes a key, if there is one. */
  delete(name: string): Promise<void>;
}

/** What a plugin gets for a prefix that it declared so. */
export type PrefixOf<P extends PrefixSpec> = P extends { access: 'write' } ? WritePrefix : ReadPrefix;
