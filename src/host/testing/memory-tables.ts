// SPDX-License-Identifier: MPL-2.0
// A tables directory in memory, for testing the plugins that publish: what the host's own service writes to instead
// of the addon.
import { readFileSync } from 'node:fs';
import type { Generation } from '../plugin/tables.js';
import type { ActionRecord } from '../tables/actions.js';
import { NameFlag, nameBytes } from '../tables/names.js';
import type { LoadSource } from '../tables/names-table.js';
import {
  type ClientMatch,
  mappingBytes,
  type NativeLoad,
  type NativeTables,
  type Published,
  type PublishRequest,
  type Restored,
  removed,
  type Subscriptions,
} from '../tables/native.js';
import { covers, parsePrefix, prefixText } from '../tables/prefixes.js';

/** What a generation is. */
export interface MemoryState {
  roleSets: readonly (readonly string[])[];
  lists: readonly string[];
  actions: readonly ActionRecord[];
  /** Prefix to role set. */
  clients: ReadonlyMap<string, number>;
  /** By list: scope and name in wire form, as `listed` puts them. */
  names: readonly (ReadonlySet<string> | undefined)[];
  subscriptions: Subscriptions | undefined;
  programs: Uint8Array | 'unplanned' | undefined;
}

export interface MemoryTablesOptions {
  /** Sets of roles that the directory knows of before, besides the default; they get the numbers from 1 on. */
  roleSets?: readonly (readonly string[])[];
  /** Lists that it knows of before. */
  lists?: readonly string[];
}

export class MemoryTables implements NativeTables {
  readonly restored: Restored;
  published: MemoryState;
  #generation: Generation = 0;
  #clients = new Map<string, number>();
  #names: (Set<string> | undefined)[] = [];
  readonly #loads = new Map<number, { list: number; names: Set<string> }>();
  #loaded = 0;
  #down: string | undefined;

  constructor({ roleSets = [], lists = [] }: MemoryTablesOptions = {}) {
    const sets = roleSets.length === 0 ? [] : [['default'], ...roleSets];
    const before = { generation: 0, createdUs: 0, sections: [], found: '', actions: [] };
    this.restored = { ...before, roleSets: sets, lists };
    const empty = {
      actions: [],
      clients: new Map(),
      names: [],
      subscriptions: undefined,
      programs: undefined,
    };
    this.published = { ...empty, roleSets: sets, lists };
  }

  /** From now on no generation can be written, until `up`. */
  down(reason = 'taken down by the test'): void {
    this.#down = reason;
  }

  up(): void {
    this.#down = undefined;
  }

  async replaceClients(pieces: readonly Uint8Array[]): Promise<void> {
    this.#clients = new Map();
    for (const piece of pieces) await this.changeClients(piece);
  }

  async changeClients(entries: Uint8Array): Promise<void> {
    const bytes = Buffer.from(entries);
    for (let at = 0; at < bytes.length; at += mappingBytes) {
      const address = bytes.subarray(at, at + (bytes.readUInt8(at + 16) === 4 ? 4 : 16));
      const prefix = prefixText({ address, length: bytes.readUInt8(at + 17) });
      const roleSet = bytes.readUInt16LE(at + 18);
      if (roleSet === removed) this.#clients.delete(prefix);
      else this.#clients.set(prefix, roleSet);
    }
  }

