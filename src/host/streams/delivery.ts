// SPDX-License-Identifier: MPL-2.0
// One consumer's way through one journal: reads from its cursor, hands over batches in order, and moves the
// cursor as the oldest outstanding batch settles. One batch a turn of the event loop, so that a busy stream
// does not starve the others; asleep, it costs nothing until the producer signals.
import { performance } from 'node:perf_hooks';
import type { PatientClock } from '../clock.js';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, say, sayError } from '../log.js';
import type { Journal, JournalReader } from '../native.js';
import type { ConsumeSpec, LeaseBatch, LeaseRecord } from '../plugin.js';
import { takeRecords } from './records.js';
import type { WalkDebt } from './walk-debt.js';
import { WalkSight } from './walk-sight.js';

export interface Consumer {
  /** Of the plugin, and of its cursor. */
  readonly name: string;
  readonly spec: Required<ConsumeSpec>;
  readonly signal: AbortSignal;
  handle(batch: LeaseBatch): void | Promise<void>;
  /** A batch threw or took too long; nothing more is delivered to this life of the plugin. */
  failed(error: NnoeError): void;
}

/** What metrics want to know of deliveries. */
export interface DeliveryObserver {
  batch(consumer: string, source: string, records: number, seconds: number): void;
  gap(consumer: string, source: string, reason: string): void;
}

export interface DeliveryOptions {
  source: { name: string; family: 4 | 6; directory: string };
  journal: Journal;
  debt: WalkDebt;
  clock: PatientClock;
  observer: DeliveryObserver;
  log: Logger;
  consumer: Consumer;
  /** Sequence of the last record dealt with. */
  after: number;
  /** Handed over before anything that is read. */
  first?: LeaseRecord;
  /** The journal cannot be read any more. */
  broken: (error: unknown) => void;
}

