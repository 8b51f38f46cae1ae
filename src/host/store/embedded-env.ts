// SPDX-License-Identifier: MPL-2.0
// LMDB as the embedded store uses it: one file, three tables. Every thread that opens the file has to open it
// with the same options, so they stand here.
import { Buffer } from 'node:buffer';
import { type Database, open, type RootDatabase } from 'lmdb';
import { entryOf, headBytes, type Meta } from './embedded-format.js';
import type { KeyValue } from './store.js';

/** Bytes of address space for the map, and so the most that `max-size` can be: it costs no memory. */
export const mapSize = 2 ** 40;

/** Of the files: leases are nobody else's business. */
const fileMode = 0o640;

interface KeyEncoder {
  writeKey(key: string | Buffer, target: Buffer, start: number): number;
  readKey(target: Buffer, start: number, end: number): string;
}

/** Keys are UTF-8 in the order of its bytes, as etcd's are; ends of ranges may be any bytes. */
const textKeys: KeyEncoder = {
  writeKey(key, target, start) {
    if (typeof key !== 'string') return start + key.copy(target, start);
    return start + target.write(key, start, 'utf8');
  },
  readKey: (target, start, end) => target.toString('utf8', start, end),
};

/** Reads an entry out of the buffer that LMDB lends for one call. */
const entries = {
  encode: (value: Buffer) => value,
  decode(lent: Buffer): KeyValue {
    const record = Buffer.from(lent.subarray(0, lent.length));
    return entryOf('', record);
  },
};

/** Key in `meta` of what the store says of itself. */
export const metaKey = 'store';

const sharedOptions = { encoding: 'binary', keyEncoding: 'binary' } as const;

export function openEnvironment(file: string, readOnly = false): RootDatabase {
  const options = {
    path: file,
    noSubdir: true,
    mapSize,
    maxDbs: 3,
    readOnly,
    permissionsMode: fileMode,
    // A commit has reached the disk when it returns: data first, then the page that makes it valid.
    overlappingSync: false,
  };
  // Its types leave out `permissionsMode`.
  return open(options);
}

export interface ReadTables {
  environment: RootDatabase;
  entries: Database<KeyValue, string | Buffer>;
  meta: Database<Meta, string>;
}

/** For reading by text keys. */
export function openReadTables(file: string, readOnly = false): ReadTables {
  const environment = openEnvironment(file, readOnly);
  const options = { keyEncoder: textKeys, encoder: entries } as object;
  return {
    environment,
    entries: environment.openDB<KeyValue, string | Buffer>({ name: 'entries', ...options }),
    meta: environment.openDB<Meta, string>({ name: 'meta', encoding: 'json' }),
  };
}

export interface WriteTables {
  environment: RootDatabase;
  entries: Database<Buffer, Buffer>;
  /** Keys are made by expiryKey; the values are of no use, and LMDB wants one. */
  expiry: Database<Buffer, Buffer>;
  meta: Database<Meta, string>;
}

/** For writing by keys as bytes. */
export function openWriteTables(file: string): WriteTables {
  const environment = openEnvironment(file);
  return {
    environment,
    entries: environment.openDB<Buffer, Buffer>({ name: 'entries', ...sharedOptions }),
    expiry: environment.openDB<Buffer, Buffer>({ name: 'expiry', ...sharedOptions }),
    meta: environment.openDB<Meta, string>({ name: 'meta', encoding: 'json' }),
  };
}

interface TreeStats {
  pageSize: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}

/** Bytes of the pages that a table fills. */
export function pagesOf(table: Database<Buffer, Buffer>): number {
  const stats = table.getStats() as TreeStats;
  return stats.pageSize * (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages);
}

/** Least that a stored record can be. */
export const isRecord = (record: Uint8Array): boolean => record.length >= headBytes;
