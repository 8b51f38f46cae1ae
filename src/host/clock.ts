// SPDX-License-Identifier: MPL-2.0
// Deadlines on a clock that runs only while the store answers: a plugin that waits for etcd is not at fault.
// Monotonic throughout; the wall clock may jump as it likes.
import { performance } from 'node:perf_hooks';

/** A step longer than this (s) was a process stopped or a machine asleep, not a plugin at work. */
const longestStep = 2;
/** How often deadlines are looked at, s. */
const tick = 0.25;

interface Deadline {
  at: number;
  expired: () => void;
}

export class PatientClock {
  #elapsed = 0;
  #last = performance.now();
  #timer: NodeJS.Timeout | undefined;
  readonly #deadlines = new Set<Deadline>();
  readonly #runs: () => boolean;

  /** @param runs whether the time that passes now counts. */
  constructor(runs: () => boolean) {
    this.#runs = runs;
  }

  /**
   * Calls `expired` once after `seconds` of counted time, give or take a tick; the returned function cancels.
   * The timer runs only while there are deadlines.
   */
  deadline(seconds: number, expired: () => void): () => void {
    if (this.#timer === undefined) {
      this.#last = performance.now();
      this.#timer = setInterval(() => this.#look(), tick * 1000);
    }
    const deadline = { at: this.#elapsed + seconds, expired };
    this.#deadlines.add(deadline);
    return () => this.#deadlines.delete(deadline);
  }

  #look(): void {
    const now = performance.now();
    const step = Math.min((now - this.#last) / 1000, longestStep);
    this.#last = now;
    if (this.#deadlines.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (!this.#runs()) return;
    this.#elapsed += step;
    for (const deadline of this.#deadlines) {
      if (deadline.at > this.#elapsed) continue;
      this.#deadlines.delete(deadline);
      deadline.expired();
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#deadlines.clear();
  }
}
