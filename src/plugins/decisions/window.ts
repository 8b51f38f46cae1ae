// SPDX-License-Identifier: MPL-2.0
// What came most often over the last minutes, made of the rankings of seconds. Memory: at most `most` keys in each
// pane, whatever the keys are.
import type { Ranking } from '../../host/plugin.js';

/** So many panes make the window; the oldest goes as a whole. */
export const panes = 10;

interface Pane {
  /** When it began, s. */
  began: number;
  counts: Map<string, number>;
  /** What anything that is not in it may have had at most. */
  error: number;
}

export class Window {
  readonly #seconds: number;
  readonly #most: number;
  #panes: Pane[] = [];

  /** @param seconds of the whole. @param most keys in a pane, after each addition. */
  constructor(seconds: number, most: number) {
    this.#seconds = seconds;
    this.#most = most;
  }

  /** @param now monotonic s. */
  add({ top, error }: Ranking, now: number): void {
    const pane = this.#pane(now);
    for (const { key, count } of top) pane.counts.set(key, (pane.counts.get(key) ?? 0) + count);
    pane.error += error;
    if (pane.counts.size > this.#most * 2) this.#shorten(pane);
  }

  /** Largest counts first. Each is at least so large, and at most `error` larger. */
  top(most: number, now: number): Ranking {
    this.#drop(now);
    const sums = new Map<string, number>();
    let error = 0;
    for (const pane of this.#panes) {
      for (const [key, count] of pane.counts) sums.set(key, (sums.get(key) ?? 0) + count);
      error += pane.error;
    }
    const top = [...sums].map(([key, count]) => ({ key, count }));
    top.sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
    return { top: top.slice(0, most), error };
  }

  /** Keys that are held. */
  get size(): number {
    return this.#panes.reduce((sum, { counts }) => sum + counts.size, 0);
  }

  /** As many as the last of those that stay had is taken from all: nothing is larger than it was (Misra and Gries). */
  #shorten(pane: Pane): void {
    const sorted = [...pane.counts.values()].sort((a, b) => b - a);
    const taken = sorted[this.#most] ?? 0;
    for (const [key, count] of pane.counts)
      if (count > taken) pane.counts.set(key, count - taken);
      else pane.counts.delete(key);
    pane.error += taken;
  }

  #pane(now: number): Pane {
    this.#drop(now);
    const last = this.#panes.at(-1);
    if (last !== undefined && now - last.began < this.#seconds / panes) return last;
    const pane = { began: now, counts: new Map<string, number>(), error: 0 };
    this.#panes.push(pane);
    return pane;
  }

  #drop(now: number): void {
    this.#panes = this.#panes.filter(({ began }) => now - began < this.#seconds);
  }
}
