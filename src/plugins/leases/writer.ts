// SPDX-License-Identifier: MPL-2.0
// From lease records to transactions. Per key the last event wins; a write compares the key's revision with
// what we last knew, or stands on this node being the only writer (writers.ts); several transactions are under way, and never two with one key.

import { addressText } from '../../host/address.js';
import { type LeaseEvent, Operation as LeaseOperation } from '../../host/gen/events.js';
import type { CommitResult, Transaction } from '../../host/plugin.js';
import type { Compare, Operation } from '../../host/store/store.js';
import { clientHash, fingerprint, takeFingerprint } from './fingerprint.js';
import { attach, Batch, type Job, type LeaseJob } from './job.js';
import { Jobs } from './jobs.js';
import type { Known } from './known.js';
import { Outcome, type OutcomeCounters, type Write, wordOf } from './outcome.js';
import { identityOf, leaseValue, removes, timestampOf } from './value.js';
import type { Writers } from './writers.js';

export interface WriterCounters extends OutcomeCounters {
  coalesced(): void;
  /** Now and then, after some of the above. */
  publish(): void;
}

export interface WriterOptions {
  node: string;
  limits: { operations: number; bytes: number };
  /** Transactions under way. */
  lanes: number;
  /** Absolute key of an address. */
  key(address: string): string;
  commit(transaction: Transaction): Promise<CommitResult>;
  writers: Writers;
  /** One record or key cannot be written; it is given up. */
  refused(key: string, reason: unknown): void;
  /** A key was deleted. */
  gone(address: Buffer): void;
  /** Nothing more can be written. */
  failed(reason: unknown): void;
  count: WriterCounters;
}

type About = Pick<LeaseJob, 'seq' | 'snapshot' | 'fresh'>;

interface Prepared extends Write {
  /** Revision the key must have; undefined: whatever. */
  revision: number | undefined;
  /** Stands on this node being the only one that writes. */
  alone?: boolean;
}

/** Can never hold, so that the answer tells what the keys have. */
const never = Number.MAX_SAFE_INTEGER;
/** What a transaction adds to the key and value of one operation at most, bytes. */
const overhead = 64;

export class Writer {
  readonly #o: WriterOptions;
  readonly #nodeJson: string;
  readonly #jobs = new Jobs();
  readonly #outcome: Outcome;
  /** When each transaction under way was sent. */
  readonly #lanes = new Set<{ since: number }>();
  #failure: { reason: unknown } | undefined;

  constructor(options: WriterOptions) {
    this.#o = options;
    this.#nodeJson = JSON.stringify(options.node);
    this.#outcome = new Outcome(options.node, this.#jobs, options.count, options);
  }

  adopt(known: Known): void {
    this.#jobs.adopt(known);
  }

  /** Set when nothing more can be written. */
  get failure(): { reason: unknown } | undefined {
    return this.#failure;
  }

  /** Whether something is to be written for a key. */
  pending(known: Known, slot: number): boolean {
    return this.#jobs.pending(known, slot);
  }

  /** Keys with something still to be written. */
  get backlog(): number {
    return this.#jobs.size;
  }

