// SPDX-License-Identifier: MPL-2.0
// Everything that is still to be written: what waits, what is on its way, what goes again. A key is on its
// way at most once; a later job for it is parked until then.
import { attach, type Batch, type Job, type LeaseJob, Queue, settle } from './job.js';
import type { Known } from './known.js';

export class Jobs {
  readonly #queue = new Queue<Job>();
  readonly #retries = new Queue<Job>();
  /** The job of each key: queued, or on its way with the next one behind it. */
  readonly #current = new Map<Known, Map<number, LeaseJob>>();
  readonly #plain = new Set<Job>();

  adopt(known: Known): void {
    this.#current.set(known, new Map());
  }

  /** Jobs that can be sent now. */
  get ready(): number {
    return this.#queue.length + this.#retries.length;
  }

  /** Keys with something still to be written. */
  get size(): number {
    let count = this.#plain.size;
    for (const jobs of this.#current.values()) count += jobs.size;
    return count;
  }

  /** The job of a key: the one on its way, if there is one. */
  current(known: Known, slot: number): LeaseJob | undefined {
    return this.#current.get(known)?.get(slot);
  }

  /** The job for a key that can still be changed. */
  waiting(known: Known, slot: number): LeaseJob | undefined {
    const job = this.current(known, slot);
    return job?.busy ? job.next : job;
  }

  pending(known: Known, slot: number): boolean {
    return this.current(known, slot) !== undefined;
  }

  /** @param busy the job of the same key that is on its way; nothing waits behind it. */
  add(job: Job, busy?: LeaseJob): void {
    if (busy !== undefined && job.kind !== 'plain') {
      busy.next = job;
      return;
    }
    if (job.kind === 'plain') this.#plain.add(job);
    else this.#current.get(job.known)?.set(job.slot, job);
    this.#queue.push(job);
  }

  /** The next to be sent; its key is busy until `finish`. */
  take(): Job | undefined {
    const again = this.#retries.shift();
    if (again) return again;
    const job = this.#queue.shift();
    if (job !== undefined && job.kind !== 'plain') job.busy = true;
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
    const { known, slot, next } = job;
    if (next !== undefined) {
      this.#current.get(known)?.set(slot, next);
      this.#queue.push(next);
      return;
    }
    this.#current.get(known)?.delete(slot);
    if (known.revision(slot) === 0) known.remove(slot);
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
    for (const jobs of this.#current.values())
      for (const job of jobs.values()) {
        yield job;
        if (job.next !== undefined) yield job.next;
      }
  }
}
