// SPDX-License-Identifier: MPL-2.0
// The plugin at work: hands records to the writer, and what surrounds them (walks, gaps, a store that was
// lost, expired keys) to the parts that deal with it.
import { setTimeout as wait } from 'node:timers/promises';
import { addressText } from '../../host/address.js';
import { reasonOf } from '../../host/errors.js';
import { type LeaseEvent, Operation, operationName } from '../../host/gen/events.js';
import type { Health, LeaseBatch, LeaseRecord } from '../../host/plugin.js';
import { Audit } from './audit.js';
import { Census } from './census.js';
import type { LeasesContext } from './declaration.js';
import { historyName } from './expiry.js';
import { Batch } from './job.js';
import { Known } from './known.js';
import { say } from './messages.js';
import { Sweepers } from './sweepers.js';
import { leaseValue, timestampOf, wordFor } from './value.js';
import { Walks } from './walks.js';
import { Writer, type WriterCounters } from './writer.js';
import { Writers } from './writers.js';

/** A transaction unanswered for longer than this (s) is worth a word in health. */
const slow = 10;
/** Refused records that are logged one by one, per hour; beyond it they are only counted. */
const refusalsLogged = 20;
const hour = 3_600_000;
/** Pause before counting is tried again, ms. */
const countAgain = 60_000;

type LeaseItem = Extract<LeaseRecord, { kind: 'lease' }>;

