// SPDX-License-Identifier: MPL-2.0
// What the store's answer means for each job of a transaction: done, to be deleted next, to be sent again
// against another revision, or given up because what stands there is right.
import type { LeaseEvent } from '../../host/gen/events.js';
import type { KeyValue, Operation } from '../../host/store/store.js';
import { endOf } from './active.js';
import { decide } from './decide.js';
import { attach, type Job, type LeaseJob } from './job.js';
import type { Jobs } from './jobs.js';
import { readStored, type Stored } from './stored.js';
import { identityOf, leaseValue, stateOf, type Word, wordFor } from './value.js';

export interface Write {
  job: Job;
  operation: Operation;
}

export interface OutcomeCounters {
  written(kind: 'put' | 'delete'): void;
  unchanged(): void;
  /** Left as it is: newer, another's, or of another client. */
  yielded(): void;
  conflict(): void;
}

/** A snapshot says nothing about why the lease is there, so it keeps the word that stands, unless that was
 *  the end of an earlier lease. */
export function wordOf(job: LeaseJob, isNew: boolean): Word {
  if (!job.snapshot || isNew) return wordFor(job.event.operation, isNew);
  const word = job.keep ?? job.known.word(job.slot);
  return word === 'renew' ? word : 'offer';
}

const leaseEnd = (event: LeaseEvent) => endOf(stateOf(event), event.cltt + event.validLft);

export class Outcome {
  readonly #nodeJson: string;

  constructor(
    private readonly node: string,
    private readonly jobs: Jobs,
    private readonly count: OutcomeCounters,
    private readonly told: {
      refused(key: string, reason: unknown): void;
      /** A key was deleted. */
      gone(address: Buffer): void;
    },
  ) {
    this.#nodeJson = JSON.stringify(node);
  }

  /** The job is in the store as of `revision`. */
  applied(job: Job, revision: number): void {
    if (job.kind === 'put') this.#put(job, revision);
    else if (job.kind === 'remove') this.#announced(job, revision);
    else if (job.kind === 'delete') this.#deleted(job);
    else this.jobs.finish(job);
  }

  #put(job: LeaseJob, revision: number): void {
    const { known, slot, seq, hashLow, hashHigh, client } = job;
    const word = wordOf(job, known.revision(slot) === 0);
    known.set(slot, { revision, seq, hashLow, hashHigh, client, word });
    known.setEnd(slot, leaseEnd(job.event));
    this.count.written('put');
    this.jobs.finish(job);
  }

  /** The value says why the key goes; next it goes. */
  #announced(job: LeaseJob, revision: number): void {
    const { known, slot, seq, client } = job;
    known.set(slot, { revision, seq, hashLow: 0, hashHigh: 0, client, word: wordOf(job, false) });
    known.setEnd(slot, 0);
    this.count.written('put');
    const next = this.jobs.waiting(known, slot);
    if (next?.kind === 'put') {
      // The address is leased again: that value takes the place of the deletion.
      for (const batch of job.batches) attach(next, batch);
      this.jobs.finish(job);
      return;
    }
    job.kind = 'delete';
    job.checked = true;
    this.jobs.retry(job);
  }

  #deleted(job: LeaseJob): void {
    job.known.setRevision(job.slot, 0);
    job.known.setEnd(job.slot, 0);
    this.told.gone(job.event.address);
    this.count.written('delete');
    this.jobs.finish(job);
  }

  /** An error that no retry mends is about one of the writes: find it by sending each alone. */
  rejected(writes: readonly Write[], error: unknown): void {
    if ((error as { retry?: boolean }).retry !== false) throw error;
    const [only] = writes;
    if (writes.length > 1 || only === undefined) {
      for (const { job } of writes) {
        job.alone = true;
        this.jobs.retry(job);
      }
      return;
    }
    const { job, operation } = only;
    this.told.refused('put' in operation ? operation.put : operation.delete, error);
    if (job.kind !== 'plain') job.known.setUnsure(job.slot);
    this.jobs.finish(job);
  }

  /** @param expected revision that each write compared; undefined: none. `found` has one for each that did. */
  conflict(
    writes: readonly Write[],
    expected: readonly (number | undefined)[],
    found: readonly (KeyValue | undefined)[],
  ): void {
    this.count.conflict();
    let at = 0;
    for (const [i, { job }] of writes.entries()) {
      const revision = expected[i];
      if (revision === undefined || job.kind === 'plain') {
        this.jobs.retry(job);
        continue;
      }
      const current = found[at++];
      if ((current?.modRevision ?? 0) === revision) this.jobs.retry(job);
      else this.decide(job, current);
    }
  }

  /** The key is not as this node left it, or not known: whose value stands? */
  decide(job: LeaseJob, found: KeyValue | undefined): void {
    const { event, known, slot, seq, kind } = job;
    const stored = found && readStored(found.value);
    known.setRevision(slot, found?.modRevision ?? 0);
    if (kind === 'delete') {
      this.#decideDelete(job, stored);
      return;
    }
    const claim = {
      kind,
      node: this.node,
      seq,
      cltt: event.cltt,
      identity: identityOf(event),
      anyone: job.anyone,
    };
    const verdict = decide(claim, stored);
    if (verdict === 'done') this.applied(job, found?.modRevision ?? 0);
    else if (verdict === 'skip') this.#skip(job, stored);
    else if (found && stored && this.#stands(job, found, stored)) this.#adopt(job, found, stored);
    else {
      job.checked = true;
      job.keep = stored?.word;
      this.jobs.retry(job);
    }
  }

  /** The value that said why the key goes is ours; anything else that stands there is newer. */
  #decideDelete(job: LeaseJob, stored: Stored | undefined): void {
    if (stored?.node === this.node && stored.seq === job.seq) this.jobs.retry(job);
    else this.#skip(job, stored);
  }

  /** Whether a put would change nothing but operation, timestamp, seq and node of a value of ours. */
  #stands(job: LeaseJob, found: KeyValue, stored: Stored): boolean {
    if (job.kind !== 'put' || stored.node !== this.node) return false;
    const { word, timestamp, seq } = stored;
    return leaseValue(job.event, { word, timestamp, seq, node: this.#nodeJson }).equals(found.value);
  }

  #adopt(job: LeaseJob, found: KeyValue, stored: Stored): void {
    const { hashLow, hashHigh, client, seq } = job;
    const revision = found.modRevision;
    job.known.set(job.slot, { revision, seq, hashLow, hashHigh, client, word: stored.word });
    job.known.setEnd(job.slot, leaseEnd(job.event));
    this.count.unchanged();
    this.jobs.finish(job);
  }

  #skip(job: LeaseJob, stored: Stored | undefined): void {
    if (stored) {
      this.count.yielded();
      job.known.setUnsure(job.slot);
      if (stored.node === this.node) {
        job.known.raiseSeq(job.slot, stored.seq);
        job.known.setEnd(job.slot, endOf(stored.state, stored.expiresAt));
      }
    }
    this.jobs.finish(job);
  }
}