  /** How long (s) the oldest transaction has been waiting for its answer. */
  get stalled(): number {
    let oldest = performance.now();
    const now = oldest;
    for (const lane of this.#lanes) oldest = Math.min(oldest, lane.since);
    return (now - oldest) / 1000;
  }

  /** A key and value of their own, written as they are. */
  plain(key: string, value: string | Buffer, batch: Batch): void {
    if (this.#failure) throw this.#failure.reason;
    const job: Job = { kind: 'plain', key, value, batches: [], alone: false };
    attach(job, batch);
    this.#jobs.add(job);
  }

  /** @param mark set on the key when it is not 0; see Known.walk. */
  snapshot(known: Known, event: LeaseEvent, seq: number, mark: number, batch: Batch): void {
    const slot = this.#slot(known, event);
    if (mark !== 0) known.setWalk(slot, mark);
    this.#lease(known, slot, event, { seq, snapshot: true, fresh: false }, batch);
  }

  /** @param fresh no earlier life of this plugin can have written the event, or a later one of its key. */
  lease(known: Known, event: LeaseEvent, seq: number, fresh: boolean, batch: Batch): void {
    const snapshot = event.operation === LeaseOperation.SNAPSHOT;
    this.#lease(known, this.#slot(known, event), event, { seq, snapshot, fresh }, batch);
  }

  #lease(known: Known, slot: number, event: LeaseEvent, about: About, batch: Batch): void {
    if (this.#failure) throw this.#failure.reason;
    const remove = removes(event.operation);
    const current = this.#jobs.current(known, slot);
    const busy = current?.busy ? current : undefined;
    const waiting = busy ? busy.next : current;
    if (waiting) {
      attach(waiting, batch);
      this.#coalesce(waiting, event, about, remove);
      return;
    }
    if (!remove) takeFingerprint(event);
    if (!remove && !busy && this.#isUnchanged(known, slot)) {
      known.raiseSeq(slot, about.seq);
      this.#o.count.unchanged();
      return;
    }
    const job: LeaseJob = {
      kind: remove ? 'remove' : 'put',
      known,
      slot,
      event,
      seq: about.seq,
      snapshot: about.snapshot,
      fresh: about.fresh,
      hashLow: fingerprint.low,
      hashHigh: fingerprint.high,
      client: clientHash(event),
      anyone: remove && namesNobody(event),
      checked: false,
      busy: false,
      next: undefined,
      keep: undefined,
      batches: [],
      alone: false,
    };
    attach(job, batch);
    this.#jobs.add(job, busy);
  }

  #slot(known: Known, event: LeaseEvent): number {
    const found = known.find(event.address);
    if (found >= 0) return found;
    const slot = known.add(event.address);
    // To remove a key that is not there would be two writes for nothing: look first.
    if (removes(event.operation)) known.setUnsure(slot);
    return slot;
  }

  /** Whether the event whose fingerprint was taken last would write what is there already. */
  #isUnchanged(known: Known, slot: number, { low, high } = fingerprint): boolean {
    return known.revision(slot) > 0 && !known.isUnsure(slot) && known.sameHash(slot, low, high);
  }

