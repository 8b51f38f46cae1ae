// SPDX-License-Identifier: MPL-2.0
// Following a prefix: list at revision R, watch from R + 1. A watch that ends is taken up at the revision after
// the last one that was told, so nothing between is left out and nothing comes twice. Where that cannot be
// (history compacted away, another store) the prefix is listed again and told as a snapshot.
import { type NnoeError, reasonOf } from '../errors.js';
import { backOff } from './backoff.js';
import type { EtcdClient } from './etcd-client.js';
import { StatusError } from './etcd-errors.js';
import { type Protocol, prefixEnd, type WatchReply } from './etcd-protocol.js';
import { WatchReader } from './etcd-watch.js';
import type { Change, Follow, FollowHandlers, FollowOptions, KeyValue, Page } from './store.js';

/**
 * Most revisions that a watch is taken up behind the present. etcd reads everything that was written since, of
 * all keys, into memory for it: at 128 operations of 500 bytes a revision, these are 64 MB.
 */
const reach = 1000;
/** A watch that stood for this long (ms) works, though no event came. */
const steady = 1000;

type End = 'broken' | 'quiet' | 'compacted' | 'stopped';

class HandlerError extends Error {}

export interface FollowParts {
  protocol: Protocol;
  client: EtcdClient;
  prefix: string;
  handlers: FollowHandlers;
  options: FollowOptions;
  list(options: { signal: AbortSignal }): AsyncIterable<Page>;
  /** Asks for the present revision, so that it is noticed when the store is another one. */
  revision(signal: AbortSignal): Promise<number>;
  ended(): void;
}

