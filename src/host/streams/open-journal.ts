// SPDX-License-Identifier: MPL-2.0
// A journal while it is open: its cursors, the walk it owes, and the deliveries that read it.
import { NnoeError } from '../errors.js';
import { say } from '../log.js';
import type { Journal } from '../native.js';
import type { LeaseRecord } from '../plugin.js';
import { type NotReady, waitsFor } from '../readiness.js';
import { ageOf, type Consumer, Delivery, firstObserved } from './delivery.js';
import { takeRecords } from './records.js';
import type { SourceOptions } from './source.js';
import { StoreMark } from './store-mark.js';
import { WalkDebt, type WalkState } from './walk-debt.js';

/** A consumer that the configuration has, whether its plugin runs at the moment or not. */
export interface Configured {
  name: string;
  replays: boolean;
  /** Most records in a batch. */
  batch: number;
}

export class OpenJournal {
  readonly journal: Journal;
  readonly id: string;
  readonly #options: SourceOptions;
  readonly #debt: WalkDebt;
  readonly #mark: StoreMark | undefined;
  readonly #deliveries = new Map<string, Delivery>();
  #closed = false;
  readonly #broken: (error: unknown) => void;
  /** Where each consumer stands; kept beside the files so that a plugin's next life goes on there. */
  readonly #cursors = new Map<string, number>();
  /** What a consumer is told first: that its journal is another one. */
  readonly #notices = new Map<string, LeaseRecord>();
  /** Head when it was opened: what was there to catch up with. */
  readonly #headAtOpen: number;
  /** By consumer: the first record after a cursor, as it was last looked up. */
  readonly #peeked = new Map<string, { cursor: number; observedUs: number; since: number }>();

