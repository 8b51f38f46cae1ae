// SPDX-License-Identifier: MPL-2.0
// When to publish: a few milliseconds after something changed, never twice at a time, and again after a pause when it
// did not succeed. Knows nothing of what is published.
import type { Generation } from '../plugin/tables.js';

/** What changes within this time goes together, ms. */
const collect = 3;
/** Pause after a failure, ms: the first, and the longest. */
const firstPause = 1000;
const longestPause = 30_000;

export interface BatchOptions {
  /** Publishes everything asked for until it is called; not `complete`: some of it comes with a later one. */
  publish(): Promise<{ generation: Generation; complete: boolean }>;
  /** It rejected; it is tried again in so many ms. */
  failed(error: unknown, pause: number): void;
  /** Default 3 ms. */
  collect?: number;
  firstPause?: number;
}

interface Waiter {
  asked: number;
  resolve(generation: Generation): void;
}

export class Batch {
  readonly #options: BatchOptions;
  /** How often something was asked for, how much of that was dealt with, and how much is published. */
  #asked = 0;
  #done = 0;
  #complete = 0;
  /** When the oldest of what is not published was asked for, and the first since the last call of `publish`; monotonic ms. */
  #oldest: number | undefined;
  #next: number | undefined;
  #generation: Generation = 0;
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;
  #pause: number;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#pause = options.firstPause ?? firstPause;
  }

  /** Whether everything that was asked for is published. */
  get settled(): boolean {
    return this.#asked === this.#complete;
  }

  /** How long the oldest of what was asked for has waited, s; 0: nothing waits. */
  get waited(): number {
    return this.#oldest === undefined ? 0 : (performance.now() - this.#oldest) / 1000;
  }

  /** Something changed. */
  ask(): void {
    this.#asked++;
    this.#next ??= performance.now();
    this.#oldest ??= this.#next;
    this.#running ??= this.#run();
  }

  /** Resolves when everything asked for until now is published. */
  published(): Promise<Generation> {
    if (this.settled) return Promise.resolve(this.#generation);
    return new Promise((resolve) => this.#waiters.push({ asked: this.#asked, resolve }));
  }

  /** Ends pauses at once; what is under way is waited for, what is not is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#wait(this.#options.collect ?? collect);
    while (this.#asked > this.#done && !this.#closed) {
      const asked = this.#asked;
      this.#next = undefined;
      try {
        const { generation, complete } = await this.#options.publish();
        this.#generation = generation;
        this.#done = asked;
        this.#pause = this.#options.firstPause ?? firstPause;
        if (complete) this.#completed(asked);
      } catch (error) {
        this.#options.failed(error, this.#pause);
        await this.#wait(this.#pause);
        this.#pause = Math.min(this.#pause * 2, longestPause);
      }
    }
    this.#running = undefined;
  }

  #completed(asked: number): void {
    this.#complete = asked;
    this.#oldest = this.#next;
    const done = this.#waiters.filter((each) => each.asked <= asked);
    this.#waiters = this.#waiters.filter((each) => each.asked > asked);
    for (const { resolve } of done) resolve(this.#generation);
  }

  #wait(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
    });
  }
}
