// SPDX-License-Identifier: MPL-2.0
// One NDJSON answer: writes as fast as its reader takes it, notices that the reader has gone, and gives up one
// that takes nothing any more.
import type { ServerResponse } from 'node:http';
import { faultOf } from './refusal.js';

/** Thrown by `write` when nobody reads any more; nothing is left to be told. */
export class Gone extends Error {}

export class Lines {
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  readonly #gone = new AbortController();

  /** @param stallMs how long the reader may take nothing. */
  constructor(response: ServerResponse, stallMs: number) {
    this.#response = response;
    this.#stallMs = stallMs;
    response.once('close', () => this.#gone.abort(new Gone()));
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
  }

  /** Aborts when the reader has gone. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Resolves when the reader has room for more.
   * @param text whole lines.
   * @throws Gone.
   */
  async write(text: string): Promise<void> {
    const response = this.#response;
    this.signal.throwIfAborted();
    if (response.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.cut(), this.#stallMs);
      const settle = () => {
        clearTimeout(timer);
        response.off('drain', settle);
        this.signal.removeEventListener('abort', settle);
        if (this.signal.aborted) reject(this.signal.reason);
        else resolve();
      };
      response.once('drain', settle);
      this.signal.addEventListener('abort', settle, { once: true });
    });
  }

  /** One object, as a line. */
  line(value: object): Promise<void> {
    return this.write(`${JSON.stringify(value)}\n`);
  }

  /** Ends with `error` as the last line, unless that is why there is nobody to read it. */
  fail(error: unknown): void {
    if (this.signal.aborted || error instanceof Gone) return;
    this.#end(`${JSON.stringify({ type: 'error', ...faultOf(error) })}\n`);
  }

  end(): void {
    if (!this.signal.aborted) this.#end('');
  }

  /** A reader that does not take the rest would keep its place among the streams. */
  #end(text: string): void {
    this.#response.end(text);
    const timer = setTimeout(() => this.cut(), this.#stallMs).unref();
    this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /** Without a word: the reader does not read. */
  cut(): void {
    this.#gone.abort(new Gone());
    this.#response.destroy();
  }
}
