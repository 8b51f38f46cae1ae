// SPDX-License-Identifier: MPL-2.0
// How many leases are active, at any time, without going through them: counted by the minute in which they end.

/** Minute in which a lease ends, since 1970, rounded up; 0 for one that is not counted: declined, released. */
export const endOf = (state: number, expiresAt: number): number =>
  state === 0 && expiresAt > 0 ? Math.min(Math.ceil(expiresAt / 60), 0xffffffff) : 0;

export class Active {
  readonly #byEnd = new Map<number, number>();
  /** Sum of those that end in this minute or later. */
  #live = 0;
  #minute: number;

  /** @param seconds wall clock, s since 1970. */
  constructor(seconds = Date.now() / 1000) {
    this.#minute = Math.ceil(seconds / 60);
  }

  /** A lease no longer ends in minute `before` but in `after`; 0: is not counted. */
  move(before: number, after: number): void {
    if (before === after) return;
    if (before !== 0) this.#add(before, -1);
    if (after !== 0) this.#add(after, 1);
  }

  #add(minute: number, by: number): void {
    const count = (this.#byEnd.get(minute) ?? 0) + by;
    if (count === 0) this.#byEnd.delete(minute);
    else this.#byEnd.set(minute, count);
    if (minute >= this.#minute) this.#live += by;
  }

  /** Leases that have not ended; the clock may have gone either way since the last call. */
  count(seconds = Date.now() / 1000): number {
    const now = Math.ceil(seconds / 60);
    // A step for each minute that passed, but never more than there are entries.
    if (Math.abs(now - this.#minute) > this.#byEnd.size) {
      this.#live = 0;
      for (const [minute, count] of this.#byEnd) if (minute >= now) this.#live += count;
    } else {
      for (let minute = this.#minute; minute < now; minute++) this.#live -= this.#byEnd.get(minute) ?? 0;
      for (let minute = now; minute < this.#minute; minute++) this.#live += this.#byEnd.get(minute) ?? 0;
    }
    this.#minute = now;
    return this.#live;
  }
}
