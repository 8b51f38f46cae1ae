// SPDX-License-Identifier: MPL-2.0
// The contract's tables: what a plugin publishes for the native side, which decides about queries with it. A table
// is what it is for everybody at once: one plugin of a host publishes it.
//
// What is handed over is collected for a few milliseconds, built off the event loop, and on disk when a generation
// has it. A table that nobody has handed anything since the host started stays as it is on disk, so a start without
// the store changes nothing. In a new directory nothing is published before every table of the plugins that are
// enabled was handed over once, of names every list that is defined (also none, or in vain): until then dnsdist does
// what its `fail` says. Disk full, directory not writable: what was handed over waits and is tried again, the last
// generation stays in force, and status says so.

/** Number of a generation: grows with every one of a tables directory; below 2^53. */
export type Generation = number;

export interface TableSpec {
  /** 'roles': client addresses to roles; 'names': lists of names and who subscribes; 'programs': policies. */
  table: TableName;
}

export type Publishes = Readonly<Record<string, TableSpec>>;

/** Tables by name, with what a plugin gets that publishes one. */
export interface Tables {
  roles: RolesTable;
  names: NamesTable;
  programs: ProgramsTable;
}
export type TableName = keyof Tables;

/** What a plugin gets for a table that it declared so. */
export type TableOf<T extends TableSpec> = Tables[T['table']];

/** What all tables have. */
export interface PublishedTable {
  /**
   * Resolves when a generation has everything handed over before the call, with its number; waits for as long as
   * none can be written. Rejects with the reason of `ctx.signal`.
   */
  published(): Promise<Generation>;
}

/** `prefix`: an address or CIDR in canonical text: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. */
export interface RoleMapping {
  prefix: string;
  roles: readonly string[];
}

/** A mapping that was not taken. */
export type MappingRefused = (prefix: string, error: Error) => void;

/**
 * Client address to roles; the longest prefix wins. Roles are 1 to 64 texts of up to 128 bytes of UTF-8 without
 * control characters; their order and repetition make no difference. A set of roles that was once used keeps its
 * number for ever, and there are 4,096 of them in the life of a tables directory.
 */
export interface RolesTable extends PublishedTable {
  /**
   * From now on these mappings and no others. They are taken piece by piece, so that even a million hold up nobody;
   * `set` and `delete` meanwhile come after them.
   * @param refused called for each that cannot be taken; without it the first such rejects and nothing changes.
   */
  replace(
    mappings: Iterable<RoleMapping> | AsyncIterable<RoleMapping>,
    refused?: MappingRefused,
  ): Promise<void>;
  /** @throws NnoeError TABLES_INVALID, TABLES_FULL (no number left for this set of roles). */
  set(prefix: string, roles: readonly string[]): void;
  /** @throws NnoeError TABLES_INVALID. */
  delete(prefix: string): void;
  /** Of clients without a mapping. @throws NnoeError TABLES_INVALID. */
  setDefault(roles: readonly string[]): void;
}

export type ListKind = 'block' | 'allow';
/** 'exact': that name; 'subtree': it and all below. */
export type NameScope = 'exact' | 'subtree';

/** `name`: 1 to 63 of a-z, 0-9, `-`, `_` and `.`; a metric label and what policies see in `lists`. */
export interface ListSpec {
  name: string;
  kind: ListKind;
}

/** A name in presentation form, in any letter case, with or without the trailing dot; `.` is the root. */
export interface ListedName {
  name: string;
  scope: NameScope;
}

export type ListFormat = 'auto' | 'hosts' | 'domains' | 'adblock' | 'dnsmasq' | 'rpz';

/** What a load found. */
export interface LoadReport {
  /** Names that the list has with it, and those that it had before. */
  names: number;
  before: number;
  /** Names that the file takes off again, or allows. */
  exceptions: number;
  /** Rows that were read: `names`, `exceptions`, doubles of these, and bad ones. */
  rows: number;
  /** As it was read, where 'auto' was asked for. */
  format: Exclude<ListFormat, 'auto'>;
  /** Rows not taken, by reason; `lines` are numbers of the first few, from 1. */
  bad: Readonly<Record<string, { rows: number; lines: readonly number[] }>>;
  /** Names left out because they are protected, or above one that is; the first few by name. */
  withheld: { names: number; first: readonly string[] };
  /** Size and CRC32C of the file. */
  bytes: number;
  checksum: number;
}

export interface TakeOptions {
  /** Names that this list must never cover: entries at or above one of them are left out. */
  protect?: readonly string[];
  /** Shown what was found before it is taken; false: the list stays as it is. */
  accept?(report: LoadReport): boolean;
}

export interface LoadOptions extends TakeOptions {
  path: string;
  /** Default 'auto'. */
  format?: ListFormat;
  /** Rows of hosts files and plain names cover what is below them, too. Default false. */
  subdomains?: boolean;
  /** An allow list that takes what the file excepts; without it exceptions only take names off the list. */
  exceptions?: string;
}

