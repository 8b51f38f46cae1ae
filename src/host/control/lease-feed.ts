// SPDX-License-Identifier: MPL-2.0
// One follow for everybody who watches the same leases: the store keeps one account of what it told, however
// many watch. A reader that has too much waiting makes the follow wait; the reader's own limits end that.
import { NnoeError } from '../errors.js';
import type { Change, Follow, FollowHandlers, Store } from '../store/store.js';

export interface FeedReader {
  /** Changes of one revision. A promise holds up the follow, and so every reader of the feed. */
  change(changes: Change[], revision: number): void | Promise<void>;
  /** What was told before may not be built upon. */
  reset(): void;
  failed(error: Error): void;
}

export class LeaseFeeds {
  readonly #store: Store;
  readonly #feeds = new Map<string, LeaseFeed>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many follows are open. */
  get open(): number {
    return this.#feeds.size;
  }

  /**
   * From its resolution on, `reader` is told of every change below `prefix`. Call the result to leave.
   * @throws what ended the follow before that, or the signal's reason.
   */
  async join(prefix: string, reader: FeedReader, signal: AbortSignal): Promise<() => void> {
    let feed = this.#feeds.get(prefix);
    if (feed === undefined) {
      feed = new LeaseFeed(this.#store, prefix, () => this.#feeds.delete(prefix));
      this.#feeds.set(prefix, feed);
    }
    const leave = feed.add(reader);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      signal.throwIfAborted();
      await Promise.race([feed.live, aborted]);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  close(): void {
    for (const feed of [...this.#feeds.values()]) feed.fail(new NnoeError('CONTROL_STOPPING'));
  }
}

class LeaseFeed {
  /** Resolves at the first snapshot: from then on no change is missed. */
  readonly live: Promise<void>;
  readonly #readers = new Set<FeedReader>();
  readonly #follow: Follow;
  readonly #ended: () => void;
  #begun: () => void = () => undefined;
  #broken: (error: Error) => void = () => undefined;
  #over = false;

  constructor(store: Store, prefix: string, ended: () => void) {
    this.#ended = ended;
    this.live = new Promise((resolve, reject) => {
      this.#begun = resolve;
      this.#broken = reject;
    });
    this.live.catch(() => undefined); // whoever joined is told
    let first = true;
    const handlers: FollowHandlers = {
      // After the first: changes may be missing, so readers begin anew.
      snapshot: () => {
        if (!first) for (const reader of this.#readers) reader.reset();
        first = false;
        this.#begun();
      },
      change: async (changes, revision) => {
        await Promise.all([...this.#readers].map((reader) => reader.change(changes, revision)));
      },
      error: (error) => this.fail(error),
    };
    // What stands there, each reader lists for itself, a page at a time.
    this.#follow = store.follow(prefix, handlers, { from: 'now' });
  }

  add(reader: FeedReader): () => void {
    this.#readers.add(reader);
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#end();
    };
  }

  fail(error: Error): void {
    this.#broken(error);
    const readers = [...this.#readers];
    this.#readers.clear();
    this.#end();
    for (const reader of readers) reader.failed(error);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended();
    this.#follow.close().catch(() => undefined);
  }
}