  findClient(address: Uint8Array): ClientMatch | undefined {
    return longest(this.#clients, address);
  }

  async countClients(): Promise<Float64Array> {
    const counts = new Float64Array(this.published.roleSets.length);
    for (const roleSet of this.#clients.values()) counts[roleSet] = (counts[roleSet] ?? 0) + 1;
    return counts;
  }

  /** Files of plain names alone: the other formats are the addon's. */
  async prepareList(list: number, source: LoadSource): Promise<NativeLoad> {
    const names = new Set<string>();
    const bad = { rows: 0, lines: [] as number[] };
    let rows = 0;
    if ('entries' in source)
      for (const entry of source.entries)
        for (const each of entriesOf(entry)) names.add(listed(each.flags, each.wire));
    else
      for (const [i, line] of readFileSync(source.path, 'utf8').split(/\r?\n/).entries()) {
        const text = line.replace(/#.*/, '').trim();
        if (text === '') continue;
        rows++;
        const wire = nameBytes(text);
        if (wire !== undefined) names.add(listed(source.subdomains ? NameFlag.subtree : 0, wire));
        else if (++bad.rows <= 5) bad.lines.push(i + 1);
      }
    const withheld = [...names].filter((each) => source.protect.some((name) => reaches(each, name)));
    for (const each of withheld) names.delete(each);
    const id = ++this.#loaded;
    this.#loads.set(id, { list, names });
    return {
      id,
      names: names.size,
      exceptions: 0,
      rows: rows === 0 ? names.size : rows,
      format: 'domains',
      bad: bad.rows === 0 ? {} : { syntax: bad },
      withheld: { names: withheld.length, first: withheld.slice(0, 5).map((each) => nameText(each)) },
      bytes: 0,
      checksum: 0,
    };
  }

  async finishLoad(id: number, take: boolean): Promise<void> {
    const load = this.#loads.get(id);
    this.#loads.delete(id);
    if (take && load !== undefined) this.#names[load.list] = load.names;
  }

  async changeNames(entries: Uint8Array): Promise<void> {
    for (const { list, flags, wire } of entriesOf(entries)) {
      const names = this.#names[list] ?? new Set();
      this.#names[list] = names;
      if (flags & NameFlag.unset) names.delete(listed(flags & NameFlag.subtree, wire));
      else names.add(listed(flags, wire));
    }
  }

  async keepLists(lists: Uint16Array): Promise<void> {
    this.#names = this.#names.map((names, list) => (lists.includes(list) ? names : undefined));
  }

  listSizes(): Float64Array {
    return Float64Array.from(this.#names, (names) => names?.size ?? 0);
  }

  checkPrograms(): string {
    return '';
  }

  async publish(request: PublishRequest): Promise<Published> {
    if (this.#down !== undefined) throw new Error(this.#down);
    const { registry, actions, clients, names, subscriptions, programs } = request;
    this.#generation++;
    this.published = {
      ...this.published,
      ...(registry && { roleSets: registry.roleSets.map((roles) => [...roles]), lists: [...registry.lists] }),
      ...(actions && { actions: [...actions] }),
      ...(clients && { clients: clients === 'none' ? new Map() : new Map(this.#clients) }),
      ...(names && { names: names === 'none' ? [] : this.#names.map((each) => each && new Set(each)) }),
      ...(subscriptions && { subscriptions: subscriptions === 'none' ? undefined : subscriptions }),
      ...(programs && { programs: programs === 'none' ? undefined : programs }),
    };
    const createdUs = Date.now() * 1000;
    const nothing = { due: [], missing: [], again: [] };
    return { generation: this.#generation, sections: [], createdUs, seconds: 0, ...nothing };
  }

  async rebuild(): Promise<void> {
    // Nothing is ever due.
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

/** The longest prefix that covers a client. */
export function longest(clients: ReadonlyMap<string, number>, client: Uint8Array): ClientMatch | undefined {
  let best: ClientMatch | undefined;
  for (const [text, roleSet] of clients) {
    const { address, length } = parsePrefix(text);
    if (covers({ address, length }, client) && length >= (best?.length ?? 0))
      best = { address: Buffer.from(address), length, roleSet };
  }
  return best;
}

function* entriesOf(entries: Uint8Array) {
  const bytes = Buffer.from(entries);
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt8(at + 3))
    yield {
      list: bytes.readUInt16LE(at),
      flags: bytes.readUInt8(at + 2),
      wire: bytes.subarray(at + 4, at + 4 + bytes.readUInt8(at + 3)),
    };
}

const listed = (flags: number, wire: Buffer) =>
  `${flags & NameFlag.subtree ? '*' : '='}${wire.toString('latin1')}`;

/** Whether an entry covers a name: the same, or above it. */
const reaches = (entry: string, name: Buffer) => {
  const protectedName = name.toString('latin1');
  return entry[0] === '*' ? isBelow(protectedName, entry.slice(1)) : protectedName === entry.slice(1);
};

function isBelow(name: string, above: string): boolean {
  for (let at = 0; at < name.length; at += 1 + name.charCodeAt(at)) {
    if (name.slice(at) === above) return true;
    if (name.charCodeAt(at) === 0) break;
  }
  return false;
}

/** `example.org`, and `*.example.org` for it and all below. */
export function nameText(entry: string): string {
  const labels: string[] = [];
  for (let at = 1; entry.charCodeAt(at) > 0; at += 1 + entry.charCodeAt(at))
    labels.push(entry.slice(at + 1, at + 1 + entry.charCodeAt(at)));
  return (entry[0] === '*' ? '*.' : '') + (labels.join('.') || '.');
}
