// SPDX-License-Identifier: MPL-2.0
// Following a prefix: list at revision R, watch from R + 1. Whenever the watch ends, for whatever reason, the
// prefix is listed again and compared with what was delivered, so nothing rests on a resume being exact.
import { reasonOf } from '../errors.js';
import { backOff } from './backoff.js';
import type { EtcdClient } from './etcd-client.js';
import { decodeWatch } from './etcd-decode.js';
import { encodeWatch, prefixEnd, type WatchReply } from './etcd-wire.js';
import type { Change, Follow, FollowHandlers, KeyValue, Page } from './store.js';

/** Replies read ahead of the handler before etcd is made to wait. */
const readAhead = 32;

/** `replace`: what was delivered may not be built upon (compaction, another store). */
type End = 'broken' | 'replace';

class HandlerError extends Error {}

export class EtcdFollow implements Follow {
  /** What the follower was told: key to revision of its last change. */
  readonly #known = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  readonly #key: Buffer;
  readonly #end: Buffer;
  #interrupt: ((end: End) => void) | undefined;
  #reset = false;

  constructor(
    private readonly client: EtcdClient,
    private readonly list: (options: { signal: AbortSignal }) => AsyncIterable<Page>,
    prefix: string,
    private readonly handlers: FollowHandlers,
    private readonly ended: () => void,
  ) {
    this.#key = Buffer.from(prefix);
    this.#end = prefixEnd(prefix);
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#interrupt?.('broken');
    await this.#done;
  }

  async #run(): Promise<void> {
    const forget = this.client.onReset(() => {
      this.#reset = true;
      this.#interrupt?.('replace');
    });
    // Started in a later turn: the caller has its Follow before the first call.
    await Promise.resolve();
    try {
      await this.#follow();
    } catch (error) {
      if (!this.#closing.signal.aborted && !this.client.closing.aborted) this.handlers.error(asError(error));
    } finally {
      forget();
      this.ended();
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    let replace = true;
    for (let failures = 0, again = false; !signal.aborted; again = true) {
      const began = performance.now();
      if (again) this.client.observer?.followRestarted();
      this.#reset = false;
      const state = await this.#list();
      if (state === undefined) continue;
      await this.#deliver(state, replace || this.#reset);
      // A reset during the list leaves `replace` for the next round.
      const end = this.#reset ? 'replace' : await this.#watch(state.revision + 1);
      replace = end === 'replace';
      failures = performance.now() - began > 5000 ? 1 : failures + 1;
      if (!signal.aborted) await backOff(failures, AbortSignal.any([signal, this.client.closing]));
    }
  }

  /** Undefined when the listing was overtaken by compaction. */
  async #list(): Promise<{ entries: KeyValue[]; revision: number } | undefined> {
    const entries: KeyValue[] = [];
    let revision = 0;
    try {
      for await (const page of this.list({ signal: this.#closing.signal })) {
        for (const entry of page.entries) entries.push(entry);
        revision = page.revision;
      }
    } catch (error) {
      if ((error as { code?: string }).code === 'STORE_COMPACTED') return undefined;
      throw error;
    }
    return { entries, revision };
  }

  async #deliver(
    { entries, revision }: { entries: KeyValue[]; revision: number },
    replace: boolean,
  ): Promise<void> {
    if (replace) {
      this.#known.clear();
      for (const { key, modRevision } of entries) this.#known.set(key, modRevision);
      await this.#hand(() => this.handlers.snapshot(entries, revision));
      return;
    }
    const gone = new Set(this.#known.keys());
    const changes: Change[] = [];
    for (const entry of entries) {
      gone.delete(entry.key);
      if (this.#known.get(entry.key) !== entry.modRevision) changes.push({ type: 'put', entry });
    }
    changes.sort((a, b) => revisionOf(a) - revisionOf(b));
    // When they went is not known; the revision of the list is the latest it can have been.
    for (const key of gone) changes.push({ type: 'delete', key, modRevision: revision });
    await this.#change(changes, revision);
  }

  async #change(changes: Change[], revision: number): Promise<void> {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.type === 'put') this.#known.set(change.entry.key, change.entry.modRevision);
      else this.#known.delete(change.key);
    }
    await this.#hand(() => this.handlers.change(changes, revision));
  }

  async #hand(call: () => void | Promise<void>): Promise<void> {
    if (this.#closing.signal.aborted) return;
    try {
      await call();
    } catch (error) {
      throw new HandlerError(reasonOf(error), { cause: error });
    }
  }

  /** Returns when the watch has ended; throws only what a handler threw. */
  async #watch(revision: number): Promise<End> {
    const opened = await this.client.watch().catch(() => undefined);
    if (opened === undefined) return 'broken';
    const { stream, endpoint } = opened;
    const replies: WatchReply[] = [];
    let end: End | undefined;
    let wake: (() => void) | undefined;
    const finish = (how: End) => {
      end ??= how;
      wake?.();
    };
    const failed = (error: unknown) => {
      if (end === undefined) this.client.watchFailed(error, endpoint);
      finish('broken');
    };
    this.#interrupt = finish;
    const unanswered = setTimeout(() => failed(new Error('no answer to a watch')), this.client.requestMs);
    stream.on('error', failed);
    stream.on('end', () => failed(new Error('the watch was ended')));
    stream.on('data', (bytes: Buffer) => {
      try {
        replies.push(decodeWatch(bytes));
      } catch (error) {
        failed(error);
      }
      if (replies.length >= readAhead) stream.pause();
      wake?.();
    });
    stream.write(encodeWatch(this.#key, this.#end, revision));
    try {
      for (;;) {
        if (end !== undefined || this.#closing.signal.aborted) return end ?? 'broken';
        const reply = replies.shift();
        if (reply === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        clearTimeout(unanswered);
        if (replies.length === 0) stream.resume();
        if (reply.canceled) {
          if (reply.compactRevision > 0) return 'replace';
          failed(new Error(reply.reason || 'the watch was canceled'));
          return 'broken';
        }
        await this.#change(reply.events.map(toChange), reply.events.at(-1)?.entry.modRevision ?? 0);
      }
    } finally {
      clearTimeout(unanswered);
      this.#interrupt = undefined;
      end ??= 'broken';
      // Its 'error' listener stays: cancelling makes one more.
      stream.cancel();
    }
  }
}

const toChange = ({ deleted, entry }: WatchReply['events'][number]): Change =>
  deleted ? { type: 'delete', key: entry.key, modRevision: entry.modRevision } : { type: 'put', entry };

const revisionOf = (change: Change): number =>
  change.type === 'put' ? change.entry.modRevision : change.modRevision;

function asError(thrown: unknown): Error {
  if (thrown instanceof HandlerError && thrown.cause instanceof Error) return thrown.cause;
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
