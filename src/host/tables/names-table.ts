// SPDX-License-Identifier: MPL-2.0
// The table of names as a plugin has it: which lists there are, what is on them, and who subscribes. What is on a list
// is held by the addon; here is what waits to be handed over.
import { setImmediate as turn } from 'node:timers/promises';
import { NnoeError, reasonOf } from '../errors.js';
import type {
  Generation,
  ListedName,
  ListSpec,
  LoadOptions,
  LoadReport,
  NameScope,
  NamesTable,
  SubscribeRule,
  TakeOptions,
} from '../plugin/tables.js';
import { NameEntries, NameFlag, nameBytes } from './names.js';
import type { NativeLoad } from './native.js';

/** Bytes of entries that are handed over at once. */
const pieceBytes = 1 << 20;
/** Work in one turn of the event loop, ms. */
const turnLimit = 5;
/** Lines kept of one reason. */
const keptLines = 5;

export interface NameChannel {
  /** Something is to be published. */
  changed(): void;
  published(): Promise<Generation>;
  /** Number of a list; gives it one. Waits until the directory is open. @throws NnoeError TABLES_FULL. */
  number(list: string): Promise<number>;
  /** @throws NnoeError TABLES_INVALID when it is no action. */
  checkAction(text: string): void;
  /** Reads a file, or takes entries as if they had been in one. @throws NnoeError TABLES_LIST. */
  prepare(list: number, source: LoadSource): Promise<NativeLoad>;
  /** The list is what was read, or stays. */
  finish(load: NativeLoad, take: boolean): Promise<void>;
  size(list: string): number;
}

export type LoadSource = { protect: readonly Buffer[] } & (
  | { path: string; format: string; subdomains: boolean; exceptions: number | undefined }
  | { entries: readonly Buffer[] }
);

/** What was handed over since it was last taken. */
export interface NameChanges {
  /** There are other lists. */
  redefined: boolean;
  /** A load was taken. */
  loaded: boolean;
  entries: readonly NameChange[];
}

export interface NameChange {
  list: string;
  flags: number;
  wire: Buffer;
  /** Loads that were taken before it, of whatever list. */
  after: number;
}

export class Names {
  readonly #channel: NameChannel;
  /** Undefined until the plugin has said which there are. */
  #lists: ListSpec[] | undefined;
  #version = 0;
  #redefined = false;
  #loaded = false;
  #rules: SubscribeRule[] = [];
  #entries: NameChange[] = [];
  #loads = 0;
  /** The last load of a list that was taken, by its number. */
  readonly #lastLoad = new Map<string, number>();
  /** Lists that something was handed over for, if in vain. */
  readonly #tried = new Set<string>();

  constructor(channel: NameChannel) {
    this.#channel = channel;
  }

  get defined(): boolean {
    return this.#lists !== undefined;
  }

  /** Lists that nothing was handed over for yet. */
  get outstanding(): string[] {
    return this.lists.map(({ name }) => name).filter((name) => !this.#tried.has(name));
  }

  /** As if nothing had been handed over. */
  forget(): void {
    this.#lists = undefined;
    this.#rules = [];
    this.#entries = [];
    this.#tried.clear();
    this.#redefined = false;
    this.#loaded = false;
    this.#version++;
  }

  get lists(): readonly ListSpec[] {
    return this.#lists ?? [];
  }

  /** Of lists and rules: another one when they are others. */
  get version(): number {
    return this.#version;
  }

  get rules(): readonly SubscribeRule[] {
    return this.#rules;
  }

  table(live: AbortSignal): NamesTable {
    const alive =
      <A extends unknown[], R>(work: (...given: A) => R) =>
      (...given: A): R => {
        live.throwIfAborted();
        return work(...given);
      };
    return {
      published: () => this.#channel.published(),
      define: alive((lists) => this.#define(lists)),
      load: async (list, options) => this.#load(list, options, live),
      setNames: async (list, names, options = {}) => this.#setNames(list, names, options, live),
      unavailable: alive((list) => this.#unavailable(list)),
      set: alive((list, name, scope) => this.#change(list, name, scope, 0)),
      unset: alive((list, name, scope) => this.#change(list, name, scope, NameFlag.unset)),
      subscribe: alive((rules) => this.#subscribe(rules)),
      size: (list) => this.#channel.size(list),
    };
  }

  /** Whether no load of its list was taken since, before which it counts no more. */
  counts({ list, after }: NameChange): boolean {
    return after >= (this.#lastLoad.get(list) ?? 0);
  }

  take(): NameChanges {
    const { redefined, loaded } = { redefined: this.#redefined, loaded: this.#loaded };
    this.#redefined = false;
    this.#loaded = false;
    return { entries: this.#entries.splice(0), redefined, loaded };
  }

  #define(lists: readonly ListSpec[]): void {
    const names = lists.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw invalid('lists', `${twice} twice`, 'each list once');
    const odd = lists.find(({ name }) => !listName.test(name));
    if (odd !== undefined)
      throw invalid('name of a list', JSON.stringify(odd.name), '1 to 63 of a-z, 0-9, -, _ and .');
    const kind = lists.find((each) => each.kind !== 'block' && each.kind !== 'allow');
    if (kind !== undefined) throw invalid(`kind of list ${kind.name}`, String(kind.kind), 'block or allow');
    this.#lists = lists.map(({ name, kind: is }) => ({ name, kind: is }));
    this.#rules = this.#rules
      .map((rule) => ({ ...rule, lists: rule.lists.filter((name) => names.includes(name)) }))
      .filter((rule) => rule.lists.length > 0);
    this.#version++;
    this.#redefined = true;
    this.#channel.changed();
  }

  #subscribe(rules: readonly SubscribeRule[]): void {
    for (const { lists, action } of rules) {
      for (const list of lists) this.#check(list);
      this.#channel.checkAction(action);
    }
    this.#rules = rules.map(({ lists, roles, action }) => ({ lists: [...lists], roles: [...roles], action }));
    this.#version++;
    this.#channel.changed();
  }

  #change(list: string, name: string, scope: NameScope, flags: number): void {
    this.#check(list);
    const wire = nameBytes(name);
    if (wire === undefined)
      throw invalid(`name on list ${list}`, JSON.stringify(name).slice(0, 300), 'a domain name');
    this.#tried.add(list);
    const scoped = flags | (scope === 'subtree' ? NameFlag.subtree : 0);
    this.#entries.push({ list, wire, flags: scoped, after: this.#loads });
    this.#channel.changed();
  }

  /** @throws NnoeError when the list was not defined. */
  #check(list: string): void {
    if (this.lists.some(({ name }) => name === list)) return;
    const known =
      this.lists.map(({ name }) => name).join(', ') || 'a list that was defined, of which there is none';
    throw invalid('list', JSON.stringify(list) ?? typeof list, known);
  }

  async #load(list: string, options: LoadOptions, live: AbortSignal) {
    this.#check(list);
    const { path, format = 'auto', subdomains = false, exceptions } = options;
    if (exceptions !== undefined) this.#check(exceptions);
    const other = exceptions === undefined ? undefined : await this.#channel.number(exceptions);
    const source = { path, format, subdomains, exceptions: other, protect: wires(options.protect) };
    return this.#trying([list, ...(exceptions === undefined ? [] : [exceptions])], () =>
      this.#take(list, source, options, {}, live),
    );
  }

  async #setNames(
    list: string,
    names: Iterable<ListedName> | AsyncIterable<ListedName>,
    options: TakeOptions,
    live: AbortSignal,
  ) {
    this.#check(list);
    const number = await this.#channel.number(list);
    const { entries, bad } = await packNames(number, names, live);
    const source = { entries, protect: wires(options.protect) };
    return this.#trying([list], () => this.#take(list, source, options, bad, live));
  }

  /** What cannot be had is not waited for: whoever hands over says that it failed. */
  async #trying<T>(lists: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#try(lists);
    }
  }