interface Outstanding {
  first: number;
  last: number;
  records: number;
  done: boolean;
  cancel: () => void;
  /** Handed over; monotonic ms. */
  since: number;
  /** Wall clock at the first event in it, us since 1970; 0: unknown. */
  observedUs: number;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #reader: JournalReader;
  readonly #sight: WalkSight;
  readonly #outstanding: Outstanding[] = [];
  #first: LeaseRecord | undefined;
  /** What comes after this has never been read by this consumer. */
  readonly #unread: number;
  #cursor: number;
  #scheduled = false;
  #asleep = false;
  /** Takes no more; what is outstanding may still settle. */
  #draining = false;
  /** What settles now counts for nothing. */
  #over = false;
  #drained: (() => void) | undefined;
  #cursorComplained = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#cursor = options.after;
    this.#first = options.first;
    this.#unread = options.journal.status().head;
    this.#reader = options.journal.reader(options.after);
    this.#sight = new WalkSight(options.debt, options.consumer.spec.onGap === 'replay');
    this.#schedule();
  }

  get consumer(): Consumer {
    return this.#options.consumer;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get outstanding(): number {
    return this.#outstanding.length;
  }

  /** Age (s) of the oldest event that was handed over and has not settled; undefined when none is known. */
  get age(): number | undefined {
    return ageOf(this.#outstanding[0]?.observedUs ?? 0);
  }

  /** Has read all there was and waits for a signal. */
  get asleep(): boolean {
    return this.#asleep;
  }

  /** The producer signalled. */
  wake(): void {
    this.#asleep = false;
    if (!this.#scheduled) this.#pump();
  }

  /** Takes no more; resolves when every batch has settled and the cursor stands behind it, or on `abandon`. */
  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#checkDrained();
    });
  }

  /** Ends the delivery: batches that settle from now on do not move the cursor. */
  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#asleep = false;
    for (const each of this.#outstanding) each.cancel();
    this.#reader.close();
    this.#drained?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#over || this.#draining) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { spec } = this.#options.consumer;
    if (this.#over || this.#draining || this.#outstanding.length >= spec.window) return;
    let records: LeaseRecord[] | undefined;
    try {
      records = this.#take(spec.batch);
    } catch (error) {
      this.#options.broken(error);
      return;
    }
    if (records === undefined) return;
    this.#handOver(records);
    this.#schedule();
  }

  /** What is there, or undefined after having gone to sleep. */
  #take(limit: number): LeaseRecord[] | undefined {
    if (this.#first !== undefined) {
      const first = this.#first;
      this.#first = undefined;
      return this.#inspect([first]);
    }
    const reader = this.#reader;
    const most = Math.min(limit, reader.capacity);
    let count = reader.next(most);
    if (count === 0) {
      // The producer signals the next append once it has seen this; what came before it is looked at here.
      this.#options.journal.arm();
      count = reader.next(most);
    }
    this.#asleep = count === 0;
    if (!this.#asleep) return this.#inspect(takeRecords(reader, count));
    this.#options.debt.look();
    return undefined;
  }

  #inspect(records: LeaseRecord[]): LeaseRecord[] {
    const { source, consumer, observer, log } = this.#options;
    for (const gap of this.#sight.inspect(records)) {
      observer.gap(consumer.name, source.name, gap.reason);
      say(log, 'SOURCE_GAP', {
        source: source.name,
        consumer: consumer.name,
        seq: gap.seq,
        count: gap.count,
        reason: gap.reason,
      });
    }
    return records;
  }

  #handOver(records: LeaseRecord[]): void {
    const { consumer, source, clock } = this.#options;
    const batch: Outstanding = {
      first: (records[0] as LeaseRecord).seq,
      last: (records[records.length - 1] as LeaseRecord).seq,
      records: records.length,
      done: false,
      cancel: () => undefined,
      since: performance.now(),
      observedUs: firstObserved(records),
    };
    this.#outstanding.push(batch);
    let result: void | Promise<void>;
    try {
      const { name, family } = source;
      const fresh = batch.first > this.#unread;
      result = consumer.handle({ source: name, family, records, fresh, signal: consumer.signal });
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    if (result === undefined) {
      this.#settle(batch);
      return;
    }
    batch.cancel = clock.deadline(consumer.spec.deadline, () => this.#expire(batch));
    result.then(
      () => this.#settle(batch),
      (error) => this.#fail(batch, error),
    );
  }

  #settle(batch: Outstanding): void {
    const { consumer, source, observer, log } = this.#options;
    if (this.#over) {
      say(log, 'PLUGIN_LATE', { plugin: consumer.name, source: source.name });
      return;
    }
    batch.cancel();
    batch.done = true;
    const seconds = (performance.now() - batch.since) / 1000;
    observer.batch(consumer.name, source.name, batch.records, seconds);
    let last: number | undefined;
    while (this.#outstanding[0]?.done) last = this.#outstanding.shift()?.last;
    if (last !== undefined) this.#move(last);
    this.#checkDrained();
    if (!this.#asleep) this.#schedule();
  }

  /** The cursor stays behind what makes a walk owed until that is on disk. */
  #move(seq: number): void {
    const { journal, consumer, source, debt, log } = this.#options;
    this.#cursor = seq;
    if (!debt.saved()) return;
    try {
      journal.setCursor(consumer.name, seq);
      this.#cursorComplained = false;
    } catch (error) {
      if (this.#cursorComplained) return;
      this.#cursorComplained = true;
      const details = { consumer: consumer.name, directory: source.directory, reason: reasonOf(error) };
      sayError(log, new NnoeError('JOURNAL_CURSOR', details, error));
    }
  }

  #checkDrained(): void {
    if (this.#draining && this.#outstanding.length === 0) this.#drained?.();
  }

  #fail(batch: Outstanding, cause: unknown): void {
    if (this.#over) return;
    const details = { ...this.#about(batch), reason: reasonOf(cause) };
    this.#end(new NnoeError('PLUGIN_BATCH_FAILED', details, cause));
  }

  #expire(batch: Outstanding): void {
    const details = { ...this.#about(batch), seconds: this.#options.consumer.spec.deadline };
    this.#end(new NnoeError('PLUGIN_BATCH_TIMEOUT', details));
  }

  #about(batch: Outstanding) {
    const { consumer, source } = this.#options;
    return { plugin: consumer.name, source: source.name, first: batch.first, last: batch.last };
  }

  #end(error: NnoeError): void {
    this.abandon();
    this.#options.consumer.failed(error);
  }
}

/** Wall clock at the first event among the records, us since 1970; 0 when none says. */
export function firstObserved(records: readonly LeaseRecord[]): number {
  for (const record of records) if ('event' in record) return record.event.observedUs;
  return 0;
}

/** s since then, by the wall clock, which may have been set back; undefined when `observedUs` is 0. */
export const ageOf = (observedUs: number): number | undefined =>
  observedUs === 0 ? undefined : Math.max(0, Date.now() / 1000 - observedUs / 1e6);