export class Leases {
  readonly #ctx: LeasesContext;
  readonly #writers: Writers;
  readonly #writer: Writer;
  readonly #known = { 4: new Known(4), 6: new Known(6) };
  readonly #audit: Audit;
  readonly #walks: Walks;
  readonly #sweepers: Sweepers;
  readonly #census: Census;
  readonly #history: boolean;
  readonly #nodeJson: string;
  #refusals = { since: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(ctx: LeasesContext) {
    this.#ctx = ctx;
    this.#history = ctx.config.history;
    this.#nodeJson = JSON.stringify(ctx.node);
    this.#audit = new Audit(ctx.node);
    const { node, commit } = ctx;
    this.#writers = new Writers({
      node,
      key: ctx.prefix.writers.key('nodes'),
      commit: (transaction) => commit(transaction),
    });
    this.#census = new Census({ node, prefix: ctx.prefix.leases, known: this.#known });
    this.#writer = this.#makeWriter(ctx);
    for (const known of Object.values(this.#known)) this.#writer.adopt(known);
    const store = {
      prefix: ctx.prefix.leases,
      operations: ctx.limits.operations,
      commit: ctx.commit,
    };
    const note = this.#note.bind(this);
    this.#walks = new Walks(ctx, this.#writer, note, store, (name) => this.#census.gone(name));
    this.#sweepers = new Sweepers(ctx, store, note, (name) => {
      for (const known of Object.values(this.#known)) this.#walks.forget(known, name);
    });
  }

  #makeWriter(ctx: LeasesContext): Writer {
    const root = ctx.prefix.leases.key('');
    const { commit, limits, node } = ctx;
    return new Writer({
      node,
      limits,
      lanes: ctx.config['in-flight'],
      key: (address) => root + address,
      commit: (transaction) => commit(transaction),
      writers: this.#writers,
      refused: (key, reason) => this.#refused(key, reason),
      gone: (address) => {
        if (!this.#census.done) this.#census.gone(addressText(address));
      },
      // Open batches were rejected, which is how the host learns of it; between batches health tells.
      failed: (reason) => {
        if (!ctx.signal.aborted) say(ctx.log, 'LEASES_STUCK', { reason: reasonOf(reason) });
      },
      count: counters(ctx),
    });
  }

  async start(): Promise<void> {
    // Before anything is written: what an earlier life sent can then no longer be applied.
    await this.#join();
    await this.#walks.resume();
    this.#ctx.onStoreReset(() => this.#storeReset());
    this.#sweepers.start();
    // What an earlier life counted is not this one's.
    this.#ctx.metrics.dhcp_active.remove();
    this.#ctx.metrics.active.reset();
    void this.#takeCensus();
  }

  /** In the background: nothing waits for it but the number of active leases. */
  async #takeCensus(): Promise<void> {
    const { signal, log } = this.#ctx;
    while (!signal.aborted) {
      try {
        await this.#census.run(signal);
        return;
      } catch (reason) {
        if (signal.aborted) return;
        say(log, 'LEASES_COUNT_FAILED', { reason: reasonOf(reason) });
        await wait(countAgain, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #join(): Promise<void> {
    try {
      await this.#writers.join();
    } catch (reason) {
      if (!this.#ctx.signal.aborted) say(this.#ctx.log, 'LEASES_WRITERS', { reason: reasonOf(reason) });
    }
  }

  batch({ source, family, records, fresh }: LeaseBatch): Promise<void> {
    const batch = new Batch();
    const known = this.#known[family];
    let assigned = 0;
    for (const record of records) {
      if (record.kind === 'lease' && record.event.operation === Operation.ASSIGN) assigned++;
      try {
        this.#record(source, known, record, fresh, batch);
      } catch (error) {
        if (this.#writer.failure !== undefined) {
          batch.fail(error);
          return batch.settled;
        }
        // One record that makes no sense must not stop the stream.
        this.#refused(`${source} ${record.seq}`, error);
      }
    }
    batch.release();
    this.#writer.flush();
    if (assigned > 0)
      batch.settled.then(
        () => this.#ctx.metrics.dhcp_total.inc(assigned),
        () => undefined,
      );
    return batch.settled;
  }

  #record(source: string, known: Known, record: LeaseRecord, fresh: boolean, batch: Batch): void {
    switch (record.kind) {
      case 'lease':
        this.#event(known, record, fresh, batch);
        break;
      case 'snapshot':
        check(known, record.event);
        this.#writer.snapshot(known, record.event, record.seq, this.#walks.mark(source), batch);
        break;
      case 'gap':
        this.#gap(source, record, batch);
        break;
      case 'walk-begin':
        this.#walks.begin(source, record.walk, batch);
        break;
      case 'walk-end':
        this.#walks.end(source, known, record, batch);
    }
  }

  #event(known: Known, { event, seq }: LeaseItem, fresh: boolean, batch: Batch): void {
    check(known, event);
    if (this.#history) this.#remember(known, event, seq, batch);
    this.#writer.lease(known, event, seq, fresh, batch);
  }

  #remember(known: Known, event: LeaseEvent, seq: number, batch: Batch): void {
    const slot = known.find(event.address);
    const isNew = slot < 0 || (known.revision(slot) === 0 && !this.#writer.pending(known, slot));
    const word = wordFor(event.operation, isNew);
    const extra = `,"kea_operation":"${operationName(event.operation).toLowerCase()}"`;
    const stamp = { word, timestamp: timestampOf(event), seq, node: this.#nodeJson };
    const name = historyName(addressText(event.address), event.observedUs, seq);
    this.#writer.plain(this.#ctx.prefix.history.key(name), leaseValue(event, stamp, extra), batch);
  }

  #gap(source: string, gap: Extract<LeaseRecord, { kind: 'gap' }>, batch: Batch): void {
    this.#note('lease-gap', source, `${gap.count} events missing before ${gap.seq}: ${gap.reason}`, batch);
  }

  /** An audit entry; without a batch nobody waits for it. */
  #note(action: string, resource: string, result: string, batch?: Batch): void {
    if (this.#writer.failure !== undefined) return;
    const { name, value } = this.#audit.entry({ action, resource, result });
    const key = this.#ctx.prefix.audit.key(name);
    const own = batch ?? new Batch();
    this.#writer.plain(key, value, own);
    if (batch !== undefined) return;
    own.release();
    this.#writer.flush();
  }

  #storeReset(): void {
    say(this.#ctx.log, 'LEASES_STORE_RESET');
    void this.#join();
    this.#recount();
    for (const known of Object.values(this.#known))
      for (let slot = 0; slot < known.slots; slot++) {
        if (!known.isLive(slot)) continue;
        known.setRevision(slot, 0);
        known.setEnd(slot, 0);
        if (!this.#writer.pending(known, slot)) known.remove(slot);
      }
    this.#note('store-reset', 'store', 'it is empty or another one; leases are written again from a walk');
    this.#ctx.requestWalk();
  }

  #recount(): void {
    const wasDone = this.#census.done;
    this.#census.reset();
    this.#ctx.metrics.dhcp_active.remove();
    this.#ctx.metrics.active.reset();
    if (wasDone) void this.#takeCensus();
  }

  #refused(key: string, reason: unknown): void {
    this.#ctx.metrics.refused_total.inc();
    const now = performance.now();
    if (now - this.#refusals.since > hour) this.#refusals = { since: now, count: 0 };
    if (++this.#refusals.count > refusalsLogged) return;
    say(this.#ctx.log, 'LEASES_REFUSED', { key, reason: reasonOf(reason) });
    // Later: the writer may be in the middle of its own work.
    queueMicrotask(() => this.#note('record-refused', key, reasonOf(reason)));
  }

  #showActive(): void {
    if (!this.#census.done) return;
    const { active, dhcp_active } = this.#ctx.metrics;
    const four = this.#known[4].active.count();
    const six = this.#known[6].active.count();
    active.set({ family: '4' }, four);
    active.set({ family: '6' }, six);
    dhcp_active.set(four + six);
  }

  health(): Health {
    const { metrics } = this.#ctx;
    const { failure, stalled, backlog } = this.#writer;
    const keys = this.#known[4].size + this.#known[6].size;
    metrics.backlog.set(backlog);
    metrics.keys.set(keys);
    this.#showActive();
    if (failure !== undefined)
      return { state: 'failed', reason: `writing stopped: ${reasonOf(failure.reason)}` };
    if (stalled > slow)
      return {
        state: 'degraded',
        reason: `${backlog} keys wait to be written, the oldest for ${Math.round(stalled)} s: see the store`,
      };
    if (performance.now() - this.#refusals.since < hour)
      return {
        state: 'degraded',
        reason: `${this.#refusals.count} records could not be written in the last hour: see LEASES_REFUSED`,
      };
    return { state: 'ok', reason: `${keys} keys in the store, ${backlog} to be written` };
  }
}

function check(known: Known, { address }: LeaseEvent): void {
  if (address.length !== known.width) throw new RangeError(`an address of ${address.length} bytes`);
}

/** Counted in plain numbers: a metric with labels costs as much as everything else that is done for an event. */
function counters({ metrics }: LeasesContext): WriterCounters {
  const nothing = { put: 0, delete: 0, coalesced: 0, unchanged: 0, yielded: 0 };
  let tally = { ...nothing };
  const add = {
    put: (by: number) => metrics.writes_total.inc({ kind: 'put' }, by),
    delete: (by: number) => metrics.writes_total.inc({ kind: 'delete' }, by),
    coalesced: (by: number) => metrics.coalesced_total.inc(by),
    unchanged: (by: number) => metrics.unchanged_total.inc(by),
    yielded: (by: number) => metrics.yielded_total.inc(by),
  };
  const names = Object.keys(add) as (keyof typeof add)[];
  // So that each is there from the beginning.
  for (const name of names) add[name](0);
  return {
    written: (kind) => tally[kind]++,
    coalesced: () => tally.coalesced++,
    unchanged: () => tally.unchanged++,
    yielded: () => tally.yielded++,
    conflict: () => metrics.conflicts_total.inc(),
    publish() {
      const counted = tally;
      tally = { ...nothing };
      for (const name of names) if (counted[name] > 0) add[name](counted[name]);
    },
  };
}