  #coalesce(job: LeaseJob, event: LeaseEvent, about: About, remove: boolean): void {
    // A release can be journaled after the next client's assignment; it is the first client's lease that ended.
    const anyone = namesNobody(event);
    if (remove && job.kind === 'put' && !anyone && identityOf(event) !== identityOf(job.event)) {
      this.#o.count.yielded();
      return;
    }
    this.#o.count.coalesced();
    job.anyone = remove && (anyone || job.anyone || job.kind === 'put');
    job.kind = remove ? 'remove' : 'put';
    job.event = event;
    Object.assign(job, about);
    job.client = clientHash(event);
    if (remove) {
      // The put that it replaces was never sent: nothing is known of a key from before this host's start.
      if (job.known.revision(job.slot) === 0) job.known.setUnsure(job.slot);
      return;
    }
    takeFingerprint(event);
    job.hashLow = fingerprint.low;
    job.hashHigh = fingerprint.high;
  }

  /** Sends what can be sent; call when a batch has been handed over. */
  flush(): void {
    this.#o.count.publish();
    while (!this.#failure && this.#lanes.size < this.#o.lanes) {
      const { ready } = this.#jobs;
      // With a transaction under way a small one gains nothing: what comes meanwhile goes together.
      if (ready === 0 || (this.#lanes.size > 0 && ready < this.#o.limits.operations)) return;
      this.#send();
    }
  }

  #send(): void {
    const writes: Prepared[] = [];
    const reads: LeaseJob[] = [];
    const most = this.#o.limits.operations;
    let bytes = 0;
    // Half of the limit: the next operation is measured only when it is taken.
    while (writes.length < most && reads.length < most && bytes < this.#o.limits.bytes / 2) {
      const job = this.#jobs.take();
      if (job === undefined) break;
      const prepared = this.#prepared(job);
      if (prepared === 'done') this.#jobs.finish(job);
      else if (prepared === 'read') reads.push(job as LeaseJob);
      else {
        writes.push(prepared);
        const { operation } = prepared;
        if ('put' in operation) bytes += overhead + sizeOf(operation.value) + 2 * operation.put.length;
        if (job.alone) break;
      }
    }
    if (writes.length > 0) void this.#lane(() => this.#write(writes));
    if (reads.length > 0) void this.#lane(() => this.#read(reads));
  }

  /** A job that cannot even be put into words must not stop the others. */
  #prepared(job: Job): Prepared | 'done' | 'read' {
    try {
      return this.#prepare(job);
    } catch (error) {
      this.#o.refused(job.kind === 'plain' ? job.key : job.event.address.toString('hex'), error);
      return 'done';
    }
  }

  #prepare(job: Job): Prepared | 'done' | 'read' {
    if (job.kind === 'plain')
      return { job, revision: undefined, operation: { put: job.key, value: job.value } };
    const { known, slot, event } = job;
    if (!job.checked) {
      const unread = known.isUnread(slot) && (job.kind !== 'put' || job.snapshot);
      if (unread || known.isUnsure(slot)) return 'read';
      if (this.#isNeedless(job)) return 'done';
    }
    const revision = known.revision(slot);
    const key = this.#o.key(addressText(event.address));
    if (job.kind === 'delete') return { job, revision, operation: { delete: key } };
    const stamp = {
      word: wordOf(job, revision === 0),
      timestamp: timestampOf(event),
      seq: job.seq,
      node: this.#nodeJson,
    };
    const operation = { put: key, value: leaseValue(event, stamp) };
    return this.#needsNoLook(job, revision)
      ? { job, revision: undefined, alone: true, operation }
      : { job, revision, operation };
  }

  /** Whether the put is right whatever the key holds, as long as nobody but this node writes. */
  #needsNoLook({ kind, known, slot, snapshot, fresh, event }: LeaseJob, revision: number): boolean {
    if (kind !== 'put' || snapshot || known.isUnsure(slot) || this.#o.writers.alone === undefined)
      return false;
    // An update says "offer" or "renew" by what is there.
    return revision > 0 || (fresh && event.operation !== LeaseOperation.UPDATE);
  }

  /** What the store holds is known, and it needs no change. */
  #isNeedless(job: LeaseJob): boolean {
    const { known, slot } = job;
    if (job.kind === 'put') {
      if (!this.#isUnchanged(known, slot, { low: job.hashLow, high: job.hashHigh })) return false;
      known.raiseSeq(slot, job.seq);
      this.#o.count.unchanged();
      return true;
    }
    if (known.revision(slot) === 0) return true;
    if (job.anyone || known.client(slot) === job.client) return false;
    this.#o.count.yielded();
    return true;
  }

  async #lane(work: () => Promise<void>): Promise<void> {
    const lane = { since: performance.now() };
    this.#lanes.add(lane);
    try {
      await work();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#lanes.delete(lane);
    }
    this.flush();
  }

  async #write(writes: Prepared[]): Promise<void> {
    const compare: Compare[] = [];
    const operations: Operation[] = [];
    for (const { revision, operation } of writes) {
      const key = 'put' in operation ? operation.put : operation.delete;
      if (revision !== undefined) compare.push({ key, modRevision: revision });
      operations.push(operation);
    }
    const alone = writes.some((write) => write.alone) ? this.#o.writers.alone : undefined;
    if (alone) compare.push(alone);
    let result: CommitResult;
    try {
      result = await this.#o.commit({ compare, operations });
    } catch (error) {
      this.#outcome.rejected(writes, error);
      return;
    }
    // The keys stay busy until no attempt can come late.
    if (alone && (result.retried || !holds(alone, result))) await this.#o.writers.fence(alone);
    if (result.committed) for (const { job } of writes) this.#outcome.applied(job, result.revision);
    else
      this.#outcome.conflict(
        writes,
        writes.map(({ revision }) => revision),
        result.current,
      );
  }

  async #read(jobs: LeaseJob[]): Promise<void> {
    const compare = jobs.map(({ event }) => ({
      key: this.#o.key(addressText(event.address)),
      modRevision: never,
    }));
    const { current } = await this.#o.commit({ compare, operations: [] });
    for (const [i, job] of jobs.entries()) this.#outcome.decide(job, current[i]);
  }

  /** Settles when all that is to be written now has been. */
  barrier(): Promise<void> {
    return this.#jobs.barrier(new Batch());
  }

  #fail(reason: unknown): void {
    if (this.#failure) return;
    this.#failure = { reason };
    this.#jobs.fail(reason);
    this.#o.failed(reason);
  }
}

const sizeOf = (value: string | Buffer): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length;

/** Whether a compare, the last of its transaction, is not what failed it. */
function holds({ modRevision }: Compare, { committed, current }: CommitResult): boolean {
  return committed || (current.at(-1)?.modRevision ?? 0) === modRevision;
}

/** A deletion by command names the address alone. */
const namesNobody = (event: LeaseEvent) =>
  event.operation === LeaseOperation.DELETE && identityOf(event) === '';
