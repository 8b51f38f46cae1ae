// SPDX-License-Identifier: MPL-2.0
// One follower of a MemoryStore: one call at a time, in order, a snapshot first.
import type { Change, Follow, FollowHandlers, FollowOptions, KeyValue } from '../store/store.js';

export class MemoryFollow implements Follow {
  readonly prefix: string;
  readonly from: FollowOptions['from'];
  readonly #handlers: FollowHandlers;
  readonly #ended: () => void;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(prefix: string, handlers: FollowHandlers, { from }: FollowOptions, ended: () => void) {
    this.prefix = prefix;
    this.from = from;
    this.#handlers = handlers;
    this.#ended = ended;
  }

  snapshot(entries: KeyValue[], revision: number): void {
    this.#then(() => this.#handlers.snapshot(entries, revision));
  }

  change(changes: Change[], revision: number): void {
    this.#then(() => this.#handlers.change(changes, revision));
  }

  /** Resolves when the handlers are done with everything so far. */
  settled(): Promise<void> {
    return this.#queue;
  }

  async close(): Promise<void> {
    this.#end();
    await this.#queue;
  }

  #then(call: () => void | Promise<void>): void {
    this.#queue = this.#queue
      .then(() => (this.#closed ? undefined : call()))
      .catch((error: Error) => {
        if (this.#closed) return;
        this.#end();
        this.#handlers.error(error);
      });
  }

  #end(): void {
    this.#closed = true;
    this.#ended();
  }
}