export class EtcdFollow implements Follow {
  readonly #parts: FollowParts;
  readonly #key: Buffer;
  readonly #end: Buffer;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  /** Everything up to this revision was told. */
  #told = 0;
  /** Keys that the prefix held at that revision. */
  #count = 0;
  /** What was told may not be built upon. */
  #doubt = true;
  /** Watches in a row that did not work. */
  #failures = 0;
  #reader: WatchReader | undefined;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#key = Buffer.from(parts.prefix);
    this.#end = prefixEnd(parts.prefix);
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#reader?.finish('stopped');
    await this.#done;
  }

  async #run(): Promise<void> {
    const { client, handlers, ended } = this.#parts;
    const forget = client.onReset(() => {
      this.#doubt = true;
      this.#reader?.finish('stopped');
    });
    // Started in a later turn: the caller has its Follow before the first call.
    await Promise.resolve();
    try {
      await this.#follow();
    } catch (error) {
      if (!this.#closing.signal.aborted && !client.closing.aborted) handlers.error(asError(error));
    } finally {
      forget();
      client.interrupted(this, undefined);
      ended();
    }
  }

  async #follow(): Promise<void> {
    const { client } = this.#parts;
    const signal = AbortSignal.any([this.#closing.signal, client.closing]);
    let last: End = 'stopped';
    while (!signal.aborted) {
      if (!(await this.#resumable(last))) this.#doubt = true;
      if (this.#doubt && !(await this.#list())) continue;
      // Another store, noticed meanwhile.
      if (this.#doubt) continue;
      last = await this.#watch();
      if (signal.aborted || last === 'quiet') continue;
      client.observer?.followRestarted();
      if (last === 'stopped') continue;
      this.#failures++;
      await backOff(this.#failures, signal);
    }
  }

  /** Whether a watch may go on from what was told; brings that up to date when nothing happened since. */
  async #resumable(last: End): Promise<boolean> {
    if (this.#doubt) return false;
    const { signal } = this.#closing;
    const now = await this.#parts.revision(signal);
    if (last !== 'compacted' && now - this.#told <= reach) return true;
    const { client, protocol } = this.#parts;
    const changed = protocol.range({
      ...{ key: this.#key, end: this.#end, limit: 1, keysOnly: true },
      changedSince: this.#told + 1,
    });
    const { header, entries, count } = await client.request(changed, signal);
    // What is there is as it was told, and as many: so nothing is gone either.
    if (this.#doubt || entries.length > 0 || count !== this.#count) return false;
    this.#told = header.revision;
    return true;
  }

  /** Tells what the prefix holds; false when the listing was overtaken by compaction. */
  async #list(): Promise<boolean> {
    this.#doubt = false;
    if (this.#parts.options.from === 'now') return this.#begin();
    const entries: KeyValue[] = [];
    let revision = 0;
    try {
      for await (const page of this.#parts.list({ signal: this.#closing.signal })) {
        for (const entry of page.entries) entries.push(entry);
        revision = page.revision;
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_COMPACTED') throw error;
      this.#doubt = true;
      return false;
    }
    this.#told = revision;
    this.#count = entries.length;
    await this.#hand(() => this.#parts.handlers.snapshot(entries, revision));
    return true;
  }

  /** Begins at the present revision, whatever the prefix holds. */
  async #begin(): Promise<true> {
    const { client, protocol } = this.#parts;
    const query = protocol.range({ key: this.#key, end: this.#end, countOnly: true });
    const { header, count } = await client.request(query, this.#closing.signal);
    this.#told = header.revision;
    this.#count = count;
    await this.#hand(() => this.#parts.handlers.snapshot([], header.revision));
    return true;
  }

  /** Returns when the watch has ended; throws only what a handler threw. */
  async #watch(): Promise<End> {
    const { client } = this.#parts;
    const query = { key: this.#key, end: this.#end, revision: this.#told + 1 };
    let reader: WatchReader;
    try {
      reader = await WatchReader.open(client, query);
    } catch (error) {
      client.interrupted(this, error as NnoeError);
      return 'broken';
    }
    this.#reader = reader;
    let works: NodeJS.Timeout | undefined;
    try {
      for (;;) {
        if (this.#closing.signal.aborted || this.#doubt) reader.finish('stopped');
        const reply = await reader.next();
        if (reply === undefined) break;
        if (reply.canceled && reply.compactRevision > 0) return 'compacted';
        if (reply.canceled) reader.fail(new Error(reply.reason || 'the watch was canceled'));
        else if (reply.created) {
          this.#begun(reader, reply);
          works = setTimeout(() => this.#works(), steady);
        } else await this.#tell(reply);
      }
      if (reader.end === 'broken') client.interrupted(this, reader.trouble);
      return reader.end ?? 'broken';
    } finally {
      clearTimeout(works);
      this.#reader = undefined;
      reader.finish('stopped');
    }
  }

  #works(): void {
    this.#failures = 0;
    this.#parts.client.interrupted(this, undefined);
  }

  #begun(reader: WatchReader, { header }: WatchReply): void {
    this.#parts.client.observe(header, 0);
    // It would tell what it gets to know in order, but may never get to know it.
    if (header.revision < this.#told) reader.fail(new StatusError(14, 'the member is behind the others'));
  }

  async #tell({ events, header }: WatchReply): Promise<void> {
    const first = events[0]?.entry.modRevision;
    if (first === undefined) {
      this.#told = Math.max(this.#told, header.revision);
      return;
    }
    if (first <= this.#told) {
      // Told already: whatever sends this is not the store that was followed.
      this.#doubt = true;
      return;
    }
    const changes: Change[] = [];
    for (const { deleted, entry } of events) {
      if (deleted) this.#count--;
      else if (entry.createRevision === entry.modRevision) this.#count++;
      changes.push(deleted ? { type: 'delete', key: entry.key, modRevision: entry.modRevision } : put(entry));
    }
    const revision = events.at(-1)?.entry.modRevision ?? first;
    this.#told = revision;
    this.#works();
    await this.#hand(() => this.#parts.handlers.change(changes, revision));
  }

  async #hand(call: () => void | Promise<void>): Promise<void> {
    if (this.#closing.signal.aborted) return;
    try {
      await call();
    } catch (error) {
      throw new HandlerError(reasonOf(error), { cause: error });
    }
  }
}

const put = (entry: KeyValue): Change => ({ type: 'put', entry });

function asError(thrown: unknown): Error {
  if (thrown instanceof HandlerError && thrown.cause instanceof Error) return thrown.cause;
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
