// SPDX-License-Identifier: MPL-2.0
// The least that keeps a journal moving: reads everything, decodes nothing, moves its cursor. For cases about
// Kea, where a host and a store on the same two cores would be measured instead.
import { type Journal, type JournalReader, native, RecordKind } from '../../src/host/native.js';

export class Consumer {
  readonly kinds = new Map<number, number>();
  /** performance.now() at which the last end of a walk was read; undefined while there was none. */
  walkEnded: number | undefined;
  readonly #journal: Journal;
  readonly #reader: JournalReader;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(directory: string) {
    this.#journal = native().openJournal(directory);
    this.#reader = this.#journal.reader(0);
    this.#journal.onSignal(() => this.#drain());
    // Also by time, so that a cursor does not wait for the next doorbell.
    this.#timer = setInterval(() => this.#drain(), 20);
    this.#drain();
  }

  count(kind: number): number {
    return this.kinds.get(kind) ?? 0;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let got = this.#reader.next(1024); got > 0; got = this.#reader.next(1024)) {
      for (let i = 0; i < got; i++) {
        const kind = this.#reader.kinds[i] as number;
        this.kinds.set(kind, this.count(kind) + 1);
        if (kind === RecordKind.WalkEnd) this.walkEnded = performance.now();
      }
      this.#journal.setCursor('bench', this.#reader.position);
    }
    this.#draining = false;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#reader.close();
    this.#journal.close();
  }
}
