// SPDX-License-Identifier: MPL-2.0
// What is to be written for one key, and who waits for it.
import type { LeaseEvent } from '../../host/gen/events.js';
import type { Known } from './known.js';
import type { Word } from './value.js';

/** A batch of records; settles when everything that came of it is in the store. */
export class Batch {
  #open = 1;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;
  readonly settled = new Promise<void>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor() {
    // Whoever awaits it hears of a failure; one that nobody awaits any more is no unhandled rejection.
    this.settled.catch(() => undefined);
  }

  hold(): void {
    this.#open++;
  }

  /** Once for each `hold`, and once by the maker when all has been handed over. */
  release(): void {
    if (--this.#open === 0) this.#resolve();
  }

  fail(reason: unknown): void {
    this.#reject(reason);
  }
}

interface Common {
  batches: Batch[];
  /** To be sent in a transaction of its own, because one with others was refused as such. */
  alone: boolean;
}

/** A key and value of their own, written as they are. */
export interface PlainJob extends Common {
  kind: 'plain';
  key: string;
  value: string | Buffer;
}

/** `remove` puts a value that says why the key goes, and becomes `delete`. */
export interface LeaseJob extends Common {
  kind: 'put' | 'remove' | 'delete';
  known: Known;
  slot: number;
  event: LeaseEvent;
  seq: number;
  snapshot: boolean;
  /** What the store holds of this key is no newer than the event, and not worth a look. */
  fresh: boolean;
  hashLow: number;
  hashHigh: number;
  client: number;
  /**
   * `remove` only: it ends the lease of whoever holds it. So for an event that names no client (a deletion by
   * command), and when a newer client's put, never sent, is part of it: that one has replaced who stands there.
   */
  anyone: boolean;
  /** What stands in the store was read and found to be ours to change. */
  checked: boolean;
  /** It was taken to be sent. */
  busy: boolean;
  /** Comes when this one, which is busy, is done. */
  next: LeaseJob | undefined;
  /** The word that a snapshot found in the store and keeps. */
  keep: Word | undefined;
}

export type Job = PlainJob | LeaseJob;

export function attach(job: Job, batch: Batch): void {
  if (job.batches.at(-1) === batch) return;
  batch.hold();
  job.batches.push(batch);
}

export function settle(job: Job): void {
  for (const batch of job.batches) batch.release();
  job.batches.length = 0;
}

/** First in, first out, without moving what remains at every step. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head > 4096 || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
