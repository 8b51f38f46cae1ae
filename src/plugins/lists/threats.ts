// SPDX-License-Identifier: MPL-2.0
// threats/domains/ in the store: one follow for all lists that take names from there.
import type { Change, KeyValue } from '../../host/plugin.js';
import type { ListConfig, ListsContext } from './declaration.js';
import type { ProtectedNames } from './domain.js';
import { say } from './messages.js';
import type { ListsReport } from './report.js';
import { type BadThreat, parseThreat, type ThreatFault, takes, threatFaults } from './threat.js';
import { ThreatList } from './threat-list.js';
import { unhurried } from './unhurried.js';

/** Malformed values that are told by key. */
const mostShown = 20;
const logsAnHour = 20;

interface Known {
  name: string;
  /** Lists that take it. */
  lists: readonly ThreatList[];
}

export class Threats {
  readonly lists: readonly ThreatList[];
  readonly #ctx: ListsContext;
  readonly #keys = new Map<string, Known>();
  readonly #malformed = new Map<string, BadThreat>();
  readonly #faults: Record<ThreatFault, number> = { json: 0, domain: 0, source: 0, key: 0 };
  /** Each choice of lists once: a million keys share a few. */
  readonly #choices = new Map<string, readonly ThreatList[]>();
  #logged = { hour: 0, lines: 0 };

  constructor(ctx: ListsContext, lists: readonly [string, ListConfig][], guard: ProtectedNames) {
    this.#ctx = ctx;
    this.lists = lists.map(([name, config]) => new ThreatList(ctx, name, config, guard));
  }

  /** Without a list that takes them, threats are not read. */
  start(): void {
    if (this.lists.length === 0) return;
    this.#ctx.prefix.threats.follow({
      snapshot: (entries) => this.#snapshot(entries),
      change: (changes) => this.#change(changes),
    });
  }

  report(): ListsReport['threats'] {
    if (this.lists.length === 0) return undefined;
    const told = threatFaults.filter((fault) => this.#faults[fault] > 0);
    const first: { key: string; reason: string }[] = [];
    for (const [key, { reason }] of this.#malformed) {
      if (first.push({ key: key.slice(0, 256), reason }) === mostShown) break;
    }
    return {
      values: this.#keys.size + this.#malformed.size,
      malformed: Object.fromEntries(told.map((fault) => [fault, this.#faults[fault]])),
      first,
    };
  }

  async #snapshot(entries: readonly KeyValue[]): Promise<void> {
    for (const list of this.lists) list.clear();
    this.#keys.clear();
    for (const key of this.#malformed.keys()) this.#wellFormed(key);
    for await (const entry of unhurried(entries)) this.#put(entry);
    this.#count();
    for (const list of this.lists) await list.filled();
  }

  async #change(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if (change.type === 'put') this.#put(change.entry);
      else this.#remove(this.#keyOf(change.key));
    }
    this.#count();
    for (const list of this.lists) await list.settle();
  }

  #count(): void {
    for (const fault of threatFaults) this.#ctx.metrics.threats_malformed.set({ fault }, this.#faults[fault]);
  }

  #put(entry: KeyValue): void {
    const key = this.#keyOf(entry.key);
    const parsed = parseThreat(key, entry.value);
    if ('fault' in parsed) {
      this.#remove(key);
      this.#faults[parsed.fault]++;
      this.#malformed.set(key, parsed);
      this.#logMalformed(key, parsed);
      return;
    }
    this.#wellFormed(key);
    const before = this.#keys.get(key);
    const lists = this.#choice(this.lists.filter(({ config }) => takes(config, parsed)));
    this.#keys.set(key, { name: parsed.name, lists });
    // The new one first: a name that stays is not taken off in between.
    for (const list of lists) list.add(parsed.name);
    if (before !== undefined) drop(before);
  }

  #remove(key: string): void {
    this.#wellFormed(key);
    const before = this.#keys.get(key);
    this.#keys.delete(key);
    if (before !== undefined) drop(before);
  }

  #wellFormed(key: string): void {
    const fault = this.#malformed.get(key)?.fault;
    if (fault === undefined) return;
    this.#faults[fault]--;
    this.#malformed.delete(key);
  }

  #choice(lists: readonly ThreatList[]): readonly ThreatList[] {
    const id = lists.map(({ name }) => name).join();
    const known = this.#choices.get(id) ?? lists;
    this.#choices.set(id, known);
    return known;
  }

  #keyOf(absolute: string): string {
    return this.#ctx.prefix.threats.name(absolute) ?? absolute;
  }

  #logMalformed(key: string, { reason }: BadThreat): void {
    const hour = Math.floor(performance.now() / 3_600_000);
    if (hour !== this.#logged.hour) this.#logged = { hour, lines: 0 };
    if (++this.#logged.lines <= logsAnHour)
      say(this.#ctx.log, 'LISTS_THREAT_MALFORMED', { key: key.slice(0, 256), reason });
  }
}

function drop({ name, lists }: Known): void {
  for (const list of lists) list.drop(name);
}
