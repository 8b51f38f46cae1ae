// SPDX-License-Identifier: MPL-2.0
// The table of roles as a plugin has it: collects what is handed over, as entries for the addon. Sets of roles have
// numbers of this object's own until the directory is open, whose numbers take their place when entries leave.
import { setImmediate as turn } from 'node:timers/promises';
import { NnoeError } from '../errors.js';
import type { Generation, MappingRefused, RoleMapping, RolesTable } from '../plugin/tables.js';
import { mappingBytes, removed } from './native.js';
import { canonicalRoles, mostRoleSets } from './numbers.js';
import { type Prefix, parsePrefix } from './prefixes.js';

/** Entries in one buffer. */
const pieceEntries = 16_384;
/** Ways of writing a set of roles that are remembered. */
const mostWritten = 65_536;
/** Work in one turn of the event loop, ms; looked at after so many entries. */
const turnLimit = 5;
const stride = 64;

/** What was handed over since it was last taken. */
export interface RoleChanges {
  /** Whole, in pieces; undefined: `changes` come on top of what there was. */
  replaced: Buffer[] | undefined;
  changes: Buffer | undefined;
  /** Whether the default was set. */
  touched: boolean;
}

export interface RoleChannel {
  changed(): void;
  published(): Promise<Generation>;
}

/** What a life of the plugin hands over, kept over its lives. */
export class RoleMappings {
  readonly #channel: RoleChannel;
  /** By number. 0 is the default. */
  readonly #sets: string[][] = [['default']];
  readonly #numbers = new Map<string, number>();
  #defaultSet = false;
  #replaced: Buffer[] | undefined;
  /** By prefix: undefined takes it away. */
  #changes = new Map<string, number | undefined>();
  /** The same, while mappings are being replaced: to come after them. */
  #during: Map<string, number | undefined> | undefined;

  constructor(channel: RoleChannel) {
    this.#channel = channel;
  }

  /** Sets of roles that were handed over, by this object's numbers. */
  get sets(): readonly (readonly string[])[] {
    return this.#sets;
  }

  /** @param live whether the plugin's life goes on. */
  table(live: AbortSignal): RolesTable {
    return {
      published: () => this.#channel.published(),
      replace: (mappings, refused) => this.#replace(mappings, refused, live),
      set: (prefix, roles) => this.#set(prefix, roles, live),
      delete: (prefix) => this.#set(prefix, undefined, live),
      setDefault: (roles) => this.#setDefault(roles, live),
    };
  }

  /** @param number of the directory, for one of this object's. */
  take(number: (own: number) => number | undefined): RoleChanges {
    const map = this.#sets.map((_, own) => (own === 0 ? 0 : number(own)));
    const replaced = this.#replaced?.map((piece) => renumbered(piece, map));
    const changes = this.#changes.size === 0 ? undefined : packed(this.#changes, map);
    const touched = this.#defaultSet;
    this.#replaced = undefined;
    this.#changes = new Map();
    this.#defaultSet = false;
    return { replaced, changes, touched };
  }

  async #replace(
    mappings: Iterable<RoleMapping> | AsyncIterable<RoleMapping>,
    refused: MappingRefused | undefined,
    live: AbortSignal,
  ): Promise<void> {
    const pieces = new Pieces();
    const during = new Map<string, number | undefined>();
    this.#during = during;
    let count = 0;
    let due = performance.now() + turnLimit;
    try {
      for await (const { prefix, roles } of mappings) {
        try {
          pieces.add(parsePrefix(prefix), this.#number(roles));
        } catch (error) {
          if (refused === undefined) throw error;
          refused(prefix, error as Error);
        }
        if (++count % stride !== 0 || performance.now() < due) continue;
        await turn();
        live.throwIfAborted();
        due = performance.now() + turnLimit;
      }
      live.throwIfAborted();
    } catch (error) {
      if (this.#during === during) this.#endReplacing(during);
      throw error;
    }
    if (this.#during !== during) return; // another one began meanwhile, which counts
    this.#changes.clear();
    this.#replaced = pieces.done();
    this.#endReplacing(during);
    this.#channel.changed();
  }

  #endReplacing(during: ReadonlyMap<string, number | undefined>): void {
    this.#during = undefined;
    for (const [prefix, own] of during) this.#changes.set(prefix, own);
  }

  #set(prefix: string, roles: readonly string[] | undefined, live: AbortSignal): void {
    live.throwIfAborted();
    parsePrefix(prefix);
    (this.#during ?? this.#changes).set(prefix, roles && this.#number(roles));
    this.#channel.changed();
  }

  #setDefault(roles: readonly string[], live: AbortSignal): void {
    live.throwIfAborted();
    this.#sets[0] = canonicalRoles(roles);
    this.#defaultSet = true;
    this.#channel.changed();
  }

  #number(roles: readonly string[]): number {
    // As written first: sorting and checking would be most of the work of a million mappings.
    const written = Array.isArray(roles) ? roles.join('\0') : '';
    const known = this.#numbers.get(written);
    if (known !== undefined) return known;
    const canonical = canonicalRoles(roles);
    const key = canonical.join('\0');
    const id = this.#numbers.get(key) ?? this.#newSet(canonical);
    this.#numbers.set(key, id);
    if (this.#numbers.size < mostWritten) this.#numbers.set(written, id);
    return id;
  }

  #newSet(roles: string[]): number {
    if (this.#sets.length < mostRoleSets) return this.#sets.push(roles) - 1;
    throw new NnoeError('TABLES_FULL', {
      what: `the roles ${roles.join(', ')}`.slice(0, 200),
      most: mostRoleSets,
    });
  }
}

/** Where an entry has its role set. */
const setAt = 18;

/** Entries of `mappingBytes`, collected in buffers of a size. */
class Pieces {
  readonly #full: Buffer[] = [];
  #last = Buffer.alloc(0);
  #used = 0;

  add({ address, length }: Prefix, roleSet: number): void {
    if (this.#used === this.#last.length) {
      this.#last = Buffer.alloc(pieceEntries * mappingBytes);
      this.#full.push(this.#last);
      this.#used = 0;
    }
    const at = this.#used;
    this.#last.set(address, at);
    this.#last[at + 16] = address.length === 4 ? 4 : 6;
    this.#last[at + 17] = length;
    this.#last.writeUInt16LE(roleSet, at + setAt);
    this.#used += mappingBytes;
  }

  done(): Buffer[] {
    const last = this.#full.pop();
    if (last !== undefined) this.#full.push(last.subarray(0, this.#used));
    return this.#full;
  }
}

/** Entries with the directory's numbers; those whose set has none are left out. */
function renumbered(piece: Buffer, map: readonly (number | undefined)[]): Buffer {
  let to = 0;
  for (let from = 0; from < piece.length; from += mappingBytes) {
    const number = map[piece.readUInt16LE(from + setAt)];
    if (number === undefined) continue;
    if (to !== from) piece.copyWithin(to, from, from + mappingBytes);
    piece.writeUInt16LE(number, to + setAt);
    to += mappingBytes;
  }
  return piece.subarray(0, to);
}

function packed(
  changes: ReadonlyMap<string, number | undefined>,
  map: readonly (number | undefined)[],
): Buffer {
  const pieces = new Pieces();
  // A set without a number leaves its clients to what covers them otherwise.
  for (const [prefix, own] of changes)
    pieces.add(parsePrefix(prefix), (own === undefined ? undefined : map[own]) ?? removed);
  return Buffer.concat(pieces.done());
}
