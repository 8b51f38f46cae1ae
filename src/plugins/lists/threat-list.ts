// SPDX-License-Identifier: MPL-2.0
// One list that takes its names from threats/domains/. What is wanted is kept here beside the table, so that a list
// that was held back can be taken whole when it has grown again, and a name stays while any key names it.
import type { ListedName, NameScope } from '../../host/plugin.js';
import type { ListConfig, ListsContext } from './declaration.js';
import type { ProtectedNames } from './domain.js';
import { holdReason } from './hold.js';
import { say } from './messages.js';
import { type ListReport, some } from './report.js';
import { unhurried } from './unhurried.js';

/** Names that are told of those withheld. */
const mostShown = 20;

export class ThreatList {
  readonly #ctx: ListsContext;
  readonly #scope: NameScope;
  #protected: ProtectedNames;
  /** How many keys name it. */
  readonly #wanted = new Map<string, number>();
  /** Left out for being protected. */
  #withheld = new Set<string>();
  #held: ListReport['held'];
  #loaded: Date | undefined;
  /** What is wanted has to be handed over as a whole; until then single names are not. */
  #whole = true;
  #accepted = false;
  /** What is wanted is being collected, and means nothing yet. */
  #partial = true;
  /** Grows with every change of what is wanted. */
  #version = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(
    ctx: ListsContext,
    readonly name: string,
    readonly config: ListConfig,
    guard: ProtectedNames,
  ) {
    this.#ctx = ctx;
    this.#scope = (config.subdomains ?? true) ? 'subtree' : 'exact';
    this.#protected = guard;
  }

  /** Nothing is wanted any more; what is wanted from now on is handed over when it is `filled`. */
  clear(): void {
    this.#wanted.clear();
    this.#whole = true;
    this.#partial = true;
    this.#version++;
  }

  filled(): Promise<void> {
    this.#partial = false;
    return this.settle();
  }

  add(name: string): void {
    const count = this.#wanted.get(name) ?? 0;
    this.#wanted.set(name, count + 1);
    this.#version++;
    if (count > 0 || this.#whole) return;
    if (this.#protects(name)) this.#withhold([name]);
    else this.#ctx.table.names.set(this.name, name, this.#scope);
  }

  drop(name: string): void {
    const count = this.#wanted.get(name) ?? 0;
    this.#version++;
    if (count > 1) {
      this.#wanted.set(name, count - 1);
      return;
    }
    this.#wanted.delete(name);
    if (!this.#whole && !this.#withheld.delete(name))
      this.#ctx.table.names.unset(this.name, name, this.#scope);
  }

  protect(guard: ProtectedNames): Promise<void> {
    this.#protected = guard;
    this.#whole = true;
    return this.settle();
  }

  /** Hands everything over again. @param accept however much it lost. */
  again(accept: boolean): Promise<void> {
    this.#whole = true;
    this.#accepted ||= accept;
    return this.settle();
  }

  /** Hands over what is wanted, where it has to be as a whole. */
  settle(): Promise<void> {
    const work = this.#last.then(() => this.#settle());
    this.#last = work.catch(() => undefined);
    return work;
  }

  report(): Omit<ListReport, 'subscriptions'> {
    return {
      name: this.name,
      kind: this.config.kind,
      source: this.#ctx.prefix.threats.key(''),
      names: this.#ctx.table.names.size(this.name),
      exceptions: 0,
      ...(this.#loaded === undefined ? {} : { loaded: this.#loaded.toISOString() }),
      bad: {},
      withheld: { names: this.#withheld.size, first: [...this.#withheld].slice(0, mostShown) },
      ...(this.#held === undefined ? {} : { held: this.#held }),
    };
  }

  async #settle(): Promise<void> {
    const { table, metrics } = this.#ctx;
    // Names may come and go while they are handed over; then it is done again.
    for (let version = -1; this.#whole && !this.#partial && version !== this.#version; ) {
      version = this.#version;
      const names = [...this.#wanted.keys()];
      const withheld = new Set<string>();
      for await (const name of unhurried(names)) if (this.#protects(name)) withheld.add(name);
      if (version !== this.#version) continue;
      if (this.#holds(names.length - withheld.size)) return;
      await table.names.setNames(this.name, entries(names, withheld, this.#scope));
      if (version !== this.#version) continue;
      const fresh = [...withheld].filter((name) => !this.#withheld.has(name));
      this.#withheld = new Set();
      this.#withhold([...withheld], fresh);
      this.#whole = false;
      this.#accepted = false;
      this.#held = undefined;
      this.#loaded = new Date();
      metrics.loaded_timestamp_seconds.set({ list: this.name }, this.#loaded.getTime() / 1000);
    }
  }

  #holds(now: number): boolean {
    const { table, config, log } = this.#ctx;
    if (this.#accepted) return false;
    const reason = holdReason(table.names.size(this.name), now, config['shrink-limit']);
    if (reason === undefined) return false;
    if (this.#held === undefined) say(log, 'LISTS_HELD', { list: this.name, reason });
    this.#held = { reason, names: now, since: this.#held?.since ?? new Date().toISOString() };
    return true;
  }

  #protects(name: string): boolean {
    return this.config.kind === 'block' && this.#protected.coveredBy(name, this.#scope);
  }

  #withhold(names: readonly string[], fresh = names): void {
    for (const name of names) this.#withheld.add(name);
    if (fresh.length === 0) return;
    say(this.#ctx.log, 'LISTS_WITHHELD', { list: this.name, count: fresh.length, names: some(fresh) });
  }
}

function* entries(
  names: readonly string[],
  without: ReadonlySet<string>,
  scope: NameScope,
): Generator<ListedName> {
  for (const name of names) if (!without.has(name)) yield { name, scope };
}
