// SPDX-License-Identifier: MPL-2.0
// One line on standard error that says what is being waited for; only on a terminal, and only once it takes
// longer than a second.
import type { Io } from './io.js';
import { crop } from './text.js';

const patience = 1000;
const frameEvery = 120;
const frames = ['-', '\\', '|', '/'];

export class Progress {
  readonly #io: Io;
  #text: string;
  #frame = 0;
  #shown = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(io: Io, text: string) {
    this.#io = io;
    this.#text = text;
    if (io.err.terminal) this.#timer = setTimeout(() => this.#begin(), patience);
  }

  say(text: string): void {
    this.#text = text;
  }

  /** Takes the line away, for output or for good; it comes back when it takes another second. */
  pause(): void {
    if (this.#timer === undefined) return;
    this.end();
    this.#timer = setTimeout(() => this.#begin(), patience);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#shown) void this.#io.err.write('\r\x1b[K');
    this.#shown = false;
  }

  #begin(): void {
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), frameEvery);
  }

  #draw(): void {
    const { err } = this.#io;
    const frame = frames[this.#frame++ % frames.length] ?? '';
    this.#shown = true;
    void err.write(`\r\x1b[K${frame} ${crop(this.#text, (err.columns ?? 80) - 3)}`);
  }
}
