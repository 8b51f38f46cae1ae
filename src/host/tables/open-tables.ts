// SPDX-License-Identifier: MPL-2.0
// A tables directory while it is open: numbers, what was handed over and is not published, and what the next
// generation has that the last has not.
import type { NnoeError } from '../errors.js';
import type { RoleSet, TableName } from '../plugin/tables.js';
import { ActionNumbers, type ActionRecord } from './actions.js';
import { NameEntries } from './names.js';
import type { Names } from './names-table.js';
import type { Buildable, NativeTables, Published, PublishRequest, SectionName } from './native.js';
import { defaultRoleSet, ListNumbers, RoleSets } from './numbers.js';
import type { RoleMappings } from './roles-table.js';
import { subscriptions } from './subscriptions.js';

export interface Sources {
  roles: RoleMappings;
  names: Names;
  /** What enabled plugins publish. */
  tables: ReadonlySet<TableName>;
  /** What a rule's action is. @throws NnoeError TABLES_INVALID. */
  listAction(text: string): ActionRecord;
  /** There is no number left for something, which is therefore left out. */
  full(error: NnoeError): void;
}

export class OpenTables {
  readonly native: NativeTables;
  readonly roleSets: RoleSets;
  readonly lists: ListNumbers;
  readonly actions: ActionNumbers;
  readonly #sources: Sources;
  /** What was taken from plugins and has not reached the addon. */
  readonly #handing: (() => Promise<void>)[] = [];
  /** What reached it and is not published. */
  #request: PublishRequest;
  /** Role sets by the numbers of what hands them over. */
  #own: number[] = [defaultRoleSet];
  #written: { registry: string; actions: number; subscriptions: string };
  /** Tables of this host's plugins by now, no longer of before. */
  readonly #fresh = new Set<TableName>();
  /** Something is in force: a generation of before, or one of this host's. */
  #begun: boolean;

  constructor(native: NativeTables, sources: Sources) {
    const { roleSets, lists, actions, sections } = native.restored;
    this.native = native;
    this.#sources = sources;
    this.roleSets = new RoleSets(roleSets);
    this.lists = new ListNumbers(lists);
    this.actions = new ActionNumbers(actions);
    this.#begun = sections.length > 0;
    this.#request = firstRequest(new Set(sections.map(({ name }) => name)), sources.tables);
    const registry = roleSets.length === 0 ? '' : this.#registryState();
    this.#written = { registry, actions: actions.length === 0 ? -1 : 0, subscriptions: '' };
  }

