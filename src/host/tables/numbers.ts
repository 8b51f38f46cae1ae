// SPDX-License-Identifier: MPL-2.0
// Numbers of role sets and lists: given once, kept for the life of a tables directory, so that files of different
// generations never disagree about one.
import { NnoeError } from '../errors.js';
import type { RoleSet } from '../plugin/tables.js';

/** As in native/shm/tables/layout.h, which a test compares. */
export const mostRoleSets = 4096;
export const mostLists = 256;
/** Of the set of clients without a mapping: what its roles are may change, its number does not. */
export const defaultRoleSet = 0;

const mostRoles = 64;
const mostRoleBytes = 128;

/** Sorted, each once. @throws NnoeError TABLES_INVALID. */
export function canonicalRoles(roles: readonly string[]): string[] {
  const sorted = Array.isArray(roles) ? [...new Set(roles)].sort(byBytes) : [];
  const bad = sorted.find((role) => !isRole(role));
  if (bad === undefined && sorted.length > 0 && sorted.length <= mostRoles) return sorted;
  throw new NnoeError('TABLES_INVALID', {
    what: 'roles',
    found: bad === undefined ? `${sorted.length} of them` : (JSON.stringify(bad) ?? typeof bad).slice(0, 80),
    expected: `1 to ${mostRoles} texts of 1 to ${mostRoleBytes} bytes without control characters`,
  });
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Whether a role may be called so. */
export const isRole = (role: unknown): role is string =>
  typeof role === 'string' &&
  role !== '' &&
  Buffer.byteLength(role) <= mostRoleBytes &&
  !/[\p{Cc}\p{Cs}]/u.test(role);

export class RoleSets {
  /** By number. */
  readonly #sets: string[][];
  readonly #numbers = new Map<string, number>();

  /** @param known of before, by number; the first is that of clients without a mapping. */
  constructor(known: readonly (readonly string[])[] = []) {
    this.#sets = known.length === 0 ? [['default']] : known.map((roles) => [...roles]);
    // Number 0 stands for whoever has no mapping, not for its roles, which may change.
    for (let id = 1; id < this.#sets.length; id++) this.#numbers.set(this.#sets[id]?.join('\0') ?? '', id);
  }

  get sets(): readonly (readonly string[])[] {
    return this.#sets;
  }

  list(): RoleSet[] {
    return this.#sets.map((roles, id) => ({ id, roles }));
  }

  roles(id: number): readonly string[] {
    return this.#sets[id] ?? [];
  }

  /** @param roles canonical. Says whether it is another one than before. */
  setDefault(roles: string[]): boolean {
    if (this.#sets[defaultRoleSet]?.join('\0') === roles.join('\0')) return false;
    this.#sets[defaultRoleSet] = roles;
    return true;
  }

  /** @param roles canonical. @throws NnoeError TABLES_FULL. */
  number(roles: string[]): number {
    const key = roles.join('\0');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length;
    if (id >= mostRoleSets)
      throw new NnoeError('TABLES_FULL', {
        what: `the roles ${roles.join(', ')}`.slice(0, 200),
        most: mostRoleSets,
      });
    this.#sets.push(roles);
    this.#numbers.set(key, id);
    return id;
  }
}

const listName = /^[a-z0-9_.-]{1,63}$/;

export class ListNumbers {
  readonly #names: string[];
  readonly #numbers: Map<string, number>;

  /** @param known of before, by number. */
  constructor(known: readonly string[] = []) {
    this.#names = [...known];
    this.#numbers = new Map(known.map((name, id) => [name, id]));
  }

  get names(): readonly string[] {
    return this.#names;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** @throws NnoeError TABLES_INVALID, TABLES_FULL. */
  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (!listName.test(name))
      throw new NnoeError('TABLES_INVALID', {
        what: 'name of a list',
        found: (JSON.stringify(name) ?? typeof name).slice(0, 80),
        expected: '1 to 63 of a-z, 0-9, -, _ and .',
      });
    const id = this.#names.length;
    if (id >= mostLists) throw new NnoeError('TABLES_FULL', { what: `the list ${name}`, most: mostLists });
    this.#names.push(name);
    this.#numbers.set(name, id);
    return id;
  }
}
