// SPDX-License-Identifier: MPL-2.0
// The writing thread as the event loop sees it: requests go out, answers come back in order of revision.
import { Worker } from 'node:worker_threads';
import type { Meta } from './embedded-format.js';
import type { FromWriter, ToWriter, WriteRequest, WriteResult, WriterData } from './embedded-writer.js';

export interface ThreadHandlers {
  done(results: WriteResult[], meta: Meta): void;
  /** Nothing of it was written; the requests come back as they were. */
  failed(requests: WriteRequest[], code: number, reason: string): void;
  /** Keys whose time had come are gone, with the revision that `meta` names. */
  swept(keys: string[], meta: Meta): void;
  /** It ended without having been told. */
  lost(reason: string): void;
}

/** Buffers come from another thread as plain byte arrays. */
function asBuffers(result: WriteResult): WriteResult {
  for (const entry of result.current) {
    if (entry === undefined) continue;
    const { buffer, byteOffset, length } = entry.value;
    entry.value = Buffer.from(buffer, byteOffset, length);
  }
  return result;
}

export class WriterThread {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #closing = false;
  #waiting: WriteRequest[] = [];

  constructor(data: WriterData, handlers: ThreadHandlers) {
    this.#worker = new Worker(new URL('embedded-writer.js', import.meta.url), { workerData: data });
    this.#worker.on('message', (message: FromWriter) => this.#message(message, handlers));
    let reason = 'it ended';
    this.#worker.on('error', (error) => {
      reason = error.message;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        if (!this.#closing) handlers.lost(reason);
        resolve();
      });
    });
  }

  #message(message: FromWriter, handlers: ThreadHandlers): void {
    if (message.kind === 'done') handlers.done(message.results.map(asBuffers), message.meta);
    else if (message.kind === 'failed') handlers.failed(message.requests, message.code, message.reason);
    else if (message.kind === 'swept') handlers.swept(message.keys, message.meta);
  }

  /** What is asked for in one turn of the event loop travels together. */
  write(request: WriteRequest): void {
    if (this.#waiting.push(request) === 1) queueMicrotask(() => this.#post());
  }

  #post(): void {
    const requests = this.#waiting;
    if (requests.length === 0) return;
    this.#waiting = [];
    this.#send(
      { kind: 'commit', requests },
      requests.flatMap(({ parts }) => parts),
    );
  }

  #send(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Resolves when everything asked for was written, and answered, and the file is closed. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#post();
      this.#closing = true;
      this.#send({ kind: 'close' });
    }
    await this.#ended;
  }
}