/**
 * Which lists count for whom. `roles` empty: for everybody. In order: for a list, the first rule that names it and
 * a role of the client's decides, and no later one.
 */
export interface SubscribeRule {
  lists: readonly string[];
  roles: readonly string[];
  /** As in ProgramsTable.action; of an allow list it makes no difference. */
  action: string;
}

/**
 * Lists of names. A list keeps its number for ever, and there are 256 in the life of a tables directory. What is on
 * a list is kept beside the tables: after a restart a list that is defined again has its names.
 */
export interface NamesTable extends PublishedTable {
  /**
   * From now on these lists and no others; earlier ones decide among equals. @throws NnoeError TABLES_INVALID,
   * TABLES_FULL.
   */
  define(lists: readonly ListSpec[]): void;
  /** From now on what this file holds. Rejects with TABLES_LIST when it cannot be read; the list then stays. */
  load(list: string, options: LoadOptions): Promise<LoadReport & { taken: boolean }>;
  /** From now on these names. Names that are none are reported, not thrown. */
  setNames(
    list: string,
    names: Iterable<ListedName> | AsyncIterable<ListedName>,
    options?: TakeOptions,
  ): Promise<LoadReport & { taken: boolean }>;
  /**
   * What is on it cannot be had now: it stays as it is, and a first generation does not wait for it.
   * @throws NnoeError TABLES_INVALID.
   */
  unavailable(list: string): void;
  /** @throws NnoeError TABLES_INVALID. */
  set(list: string, name: string, scope: NameScope): void;
  /** @throws NnoeError TABLES_INVALID. */
  unset(list: string, name: string, scope: NameScope): void;
  /** @throws NnoeError TABLES_INVALID: unknown list, or action. */
  subscribe(rules: readonly SubscribeRule[]): void;
  /** Names on a list now; 0 when it is empty. */
  size(list: string): number;
}

/** A set of roles that clients can have. Number 0 is that of clients without a mapping. */
export interface RoleSet {
  id: number;
  /** Sorted, each once. */
  roles: readonly string[];
}

/** A query of a set of roles that has no program, as a bridge asks about it. */
export interface PolicyQuestion {
  /** Of the section that the bridge has; an answer counts for sections with the same one. */
  basis: bigint;
  roleSet: number;
  type: number;
  /** Wire form, in lower case, with its root label. */
  name: Buffer;
  /** 4 or 16 bytes; undefined where the section says that the answer does not depend on it. */
  client: Buffer | undefined;
  /** Numbers of the lists that the name is on, rising. */
  lists: readonly number[];
}

/**
 * What is done with such queries: the number of an action, from one time until right before another, ms since 1970; or
 * that this cannot be said, and after how many ms to ask again.
 */
export type PolicyRuling = { action: number; from: number; until: number } | { again: number };

/** What the programs of policies are made for, and the programs. */
export interface ProgramsTable extends PublishedTable {
  /**
   * Called at once with every set that clients may have, and again when there are others. Until the plugin ends. What it
   * returns is waited for, for a second, before a client has one of them: programs for them that are handed
   * over meanwhile come with the same generation.
   */
  roleSets(listener: (sets: readonly RoleSet[]) => void | Promise<void>): void;
  /** Numbers of the lists by name: called at once, and again when there are others. */
  lists(listener: (lists: ReadonlyMap<string, number>) => void): void;
  /**
   * Number of an action: `allow`, `drop`, `nxdomain`, `refused`, `nodata`, `truncate`, `redirect:<name of an
   * [answers] section>`, `pool:<name>`. The same for as long as something published refers to it.
   * @throws NnoeError TABLES_INVALID naming what is expected, TABLES_FULL.
   */
  action(text: string): number;
  /**
   * From now on this section, as native/shm/tables/program.h has it. Rejects with TABLES_INVALID when it is not
   * sound; what was published before stays.
   */
  publish(section: Uint8Array): Promise<Generation>;
  /**
   * Answers what bridges ask about sets of roles whose entry of the section is a fallback; until the plugin ends. A few
   * thousand at once, at the most. One that rejects puts the question off.
   */
  rule(ruler: (question: PolicyQuestion) => Promise<PolicyRuling>): void;
  /** From now on no set of roles has a program: queries meet what the bridge's `fail` says. */
  none(): Promise<Generation>;
}

/** Where contexts get tables from: the host's service, or the harness. */
export interface TableProvider {
  /**
   * @param signal of the plugin's life; when it aborts, what the table is asked for counts no more.
   * @param fail called with what a listener of the plugin threw, and when everything has to be handed over again,
   * which is for the plugin's next life.
   */
  open<N extends TableName>(table: N, signal: AbortSignal, fail: (error: unknown) => void): Tables[N];
}
