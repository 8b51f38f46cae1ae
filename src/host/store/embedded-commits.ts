// SPDX-License-Identifier: MPL-2.0
// Transactions on their way to the embedded store's file: sent, answered, and after trouble with the disk sent
// again for as long as it takes.
import { statfsSync } from 'node:fs';
import { NnoeError } from '../errors.js';
import { pause } from './backoff.js';
import { isOutOfSpace } from './embedded-file.js';
import type { Meta } from './embedded-format.js';
import { WriterThread } from './embedded-thread.js';
import type { WriteRequest, WriteResult, WriterData } from './embedded-writer.js';
import type { CommitResult } from './store.js';

export interface CommitsOptions extends WriterData {
  /** For errors. */
  directory: string;
  /** Called before those who wait are answered, in order of revision. */
  written(results: WriteResult[], meta: Meta): void;
  swept(keys: string[], meta: Meta): void;
}

interface Pending {
  id: number;
  /** Empty while the thread has them. */
  parts: ArrayBuffer[];
  resolve(result: CommitResult): void;
  reject(reason: unknown): void;
  /** Takes the listener off its signal. */
  forget(): void;
}

type Trouble = 'STORE_DISK_FULL' | 'STORE_WRITE_FAILED' | 'STORE_REPLACED';

/** With less than this (bytes) left on the disk, that is why a write was cut short, which LMDB calls EIO. */
const littleSpace = 2 ** 20;

function isUsedUp(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < littleSpace;
  } catch {
    return false;
  }
}

export class Commits {
  readonly #options: CommitsOptions;
  readonly #thread: WriterThread;
  readonly #pending = new Map<number, Pending>();
  /** What the thread does not have: given back by it, or come after. */
  readonly #waiting = new Set<Pending>();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #trouble: NnoeError | undefined;
  #ended = false;
  #lastId = 0;

  constructor(options: CommitsOptions) {
    this.#options = options;
    const { file, maxSize, clockOffset } = options;
    this.#thread = new WriterThread(
      { file, maxSize, clockOffset },
      {
        done: (results, meta) => this.#done(results, meta),
        failed: (requests, code, reason) => {
          for (const request of requests) this.#takeBack(request);
          const isFull = isOutOfSpace(code) || isUsedUp(options.directory);
          this.#suffer(isFull ? 'STORE_DISK_FULL' : 'STORE_WRITE_FAILED', reason);
        },
        swept: options.swept,
        lost: (reason) => this.end('STORE_WRITE_FAILED', `the writing thread ended: ${reason}`),
      },
    );
  }

  get trouble(): NnoeError | undefined {
    return this.#trouble;
  }

  /** Whether nothing more will be written in this life of the process. */
  get ended(): boolean {
    return this.#ended;
  }

  /** From now on whoever commits waits. */
  end(code: Trouble, reason: string): void {
    this.#ended = true;
    this.#trouble = this.#error(code, reason);
  }

  write(parts: ArrayBuffer[], signal?: AbortSignal): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#forget(pending);
        reject(signal?.reason);
      };
      const forget = () => signal?.removeEventListener('abort', aborted);
      const pending: Pending = { id: ++this.#lastId, parts, resolve, reject, forget };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#pending.set(pending.id, pending);
      if (this.#ended || this.#waiting.size > 0) this.#waiting.add(pending);
      else this.#send(pending);
    });
  }

  #send(pending: Pending): void {
    const { id, parts } = pending;
    pending.parts = [];
    this.#thread.write({ id, parts });
  }

  #forget(pending: Pending): void {
    pending.forget();
    this.#pending.delete(pending.id);
    this.#waiting.delete(pending);
  }

  #done(results: WriteResult[], meta: Meta): void {
    this.#options.written(results, meta);
    let full = false;
    for (const { id, outcome, revision, current, parts } of results) {
      const pending = this.#pending.get(id);
      if (pending === undefined) continue;
      if (outcome === 'full') {
        full = true;
        this.#takeBack({ id, parts });
        continue;
      }
      this.#forget(pending);
      // Every answer comes: no attempt can be applied later.
      pending.resolve({ committed: outcome === 'committed', revision, retried: false, current });
    }
    if (full) this.#suffer('STORE_DISK_FULL', 'the size that max-size allows is reached');
    else if (this.#waiting.size === 0) this.#recover();
  }

  #takeBack({ id, parts }: WriteRequest): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.parts = parts;
    this.#waiting.add(pending);
  }

  #suffer(code: Trouble, reason: string): void {
    if (this.#ended) return;
    this.#trouble = this.#error(code, reason);
    this.#retry ??= setTimeout(() => this.#again(), pause(++this.#failures));
  }

  #again(): void {
    this.#retry = undefined;
    if (this.#ended) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // With nobody waiting, whether the trouble is over shows when the next one writes.
    if (waiting.length === 0) this.#recover();
    for (const pending of waiting) this.#send(pending);
  }

  #recover(): void {
    if (this.#ended) return;
    this.#trouble = undefined;
    this.#failures = 0;
  }

  #error(code: Trouble, reason: string): NnoeError {
    return new NnoeError(code, { directory: this.#options.directory, reason });
  }

  /** What the thread has is still written; the rest is rejected. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#reject(this.#waiting);
    await this.#thread.close();
    this.#reject(this.#pending.values());
  }

  #reject(these: Iterable<Pending>): void {
    for (const pending of [...these]) {
      this.#forget(pending);
      pending.reject(new NnoeError('STORE_CLOSED'));
    }
  }
}
