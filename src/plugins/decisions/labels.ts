// SPDX-License-Identifier: MPL-2.0
// Values of a label whose number is bounded: the first so many are told apart, the rest is `other`.

export const otherLabel = 'other';

export class Labels {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return otherLabel;
    this.#known.add(value);
    return value;
  }

  /** Whether some are not told apart. */
  get full(): boolean {
    return this.#known.size >= this.#most;
  }
}
