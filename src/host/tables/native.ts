// SPDX-License-Identifier: MPL-2.0
// The addon's part of tables, as TypeScript sees it: what is being built, and the directory that it is published in.
// Numbers of the layout live in native/shm/tables.
//
// Every promise is worked off on another thread, in the order of the calls and one at a time for one instance, but
// for `rebuild`, which goes on beside the others. What is handed over in a Buffer must not be changed until the
// promise settles.
import type { LoadReport } from '../plugin/tables.js';
import type { ActionRecord } from './actions.js';
import type { LoadSource } from './names-table.js';

export const sectionNames = [
  'registry',
  'actions',
  'hosts',
  'hosts-delta',
  'prefixes',
  'prefixes-delta',
  'names',
  'names-delta',
  'subscriptions',
  'programs',
] as const;
export type SectionName = (typeof sectionNames)[number];

export interface SectionState {
  name: SectionName;
  bytes: number;
  /** That made it. */
  generation: number;
}

/** What the directory held when it was opened. */
export interface Restored {
  /** 0: nothing was published yet. */
  generation: number;
  /** When it was made, since 1970. */
  createdUs: number;
  sections: readonly SectionState[];
  /** Why a manifest or section of before is not used; empty when all is well or there was none. */
  found: string;
  /** By number; empty: none. */
  roleSets: readonly (readonly string[])[];
  /** By number. */
  lists: readonly string[];
  /** By number; empty: none. */
  actions: readonly ActionRecord[];
}

/** Who subscribes to which lists; numbers as in the registry and in actions. */
export interface Subscriptions {
  /** By role set. */
  classes: Uint16Array;
  /** Of role sets that come later. */
  others: number;
  /** By class, then by list: number of an action + 1; 0: does not subscribe. */
  rows: Uint16Array;
  /** By list. 0: not in use, 1: block, 2: allow. */
  kinds: Uint8Array;
  /** Lists in use; earlier ones decide among equals. */
  order: Uint16Array;
}

/** What a new generation has that the last has not. What is left out stays; 'none' takes the section away. */
export interface PublishRequest {
  registry?: { roleSets: readonly (readonly string[])[]; lists: readonly string[] };
  actions?: readonly ActionRecord[];
  clients?: 'changed' | 'none';
  names?: 'changed' | 'none';
  subscriptions?: Subscriptions | 'none';
  /** 'unplanned': the section in which nobody has a program. */
  programs?: Uint8Array | 'unplanned' | 'none';
  /** Nothing is written while something of it is `missing`. */
  whole?: boolean;
}

export interface Published {
  generation: number;
  sections: readonly SectionState[];
  /** Since 1970. */
  createdUs: number;
  /** Of building and writing. */
  seconds: number;
  /** What has grown so large a delta that a new base is due. */
  due: readonly Buildable[];
  /** What was handed over and is not in it yet: only a new base can hold it. */
  missing: readonly Buildable[];
  /** What has more to publish already. */
  again: readonly Buildable[];
}

/** What has a base and a delta. */
export type Buildable = 'clients' | 'names';

/** What was read for a list, and is not on it yet: for `finishLoad`. */
export interface NativeLoad extends Omit<LoadReport, 'before'> {
  id: number;
}

/** The longest prefix that covers a client. */
export interface ClientMatch {
  address: Buffer;
  /** In bits. */
  length: number;
  roleSet: number;
}

/** Bytes of one entry of the buffers below: 16 of address, 4 or 6, length in bits, role set as 16 bits little-endian. */
export const mappingBytes = 20;
/** In place of a role set: the mapping is taken away. */
export const removed = 0xfffe;

export interface NativeTables {
  readonly restored: Restored;
  /** From now on these mappings and no others; each prefix once, or the last counts. */
  replaceClients(entries: readonly Uint8Array[]): Promise<void>;
  changeClients(entries: Uint8Array): Promise<void>;
  /** Of all that was handed over so far; undefined: no mapping. */
  findClient(address: Uint8Array): ClientMatch | undefined;
  /** Mappings by role set. */
  countClients(): Promise<Float64Array>;
  /** Rejects with `code` TABLES_LIST when the file cannot be read. */
  prepareList(list: number, source: LoadSource): Promise<NativeLoad>;
  finishLoad(id: number, take: boolean): Promise<void>;
  /** Entries as names.ts packs them, in order. */
  changeNames(entries: Uint8Array): Promise<void>;
  /** Lists other than these have no names from now on. */
  keepLists(lists: Uint16Array): Promise<void>;
  /** By list: how many names are on it. */
  listSizes(): Float64Array;
  /** What is wrong with a section of programs, in one clause; empty: nothing. */
  checkPrograms(section: Uint8Array, limits: { roleSets: number; lists: number; actions: number }): string;
  /** What was removed or replaced of the directory by somebody else, in one clause; empty: nothing. */
  lost(): string;
  /**
   * Writes a new generation. Rejects when it cannot be written; the last one then stays, and what was handed over
   * is in the next that succeeds.
   */
  publish(request: PublishRequest): Promise<Published>;
  /** Makes a new base of what the delta has grown over; the next `publish` brings it. */
  rebuild(what: Buildable): Promise<void>;
  /** Gives the directory back; waits for what is under way. */
  close(): Promise<void>;
}

/** What a bridge says of itself. */
export interface NativeBridge {
  pid: number;
  /** Since 1970. */
  startedUs: number;
  bridge: string;
  dnsdist: string;
  /** In use; 0: none. */
  generation: number;
  /** When it came into use, since 1970; 0: never. */
  loadedUs: number;
  /** Whether it did not take what came last, and why. */
  refuses: boolean;
  /** Its number; 0: not known. */
  refused: number;
  reason: string;
  bytes: number;
  /** open or closed: what it does without tables. */
  fail: string;
  /** One decision in so many is recorded; 0: none. */
  sampling: number;
  threads: number;
}

/** Why a verdict is what it is; numbers as in native/shm/tables/verdict.h. */
export interface NativeExplanation {
  generation: number;
  /** Since 1970. */
  createdUs: number;
  /** Of memory. */
  bytes: number;
  reason: number;
  /** Number 0, which is allow, where the reason leaves it to the bridge. */
  action: ActionRecord;
  roleSet: number;
  roles: readonly string[];
  /** Of the mapping, in the client's family (IPv4 also for what is IPv4 in IPv6); absent: no mapping. */
  mappedBits?: number;
  /** As policies see it; empty for the root, and for what is no name. */
  name: string;
  /** Where lists name it or a name above, from the top of the tree down. */
  levels: readonly { name: string; lists: readonly string[]; changed: boolean }[];
  /** That decided, or allowed; empty: none. */
  list: string;
  /** Of the policies; empty: none decided. */
  rule: string;
}

export interface BridgeStatus extends NativeBridge {
  /** Generations that were published since the one in use. */
  behind: number;
  /** For so long; 0: it has the last. */
  lagSeconds: number;
}