  /** @param broken called when the journal cannot be read any more. */
  constructor(journal: Journal, options: SourceOptions, broken: (error: unknown) => void) {
    this.journal = journal;
    this.#options = options;
    this.#broken = broken;
    const { id, head, oldest } = journal.status();
    this.id = id;
    this.#headAtOpen = head;
    const { name: source, directory, log } = options;
    say(log, 'SOURCE_OPENED', { source, directory, id, head, oldest });
    this.#debt = new WalkDebt({
      source,
      directory,
      journalId: id,
      log,
      request: () => journal.requestWalk(),
      caughtUp: () => this.#someAsleep(),
    });
    this.#place(Math.max(0, oldest - 1));
    this.#mark = this.#newMark();
    journal.onSignal(() => {
      for (const delivery of this.#deliveries.values()) delivery.wake();
    });
  }

  /** Gives every configured consumer its place before any plugin runs, so that the journal keeps what it needs. */
  #place(begin: number): void {
    const { configured, name: source, log } = this.#options;
    const kept = new Map(this.journal.cursors().map((cursor) => [cursor.name, cursor]));
    for (const { name, replays } of configured) {
      const cursor = kept.get(name);
      kept.delete(name);
      if (cursor?.journalId === this.id) {
        this.#cursors.set(name, cursor.seq);
        continue;
      }
      if (cursor !== undefined || this.#options.lost.has(name))
        this.#notices.set(name, { kind: 'gap', seq: begin, reason: 'NEW_JOURNAL', count: 0 });
      if (replays) this.#debt.owe(begin, 'host', `${name} begins here`);
      this.#cursors.set(name, begin);
      this.journal.setCursor(name, begin);
      say(log, 'SOURCE_CURSOR_NEW', { source, consumer: name, after: begin });
    }
    this.#options.lost.clear();
    for (const consumer of kept.keys()) {
      this.journal.removeCursor(consumer);
      say(log, 'SOURCE_CURSOR_DROPPED', { source, consumer });
    }
  }

  #newMark(): StoreMark | undefined {
    const { name: source, directory, log, mark } = this.#options;
    if (mark === undefined) return undefined;
    return new StoreMark({
      ...{ ...mark, source, directory, log, journalId: this.id },
      progress: () => this.positions().reduce((sum, { cursor }) => sum + cursor, 0),
      lost: () => {
        this.#debt.owe(this.journal.status().head, 'host', 'the store lost leases');
        return this.#debt.saved();
      },
    });
  }

  /** The store came back empty or as another one. */
  storeReset(): void {
    this.#mark?.reset();
  }

  attach(consumer: Consumer): void {
    const after = this.#cursors.get(consumer.name);
    if (after === undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: consumer.name, what: 'a stream' });
    const first = this.#notices.get(consumer.name);
    this.#notices.delete(consumer.name);
    const { name, family, directory, clock, observer, log } = this.#options;
    const delivery = new Delivery({
      source: { name, family, directory },
      journal: this.journal,
      debt: this.#debt,
      clock,
      observer,
      log,
      consumer,
      after,
      ...(first === undefined ? {} : { first }),
      broken: this.#broken,
    });
    this.#deliveries.set(consumer.name, delivery);
  }

  /** Gives up the consumer's delivery; its cursor stays. */
  detach(name: string): void {
    const delivery = this.#deliveries.get(name);
    if (delivery === undefined) return;
    this.#deliveries.delete(name);
    delivery.abandon();
    this.#cursors.set(name, delivery.cursor);
  }

  /** Returns what the walk will begin after. */
  requestWalk(): number {
    const { head } = this.journal.status();
    this.#debt.owe(head, 'now', 'asked for');
    return head;
  }

  /** Resolves when all that is outstanding has settled. */
  async drain(): Promise<void> {
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.drain()));
    await this.#mark?.finish();
  }

  /** Of every configured consumer. */
  positions(): { consumer: string; cursor: number; outstanding: number }[] {
    return [...this.#cursors].map(([consumer, cursor]) => {
      const delivery = this.#deliveries.get(consumer);
      return {
        consumer,
        cursor: delivery?.cursor ?? cursor,
        outstanding: delivery?.outstanding ?? 0,
      };
    });
  }

  /** Why what was there when it was opened has not been dealt with yet; undefined once it has. */
  notReady(): NotReady | undefined {
    const what = `journal ${this.#options.name}`;
    for (const { consumer, cursor } of this.positions()) {
      const records = this.#headAtOpen - cursor;
      if (records > 0) return waitsFor(what, 'READY_JOURNAL_REPLAY', { consumer, records });
    }
    if (this.#mark?.pending) return waitsFor(what, 'READY_JOURNAL_STORE', {});
    const after = this.walkOwed;
    return after === undefined ? undefined : waitsFor(what, 'READY_JOURNAL_WALK', { after });
  }

  /** Age (s) of the oldest record that a consumer at `cursor` has not dealt with, when there is one. */
  age(consumer: string, cursor: number): number {
    const handedOver = this.#deliveries.get(consumer)?.age;
    if (handedOver !== undefined) return handedOver;
    let peeked = this.#peeked.get(consumer);
    if (peeked?.cursor !== cursor) {
      peeked = { cursor, observedUs: this.#observedAfter(cursor), since: performance.now() };
      this.#peeked.set(consumer, peeked);
    }
    return ageOf(peeked.observedUs) ?? (performance.now() - peeked.since) / 1000;
  }

  #observedAfter(cursor: number): number {
    const reader = this.journal.reader(cursor);
    try {
      const count = reader.next(16);
      return count === 0 ? 0 : firstObserved(takeRecords(reader, count));
    } finally {
      reader.close();
    }
  }

  get walkOwed(): number | undefined {
    return this.#debt.owed;
  }

  get walk(): WalkState {
    return this.#debt.state;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const name of [...this.#deliveries.keys()]) this.detach(name);
    this.#mark?.close();
    this.#debt.close();
    this.journal.close();
  }

  #someAsleep(): boolean {
    for (const delivery of this.#deliveries.values()) if (delivery.asleep) return true;
    return false;
  }
}
