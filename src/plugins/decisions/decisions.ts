// SPDX-License-Identifier: MPL-2.0
// Decisions of dnsdist as metrics, as rankings over the last minutes, and as lines of a log.
import { performance } from 'node:perf_hooks';
import type { DecisionBatch, DecisionRecord, Health } from '../../host/plugin.js';
import { type DecisionsContext, ranked } from './declaration.js';
import { Labels } from './labels.js';
import { say } from './messages.js';
import type { DecisionsReport } from './report.js';
import { Sink } from './sink.js';
import { Window } from './window.js';

/** Keys that a report shows of each ranking. */
const shown = 1000;
/** The rate is over so long, s. */
const rateOver = 10;
/** Losses are logged once in so long, s. */
const complainEvery = 60;

interface Second {
  /** When it was handed over, monotonic s. */
  at: number;
  seconds: number;
  queries: number;
  blocked: number;
  lost: number;
}

export class Decisions {
  readonly #ctx: DecisionsContext;
  readonly #now: () => number;
  readonly #roles: Labels;
  readonly #lists: Labels;
  readonly #names: Window;
  readonly #clients: Window;
  readonly #blockedNames: Window;
  readonly #blockedClients: Window;
  readonly #sink: Sink | undefined;
  #seconds: Second[] = [];
  #complained = Number.NEGATIVE_INFINITY;
  #unwritten: string | undefined;

  /** @param now monotonic s. */
  constructor(ctx: DecisionsContext, now = () => performance.now() / 1000) {
    this.#ctx = ctx;
    this.#now = now;
    const { window, labels, log } = ctx.config;
    this.#roles = new Labels(labels);
    this.#lists = new Labels(labels);
    const made = () => new Window(window, ranked);
    this.#names = made();
    this.#clients = made();
    this.#blockedNames = made();
    this.#blockedClients = made();
    if (log.what !== 'none' && log.file !== undefined) this.#sink = new Sink(log.file);
  }

  async take(batch: DecisionBatch): Promise<void> {
    // First and without waiting: what fails later must not keep a count from being counted.
    this.#count(batch);
    const now = this.#now();
    this.#names.add(batch.names, now);
    this.#clients.add(batch.clients, now);
    this.#blockedNames.add(batch.blockedNames, now);
    this.#blockedClients.add(batch.blockedClients, now);
    this.#complain(batch.lost, now);
    const { what } = this.#ctx.config.log;
    if (what === 'blocked') await this.#log(batch.blockedRecords);
    if (what === 'sampled') await this.#log(batch.records);
  }

  report(): DecisionsReport {
    const now = this.#now();
    const sum = (of: (second: Second) => number) => this.#seconds.reduce((all, each) => all + of(each), 0);
    return {
      seconds: sum(({ seconds }) => seconds),
      queries: sum(({ queries }) => queries),
      blocked: sum(({ blocked }) => blocked),
      lost: sum(({ lost }) => lost),
      names: this.#names.top(shown, now),
      clients: this.#clients.top(shown, now),
      blockedNames: this.#blockedNames.top(shown, now),
      blockedClients: this.#blockedClients.top(shown, now),
    };
  }

  health(): Health {
    if (this.#unwritten === undefined) return { state: 'ok' };
    return { state: 'degraded', reason: `decisions are not logged: ${this.#unwritten}` };
  }

  /** Keys that rankings hold, all together. */
  get held(): number {
    return this.#names.size + this.#clients.size + this.#blockedNames.size + this.#blockedClients.size;
  }

  async close(): Promise<void> {
    await this.#sink?.close();
  }

  #count({ seconds, roles, lists, reasons, lost }: DecisionBatch): void {
    const { metrics } = this.#ctx;
    let queries = 0;
    let blocked = 0;
    for (const each of roles) {
      queries += each.count;
      if (each.blocked) blocked += each.count;
      const label = this.#roles.of(each.roles.join('+'));
      metrics.roles_total.inc({ roles: label, verdict: each.verdict }, each.count);
    }
    for (const { list, verdict, count } of lists)
      metrics.lists_total.inc({ list: this.#lists.of(list), verdict }, count);
    for (const { reason, verdict, count } of reasons) metrics.reasons_total.inc({ reason, verdict }, count);
    metrics.queries_total.inc(queries);
    metrics.blocked_total.inc(blocked);
    const at = this.#now();
    const { window } = this.#ctx.config;
    this.#seconds.push({ at, seconds, queries, blocked, lost });
    this.#seconds = this.#seconds.filter((each) => at - each.at < window);
    const recent = this.#seconds.filter((each) => at - each.at < rateOver);
    const sum = (of: (second: Second) => number) => recent.reduce((all, each) => all + of(each), 0);
    metrics.query_rate.set(
      sum((each) => each.queries) /
        Math.max(
          sum((each) => each.seconds),
          0.001,
        ),
    );
  }

  #complain(lost: number, now: number): void {
    if (lost === 0 || now - this.#complained < complainEvery) return;
    this.#complained = now;
    say(this.#ctx.log, 'DECISIONS_LOST', { lost });
  }

  async #log(records: readonly DecisionRecord[]): Promise<void> {
    const { metrics, log, config } = this.#ctx;
    const most = config.log.rate;
    const kept = [...records].slice(0, most).sort((a, b) => a.time - b.time);
    if (records.length > most) metrics.unlogged_total.inc({ reason: 'rate' }, records.length - most);
    if (kept.length === 0) return;
    if (this.#sink === undefined) {
      for (const record of kept) say(log, 'DECISIONS_DECIDED', { ...record });
    } else {
      try {
        await this.#sink.write(kept.map(line));
        this.#unwritten = undefined;
      } catch (error) {
        metrics.unlogged_total.inc({ reason: 'failed' }, kept.length);
        this.#unwritable(error as Error);
        return;
      }
    }
    metrics.logged_total.inc(kept.length);
  }

  #unwritable({ message }: Error): void {
    const { log, config } = this.#ctx;
    if (this.#unwritten !== message)
      say(log, 'DECISIONS_UNLOGGED', { file: config.log.file, reason: message });
    this.#unwritten = message;
  }
}

const line = ({ time, ...rest }: DecisionRecord) =>
  JSON.stringify({ time: new Date(time).toISOString(), ...rest });
