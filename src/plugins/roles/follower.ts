// SPDX-License-Identifier: MPL-2.0
// Follows the mappings of the store into the table.
import { setImmediate as turn } from 'node:timers/promises';
import type { Change, Health, KeyValue } from '../../host/plugin.js';
import type { RolesContext } from './declaration.js';
import { faults, shown } from './mapping.js';
import { say } from './messages.js';
import { type Effect, Mappings } from './roles.js';

/** Work in one turn of the event loop, ms; looked at after so many mappings. */
const turnLimit = 5;
const stride = 64;
/** Keys that health names. */
const named = 3;

export class Follower {
  readonly #ctx: RolesContext;
  #mappings: Mappings | undefined;
  /** Prefixes that the table did not take, with the reason. */
  readonly #refused = new Map<string, string>();
  /** How many were malformed, and in conflict, when that was last logged. */
  #logged = { malformed: 0, conflicts: 0 };

  constructor(ctx: RolesContext) {
    this.#ctx = ctx;
  }

  start(): void {
    const { config, prefix, table } = this.#ctx;
    table.roles.setDefault(config.default);
    prefix.mappings.follow({
      snapshot: (entries) => this.#snapshot(entries),
      change: (changes) => this.#change(changes),
    });
  }

  health(): Health {
    const mappings = this.#mappings;
    if (mappings === undefined) return { state: 'ok', reason: 'the store has not shown the mappings yet' };
    const wrong = [...malformedWords(mappings), ...conflictWords(mappings), ...refusedWords(this.#refused)];
    if (wrong.length > 0) return { state: 'degraded', reason: wrong.join('; ') };
    return { state: 'ok', reason: counted(mappings.size, 'mapping', 'mappings') };
  }

  async #snapshot(entries: readonly KeyValue[]): Promise<void> {
    const { prefix, table, signal, log } = this.#ctx;
    const began = performance.now();
    const mappings = new Mappings();
    let due = began + turnLimit;
    for (const [i, { key, value }] of entries.entries()) {
      mappings.put(prefix.mappings.name(key) ?? '', value);
      if (i % stride !== 0 || performance.now() < due) continue;
      await turn();
      signal.throwIfAborted();
      due = performance.now() + turnLimit;
    }
    this.#refused.clear();
    await table.roles.replace(mappings.all(), (prefix, error) => this.#refused.set(prefix, error.message));
    this.#mappings = mappings;
    const seconds = Math.round(performance.now() - began) / 1000;
    say(log, 'ROLES_TAKEN', { mappings: mappings.size, seconds });
    this.#tell(mappings);
  }

  #change(changes: readonly Change[]): void {
    const { prefix } = this.#ctx;
    const mappings = this.#mappings;
    if (mappings === undefined) return; // never before a snapshot
    for (const change of changes) {
      const name = prefix.mappings.name(change.type === 'put' ? change.entry.key : change.key) ?? '';
      const effect = change.type === 'put' ? mappings.put(name, change.entry.value) : mappings.delete(name);
      if (effect === undefined) continue;
      this.#hand(effect);
    }
    this.#tell(mappings);
  }

  /** One that cannot be had, such as the set of roles that is one too many, leaves its clients without a mapping. */
  #hand({ prefix, roles }: Effect): void {
    const { table } = this.#ctx;
    this.#refused.delete(prefix);
    try {
      if (roles !== undefined) {
        table.roles.set(prefix, roles);
        return;
      }
    } catch (error) {
      this.#refused.set(prefix, (error as Error).message);
    }
    table.roles.delete(prefix);
  }

  /** Sets the metrics, and logs what is wrong when more is. */
  #tell(mappings: Mappings): void {
    const { metrics, log } = this.#ctx;
    metrics.mappings.set(mappings.size);
    metrics.conflicts.set(mappings.conflicts.size);
    const counts = mappings.countFaults();
    for (const fault of faults) metrics.malformed.set({ reason: fault }, counts[fault]);
    const [malformed] = mappings.malformed;
    if (malformed !== undefined && mappings.malformed.size > this.#logged.malformed)
      say(log, 'ROLES_MALFORMED', {
        count: mappings.malformed.size,
        key: shown(malformed[0]),
        reason: malformed[1].reason,
      });
    const [conflict] = mappings.conflicts.values();
    if (conflict !== undefined && mappings.conflicts.size > this.#logged.conflicts) {
      const { prefix, used, unused } = conflict;
      say(log, 'ROLES_CONFLICT', {
        count: mappings.conflicts.size,
        prefix,
        used,
        unused: unused.slice(0, named).join(', '),
      });
    }
    this.#logged = { malformed: mappings.malformed.size, conflicts: mappings.conflicts.size };
  }
}

function malformedWords({ malformed }: Mappings): string[] {
  if (malformed.size === 0) return [];
  const first = [...take(malformed, named)].map(([key, { reason }]) => `${shown(key)}: ${reason}`);
  const what = counted(malformed.size, 'mapping is', 'mappings are');
  return [`${what} not used: ${first.join(', ')}${more(malformed.size)}`];
}

function conflictWords({ conflicts }: Mappings): string[] {
  if (conflicts.size === 0) return [];
  const first = [...take(conflicts.values(), named)].map(
    ({ used, unused }) =>
      `${shown(used)} counts, ${unused.slice(0, named).map(shown).join(' and ')} does not`,
  );
  const what = counted(conflicts.size, 'prefix has', 'prefixes have');
  return [`${what} keys that disagree: ${first.join(', ')}${more(conflicts.size)}`];
}

function refusedWords(refused: ReadonlyMap<string, string>): string[] {
  const [first] = refused;
  if (first === undefined) return [];
  const what = counted(refused.size, 'prefix is', 'prefixes are');
  return [`${what} not taken: ${first[0]}: ${first[1]}${more(refused.size, 1)}`];
}

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

const more = (count: number, told = named) => (count > told ? `, and ${count - told} more` : '');

function* take<T>(all: Iterable<T>, most: number): Generator<T> {
  let left = most;
  for (const each of all) {
    if (left-- === 0) return;
    yield each;
  }
}
