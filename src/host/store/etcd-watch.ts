// SPDX-License-Identifier: MPL-2.0
// One watch, read reply by reply: what came is kept until it is asked for, etcd waits when that gets too much,
// and silence that lasts too long ends it.
import type { NnoeError } from '../errors.js';
import type { EtcdClient, OpenWatch } from './etcd-client.js';
import { StatusError } from './etcd-errors.js';
import type { WatchQuery, WatchReply } from './etcd-protocol.js';

/** Replies read ahead of the reader before etcd is made to wait. */
const readAhead = 32;

/** `quiet`: nothing came for so long that the connection may be dead. */
export type WatchEnd = 'broken' | 'quiet' | 'stopped';

export class WatchReader {
  readonly #replies: WatchReply[] = [];
  #open: OpenWatch | undefined;
  #silence: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #paused = false;
  /** Undefined while it goes on. */
  end: WatchEnd | undefined;
  /** Why it is broken. */
  trouble: NnoeError | undefined;

  private constructor() {}

  /** @throws NnoeError when the watch cannot be begun. */
  static async open(client: EtcdClient, query: WatchQuery): Promise<WatchReader> {
    const reader = new WatchReader();
    reader.#open = await client.watch(query, {
      reply: (reply) => reader.#take(reply),
      failed: (error) => reader.fail(error),
    });
    reader.#silence = setTimeout(
      () => reader.fail(new StatusError(4, 'no answer to a watch')),
      client.requestMs,
    );
    return reader;
  }

  /** Undefined when the watch has ended: what had come and was not asked for is dropped. */
  async next(): Promise<WatchReply | undefined> {
    for (;;) {
      if (this.end !== undefined) return undefined;
      const reply = this.#replies.shift();
      if (this.#paused && this.#replies.length === 0) {
        this.#paused = false;
        this.#open?.watch.resume();
      }
      if (reply !== undefined) return reply;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(reply: WatchReply): void {
    if (reply.created) this.#answered();
    else this.#silence?.refresh();
    this.#replies.push(reply);
    if (!this.#paused && this.#replies.length >= readAhead) {
      this.#paused = true;
      this.#open?.watch.pause();
    }
    this.#wake?.();
  }

  /** From now on it is silence between replies that counts. */
  #answered(): void {
    clearTimeout(this.#silence);
    const { quiet } = this.#open ?? {};
    if (quiet === undefined) return;
    this.#silence = setTimeout(() => {
      // A reader that takes its time hears nothing either.
      if (this.#paused || this.#replies.length > 0) this.#silence?.refresh();
      else this.finish('quiet');
    }, quiet);
  }

  fail(thrown: unknown): void {
    if (this.end !== undefined) return;
    this.trouble = this.#open?.lost(thrown);
    this.finish('broken');
  }

  finish(end: WatchEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    clearTimeout(this.#silence);
    this.#open?.watch.close();
    this.#wake?.();
  }
}
