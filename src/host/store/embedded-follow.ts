// SPDX-License-Identifier: MPL-2.0
// One follower of the embedded store: what a read snapshot shows, then every transaction after it. Changes are
// queued from before the snapshot is taken, so none can fall between; a follower that is too slow for its
// queue is given a snapshot again.
import type { Change, Follow, FollowHandlers, KeyValue } from './store.js';

/** Changes that wait for a slow handler before it has to begin anew. */
const longestQueue = 65_536;

interface Snapshot {
  entries: KeyValue[];
  revision: number;
}

export interface FollowSource {
  /** What the follower is to begin with, as of one revision. */
  snapshot(): Snapshot | Promise<Snapshot>;
  /** It has to begin anew. */
  restarted(): void;
  ended(): void;
}

interface Step {
  changes: Change[];
  revision: number;
}

export class EmbeddedFollow implements Follow {
  readonly prefix: string;
  readonly #bytes: Buffer;
  readonly #handlers: FollowHandlers;
  readonly #source: FollowSource;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #queue: Step[] = [];
  #queued = 0;
  #overflown = false;
  #wake: (() => void) | undefined;

  constructor(prefix: string, handlers: FollowHandlers, source: FollowSource) {
    this.prefix = prefix;
    this.#bytes = Buffer.from(prefix);
    this.#handlers = handlers;
    this.#source = source;
    this.#done = this.#run();
  }

  /** Whether a key, as bytes, is below the prefix. */
  covers(key: Buffer): boolean {
    const { length } = this.#bytes;
    return key.length >= length && key.compare(this.#bytes, 0, length, 0, length) === 0;
  }

  /** Everything that one transaction changed below the prefix; called in order of revision. */
  push(changes: Change[], revision: number): void {
    if (this.#closing.signal.aborted || this.#overflown) return;
    this.#queued += changes.length;
    if (this.#queued > longestQueue) {
      this.#overflown = true;
      this.#queue = [];
      this.#source.restarted();
    } else this.#queue.push({ changes, revision });
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    await this.#done;
  }

  async #run(): Promise<void> {
    // In a later turn: the caller has its Follow before the first call.
    await Promise.resolve();
    try {
      while (!this.#closing.signal.aborted) await this.#follow();
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#handlers.error(asError(error));
    } finally {
      this.#closing.abort();
      this.#source.ended();
    }
  }

  /** A snapshot and what comes after it, until it is closed or its queue was not long enough. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    this.#queue = [];
    this.#queued = 0;
    this.#overflown = false;
    const { entries, revision } = await this.#source.snapshot();
    if (signal.aborted) return;
    await this.#handlers.snapshot(entries, revision);
    while (!signal.aborted && !this.#overflown) {
      const step = this.#take(revision);
      if (step !== undefined) await this.#handlers.change(step.changes, step.revision);
      else if (this.#queue.length === 0) await this.#sleep();
    }
  }

  /** What is there now, in one call; undefined: nothing that is newer than the snapshot. */
  #take(after: number): Step | undefined {
    const steps = this.#queue.filter((step) => step.revision > after);
    this.#queue = [];
    this.#queued = 0;
    const last = steps.at(-1);
    if (last === undefined) return undefined;
    return { changes: steps.flatMap(({ changes }) => changes), revision: last.revision };
  }

  async #sleep(): Promise<void> {
    if (this.#closing.signal.aborted || this.#overflown || this.#queue.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

const asError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)));