  /**
   * Tables that a first generation waits for: without one of them it would let through what the whole of them does
   * not. Empty: none; what is in force is complete.
   */
  waitsFor(): string[] {
    if (this.#begun) return [];
    const { tables, names } = this.#sources;
    return [...tables].flatMap((table) => {
      if (!this.#fresh.has(table)) return [table];
      const lists = table === 'names' ? names.outstanding : [];
      return lists.length === 0 ? [] : [`names (list ${lists.join(', ')})`];
    });
  }

  /** Whether there is a generation. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Sets of roles that clients can have. */
  roleSetsInUse(): RoleSet[] {
    const all = this.roleSets.list();
    if (!this.#fresh.has('roles')) return all;
    const used = new Set(this.#own);
    return all.filter(({ id }) => used.has(id));
  }

  /** Lists that are defined, by name; those of before until some are. */
  listsInUse(): Map<string, number> {
    const { names } = this.#sources;
    const used = this.#fresh.has('names') ? names.lists.map(({ name }) => name) : this.lists.names;
    return new Map(
      used.flatMap((name) => {
        const number = this.lists.find(name);
        return number === undefined ? [] : [[name, number] as const];
      }),
    );
  }

  setPrograms(section: Uint8Array | 'unplanned'): void {
    this.#request.programs = section;
    this.#fresh.add('programs');
  }

  /** There is a new base. */
  rebuilt(what: Buildable): void {
    this.#request[what] = 'changed';
  }

  /** Takes what plugins handed over; numbers are known then. */
  take(): void {
    this.#takeRoles();
    this.#takeNames();
  }

  /** Publishes what was taken; undefined when there is nothing new, or the first generation waits for something. */
  async publish(): Promise<Published | undefined> {
    for (let give = this.#handing[0]; give !== undefined; give = this.#handing[0]) {
      await give();
      this.#handing.shift();
    }
    // Before anything is known of the world, numbers alone would let everybody pass as a client without a mapping.
    if (this.waitsFor().length > 0) return undefined;
    if (this.#fresh.size > 0 || Object.keys(this.#request).length > 0) this.#addNumbers();
    const request = this.#request;
    if (Object.keys(request).length === 0) return undefined;
    this.#request = {};
    try {
      const published = await this.native.publish({ ...request, whole: !this.#begun });
      if (!this.#begun && published.missing.length > 0) {
        // Nothing was written: it comes with the base that is still to be made.
        this.#request = { ...request, ...this.#request };
        return published;
      }
      this.#begun = true;
      const { tables } = this.#sources;
      const ofBefore = (['names', 'programs'] as const).some(
        (each) => tables.has(each) && !this.#fresh.has(each),
      );
      if (!ofBefore) this.actions.forgetUnclaimed();
      return published;
    } catch (error) {
      this.#request = { ...request, ...this.#request };
      throw error;
    }
  }

  #takeRoles(): void {
    const { roles, full } = this.#sources;
    for (let own = this.#own.length; own < roles.sets.length; own++)
      this.#own[own] =
        this.#numbered(() => this.roleSets.number([...(roles.sets[own] ?? [])]), full) ?? noNumber;
    const { replaced, changes, touched } = roles.take((own) => known(this.#own[own]));
    if (touched) this.roleSets.setDefault([...(roles.sets[0] ?? [])]);
    if (replaced !== undefined) this.#fresh.add('roles');
    if (replaced !== undefined) this.#hand('clients', () => this.native.replaceClients(replaced));
    if (changes !== undefined) this.#hand('clients', () => this.native.changeClients(changes));
  }

  #takeNames(): void {
    const { names, full } = this.#sources;
    if (!names.defined) return;
    this.#fresh.add('names');
    for (const { name } of names.lists) this.#numbered(() => this.lists.number(name), full);
    const numbers = names.lists.flatMap(({ name }) => known(this.lists.find(name)) ?? []);
    const { entries, redefined, loaded } = names.take();
    if (redefined) this.#hand('names', () => this.native.keepLists(Uint16Array.from(numbers)));
    if (loaded) this.#request.names = 'changed';
    if (entries.length === 0) return;
    this.#hand('names', async () => {
      const packed = new NameEntries();
      for (const entry of entries) {
        const number = this.lists.find(entry.list);
        if (number !== undefined && names.counts(entry)) packed.add(number, entry.flags, entry.wire);
      }
      const changes = packed.take();
      if (changes.length > 0) await this.native.changeNames(changes);
    });
  }

  #hand(table: Buildable, give: () => Promise<void>): void {
    this.#handing.push(async () => {
      await give();
      this.#request[table] = 'changed';
    });
  }

  /** Undefined when there is none left, which `full` is told. */
  #numbered(give: () => number, full: Sources['full']): number | undefined {
    try {
      return give();
    } catch (error) {
      full(error as NnoeError);
      return undefined;
    }
  }

  #addNumbers(): void {
    const registry = this.#registryState();
    if (this.#fresh.has('names')) this.#addSubscriptions(registry);
    if (registry !== this.#written.registry)
      this.#request.registry = { roleSets: this.roleSets.sets, lists: this.lists.names };
    if (this.actions.version !== this.#written.actions) this.#request.actions = this.actions.records;
    this.#written = { ...this.#written, registry, actions: this.actions.version };
  }

  #addSubscriptions(registry: string): void {
    const { names, listAction } = this.#sources;
    const state = `${registry} ${names.version}`;
    if (state === this.#written.subscriptions) return;
    const lists = names.lists.filter(({ name }) => this.lists.find(name) !== undefined);
    this.#request.subscriptions = subscriptions({
      roleSets: this.roleSets.list(),
      lists,
      listNumber: (name) => this.lists.find(name) ?? 0,
      listCount: this.lists.names.length,
      rules: names.rules,
      action: (text) => this.actions.number(listAction(text)),
    });
    this.#written.subscriptions = state;
  }

  /** Changes whenever what the registry says does: numbers are only added, and the default may be another. */
  #registryState(): string {
    return JSON.stringify([
      this.roleSets.sets.length,
      this.roleSets.roles(defaultRoleSet),
      this.lists.names.length,
    ]);
  }
}

const noNumber = -1;
const known = (number: number | undefined) => (number === noNumber ? undefined : number);

/** What nobody publishes any more goes; where policies are in use and none was ever planned, nobody is allowed. */
function firstRequest(there: ReadonlySet<SectionName>, tables: ReadonlySet<TableName>): PublishRequest {
  const request: PublishRequest = {};
  const has = (...names: SectionName[]) => names.some((name) => there.has(name));
  if (!tables.has('roles') && has('hosts', 'hosts-delta', 'prefixes', 'prefixes-delta'))
    request.clients = 'none';
  if (!tables.has('names')) {
    if (has('names', 'names-delta')) request.names = 'none';
    if (has('subscriptions')) request.subscriptions = 'none';
  }
  if (tables.has('programs') && !has('programs')) request.programs = 'unplanned';
  if (!tables.has('programs') && has('programs')) request.programs = 'none';
  return request;
}
