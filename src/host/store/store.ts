// SPDX-License-Identifier: MPL-2.0
// The one interface behind which stores stand. Revisions are store-wide, grow with every commit, and fit a
// JavaScript number (below 2^53); an implementation that sees a larger one fails instead of rounding.

export interface KeyValue {
  key: string;
  value: Buffer;
  /** Revision at which the key was created (since its last deletion). */
  createRevision: number;
  /** Revision of its last change. */
  modRevision: number;
}

/** Holds when the key's last change was at that revision; 0: when there is no such key. */
export interface Compare {
  key: string;
  modRevision: number;
}

export type Operation =
  | {
      put: string;
      value: string | Buffer;
      /**
       * The key goes by itself after so many seconds (1 to 10^9) of not being put again, and followers see that
       * as a delete: not before, and at most a quarter of it and 3 s later. The store's own clock counts, also
       * while the host is down. A put without it makes the key stay.
       */
      ttl?: number;
    }
  | { delete: string };

export interface Transaction {
  /** All must hold, else nothing is done. */
  compare?: Compare[];
  /** No key twice. At most `limits.operations` of these, and of compares. */
  operations: Operation[];
}

export interface CommitResult {
  committed: boolean;
  revision: number;
  /** An earlier attempt went unanswered: where its compares still hold, it may be applied after this answer. */
  retried: boolean;
  /** When not committed: what each key of `compare` holds, in that order (undefined: no such key). */
  current: (KeyValue | undefined)[];
}

export interface Page {
  /** Every page of one `list` shows the store as of this revision. */
  revision: number;
  entries: KeyValue[];
}

/** A change, in order of revision; all changes of one revision come in one call. */
export type Change = { type: 'put'; entry: KeyValue } | { type: 'delete'; key: string; modRevision: number };

export interface FollowHandlers {
  /** What the prefix holds: once at first, and again whenever what happened meanwhile can no longer be told
   *  (compaction, a long interruption, a store that came back empty). The follower replaces what it had. */
  snapshot(entries: KeyValue[], revision: number): void | Promise<void>;
  /** What changed since, every change in its turn; never called before `snapshot` returned, never two calls at a time. */
  change(changes: Change[], revision: number): void | Promise<void>;
  /** A handler threw or the follow cannot go on; nothing more is delivered. */
  error(error: Error): void;
}

export interface FollowOptions {
  /**
   * 'now': nothing is told of what was there before. Every `snapshot` is then empty and says no more than from which
   * revision on changes are told; after the first one, that some before it may be missing.
   */
  from?: 'now';
}

export interface Follow {
  close(): Promise<void>;
}

/**
 * 'degraded': calls are answered, but changes of what is followed do not come, or the
 * store's file cannot be seen any more. 'stale': somebody who follows has been
 * given what a copy remembers, because the store could not be reached since the start, and not yet what it holds now.
 * Whatever is not 'ok' or 'starting' carries the error code of host/errors.ts that explains it.
 */
export interface StoreHealth {
  state: 'starting' | 'ok' | 'degraded' | 'stale' | 'down';
  code?: string;
  reason: string;
  /** Of the oldest copy in use, s; when stale. */
  ageSeconds?: number;
  /** When stale: the store answers by now. */
  answers?: boolean;
}

/** What a copy on disk holds: keys, and bytes of keys and values. */
export interface CacheSize {
  entries: number;
  bytes: number;
}

/** Whether the store does what it is asked. */
export const answers = ({ state, answers = false }: StoreHealth): boolean =>
  state === 'ok' || state === 'degraded' || answers;

/** Whoever counts the store's troubles. */
export interface StoreObserver {
  /** An attempt failed. @param code of host/errors.ts. */
  failed(code: string): void;
  /** A call is tried again. */
  retried(): void;
  /** A follow is taken up again: its watch failed, history was compacted away, or the store is another one. */
  followRestarted(): void;
}

export interface Store {
  readonly name: string;
  readonly limits: { operations: number; bytes: number };
  health(): StoreHealth;
  /** At most one observer; a store without it is not counted. */
  observe?(observer: StoreObserver): void;
  /** Of a remote store: the id of the cluster that answered last, empty when it names none; undefined: none yet. */
  cluster?(): string | undefined;
  /** Of the copy on disk of a remote store; absent: there is none. */
  cacheSize?(): CacheSize | undefined;
  /** Resolves when the store has answered once; rejects on abort or an error that no retry can mend. */
  ready(signal?: AbortSignal): Promise<void>;
  get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined>;
  /**
   * Pages in key order, all at one revision; starts after `after` when given. Throws STORE_COMPACTED when that
   * revision was compacted away before the last page: a listing that takes its time begins anew from a key.
   */
  list(
    prefix: string,
    options?: { pageSize?: number; after?: string; signal?: AbortSignal },
  ): AsyncIterable<Page>;
  /**
   * Retries with back-off while the store is away, until `signal` aborts. Because an answer can be lost,
   * the transaction may have been applied although a retry then reports `committed: false`: whoever compares
   * recognises its own value in `current`; a transaction without compares must be safe to apply twice.
   */
  commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult>;
  follow(prefix: string, handlers: FollowHandlers, options?: FollowOptions): Follow;
  /** Called when the store turns out to be another one, or an older or empty state of it. */
  onReset(listener: () => void): void;
  close(): Promise<void>;
}
