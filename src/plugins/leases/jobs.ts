// SPDX-License-Identifier: MPL-2.0
// Everything that is still to be written: what waits, what is on its way, what goes again. A key is on its
// way at most once; a later job for it is parked until then.
import { attach, type Batch, type Job, type LeaseJob, Queue, settle } from './job.js';
import type { Known } from './known.js';

export class Jobs {
  readonly #queue = new Queue<Job>();
  readonly #retries = new Queue<Job>();
  /** Next for a key: queued, or parked while the key is busy. */
  readonly #waiting = new Map<Known, Map<number, LeaseJob>>();
  readonly #busy = new Map<Known, Map<number, LeaseJob>>();
  readonly #plain = new Set<Job>();

  adopt(known: Known): void {
    this.#waiting.set(known, new Map());
    this.#busy.set(known, new Map());
  }

  /** Jobs that can be sent now. */
  get ready(): number {
    return this.#queue.length + this.#retries.length;
  }

  /** Keys with something still to be written. */
  get size(): number {
    let count = this.#plain.size;
    for (const jobs of this.#waiting.values()) count += jobs.size;
    for (const jobs of this.#busy.values()) count += jobs.size;
    return count;
  }

  /** The job for a key that can still be changed. */
  waiting(known: Known, slot: number): LeaseJob | undefined {
    return this.#waiting.get(known)?.get(slot);
  }

  isBusy(known: Known, slot: number): boolean {
    return this.#busy.get(known)?.has(slot) === true;
  }

  pending(known: Known, slot: number): boolean {
    return this.isBusy(known, slot) || this.waiting(known, slot) !== undefined;
  }

  add(job: Job): void {
    if (job.kind === 'plain') this.#plain.add(job);
    else {
      this.#waiting.get(job.known)?.set(job.slot, job);
      if (this.isBusy(job.known, job.slot)) return;
    }
    this.#queue.push(job);
  }

  /** The next to be sent; its key is busy until `finish`. */
  take(): Job | undefined {
    const again = this.#retries.shift();
    if (again) return again;
    const job = this.#queue.shift();
    if (job === undefined || job.kind === 'plain') return job;
    this.#waiting.get(job.known)?.delete(job.slot);
    this.#busy.get(job.known)?.set(job.slot, job);
    return job;
  }

  /** A job that was taken goes again, before all others. */
  retry(job: Job): void {
    this.#retries.push(job);
  }

  /** It is in the store, or need not be. */
  finish(job: Job): void {
    settle(job);
    if (job.kind === 'plain') {
      this.#plain.delete(job);
      return;
    }
    const { known, slot } = job;
    this.#busy.get(known)?.delete(slot);
    const next = this.waiting(known, slot);
    if (next) this.#queue.push(next);
    else if (known.revision(slot) === 0) known.remove(slot);
  }

  /** Settles when all that is to be written now has been. */
  async barrier(batch: Batch): Promise<void> {
    for (const job of this.#all()) attach(job, batch);
    batch.release();
    await batch.settled;
  }

  fail(reason: unknown): void {
    for (const job of this.#all()) for (const batch of job.batches) batch.fail(reason);
  }

  *#all(): Generator<Job> {
    yield* this.#plain;
    for (const jobs of this.#waiting.values()) yield* jobs.values();
    for (const jobs of this.#busy.values()) yield* jobs.values();
  }
}
