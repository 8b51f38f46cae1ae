// SPDX-License-Identifier: MPL-2.0
// All mappings of the store: which counts where several keys mean one prefix, and what is wrong with the others.
// Memory: about 100 bytes a mapping.
import { type Fault, faults, type Malformed, prefixOf, rolesOf } from './mapping.js';

export interface Conflict {
  prefix: string;
  /** Key that counts. */
  used: string;
  /** Keys that say something else. */
  unused: readonly string[];
}

/** What a prefix has now; undefined: no mapping any more. */
export interface Effect {
  prefix: string;
  roles: readonly string[] | undefined;
}

/** Values that are remembered as parsed: most mappings say the same few things. */
const mostParsed = 4096;

export class Mappings {
  /** By prefix: of the key that is written as tables write it. */
  readonly #plain = new Map<string, readonly string[]>();
  /** By prefix, then by key: of keys that are written otherwise. */
  readonly #others = new Map<string, Map<string, readonly string[]>>();
  /** Keys that are not used, with what is wrong. */
  readonly #malformed = new Map<string, Malformed>();
  readonly #conflicts = new Map<string, Conflict>();
  readonly #parsed = new Map<string, readonly string[] | Malformed>();

  /** Prefixes that have a mapping. */
  get size(): number {
    let more = 0;
    for (const prefix of this.#others.keys()) if (!this.#plain.has(prefix)) more++;
    return this.#plain.size + more;
  }

  /** Whatever the key said before counts no more. */
  put(key: string, value: Buffer): Effect | undefined {
    const prefix = prefixOf(key);
    if (typeof prefix !== 'string') {
      this.#malformed.set(key, prefix);
      return undefined;
    }
    const roles = this.#roles(value);
    if ('fault' in roles) {
      this.#forget(key, prefix);
      this.#malformed.set(key, roles);
    } else {
      this.#malformed.delete(key);
      if (key === prefix) this.#plain.set(prefix, roles);
      else this.#spelled(prefix).set(key, roles);
    }
    return this.#effect(prefix);
  }

  delete(key: string): Effect | undefined {
    this.#malformed.delete(key);
    const prefix = prefixOf(key);
    if (typeof prefix !== 'string') return undefined;
    this.#forget(key, prefix);
    return this.#effect(prefix);
  }

  *all(): Generator<{ prefix: string; roles: readonly string[] }> {
    for (const [prefix, roles] of this.#plain) yield { prefix, roles };
    for (const prefix of this.#others.keys()) {
      const roles = this.#plain.has(prefix) ? undefined : this.#winner(prefix)?.[1];
      if (roles !== undefined) yield { prefix, roles };
    }
  }

  /** Prefixes about which keys disagree. */
  get conflicts(): ReadonlyMap<string, Conflict> {
    return this.#conflicts;
  }

  get malformed(): ReadonlyMap<string, Malformed> {
    return this.#malformed;
  }

  countFaults(): Record<Fault, number> {
    const counts = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>;
    for (const { fault } of this.#malformed.values()) counts[fault]++;
    return counts;
  }

  #roles(value: Buffer): readonly string[] | Malformed {
    const text = value.toString('latin1');
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const roles = rolesOf(value);
    if (this.#parsed.size >= mostParsed) this.#parsed.clear();
    this.#parsed.set(text, roles);
    return roles;
  }

  #spelled(prefix: string): Map<string, readonly string[]> {
    const known = this.#others.get(prefix) ?? new Map<string, readonly string[]>();
    this.#others.set(prefix, known);
    return known;
  }

  #forget(key: string, prefix: string): void {
    if (key === prefix) this.#plain.delete(prefix);
    const others = this.#others.get(prefix);
    others?.delete(key);
    if (others?.size === 0) this.#others.delete(prefix);
  }

  /** The key that is written as tables write it, else the first in the order of their bytes. */
  #winner(prefix: string): readonly [key: string, roles: readonly string[]] | undefined {
    const plain = this.#plain.get(prefix);
    if (plain !== undefined) return [prefix, plain];
    const others = [...(this.#others.get(prefix) ?? [])];
    return others.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0];
  }

  #effect(prefix: string): Effect {
    const winner = this.#winner(prefix);
    const said = (roles: readonly string[]) => roles.join('\0');
    const unused = [...(this.#others.get(prefix) ?? [])]
      .filter(([key, roles]) => winner !== undefined && key !== winner[0] && said(roles) !== said(winner[1]))
      .map(([key]) => key);
    if (winner === undefined || unused.length === 0) this.#conflicts.delete(prefix);
    else this.#conflicts.set(prefix, { prefix, used: winner[0], unused: unused.sort() });
    return { prefix, roles: winner?.[1] };
  }
}