  #try(lists: readonly string[]): void {
    const before = this.#tried.size;
    for (const list of lists) this.#tried.add(list);
    if (this.#tried.size > before) this.#channel.changed();
  }

  #unavailable(list: string): void {
    this.#check(list);
    this.#try([list]);
  }

  async #take(
    list: string,
    source: LoadSource,
    { accept }: TakeOptions,
    bad: LoadReport['bad'],
    live: AbortSignal,
  ) {
    const number = await this.#channel.number(list);
    const load = await this.#channel.prepare(number, source).catch((error) => {
      const path = 'path' in source ? source.path : 'what the plugin handed over';
      throw new NnoeError('TABLES_LIST', { list, path, reason: reasonOf(error) }, error);
    });
    const report: LoadReport = { ...load, before: this.#channel.size(list), bad: { ...bad, ...load.bad } };
    const before = this.#lastLoad.get(list) ?? 0;
    let taken = false;
    try {
      taken = !live.aborted && accept?.(report) !== false;
      // What was set before counts no more, wherever it is on its way: the list is from now on what was loaded.
      if (taken) this.#lastLoad.set(list, ++this.#loads);
    } finally {
      await this.#channel.finish(load, taken).catch((error) => {
        if (taken) this.#lastLoad.set(list, before);
        throw error;
      });
    }
    live.throwIfAborted();
    if (taken) {
      this.#loaded = true;
      this.#channel.changed();
    }
    return { ...report, taken };
  }
}

const listName = /^[a-z0-9_.-]{1,63}$/;

const invalid = (what: string, found: string, expected: string) =>
  new NnoeError('TABLES_INVALID', { what, found, expected });

function wires(names: readonly string[] = []): Buffer[] {
  return names.map((name) => {
    const wire = nameBytes(name);
    if (wire === undefined)
      throw invalid('protected name', JSON.stringify(name).slice(0, 300), 'a domain name');
    return wire;
  });
}

/** Entries in pieces; `lines` of what is no name are its places in the sequence, from 1. */
async function packNames(
  list: number,
  names: Iterable<ListedName> | AsyncIterable<ListedName>,
  live: AbortSignal,
): Promise<{ entries: Buffer[]; bad: LoadReport['bad'] }> {
  const pieces: Buffer[] = [];
  const entries = new NameEntries();
  const syntax = { rows: 0, lines: [] as number[] };
  let place = 0;
  let due = performance.now() + turnLimit;
  for await (const { name, scope } of names) {
    place++;
    const wire = nameBytes(name);
    if (wire !== undefined) entries.add(list, scope === 'subtree' ? NameFlag.subtree : 0, wire);
    else if (++syntax.rows <= keptLines) syntax.lines.push(place);
    if (entries.bytes >= pieceBytes) pieces.push(entries.take());
    if (performance.now() < due) continue;
    await turn();
    live.throwIfAborted();
    due = performance.now() + turnLimit;
  }
  pieces.push(entries.take());
  return { entries: pieces, bad: syntax.rows === 0 ? {} : { syntax } };
}
