// SPDX-License-Identifier: MPL-2.0
// The files of an embedded store in their directory: made, locked, and looked at before LMDB maps them, because
// what is wrong with a mapped file shows as a signal and not as an error.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, NnoeError, reasonOf } from '../errors.js';
import { native } from '../native.js';
import { metaKey, openReadTables, openWriteTables } from './embedded-env.js';
import { format, type Meta } from './embedded-format.js';
import { damaged, readMeta } from './embedded-read.js';

export interface StoreFile {
  /** Path of the file with the data. */
  path: string;
  /** It was made just now. */
  created: boolean;
  /** Whether the path still leads to the file that was opened. */
  present(): boolean;
  /** Lets go of the lock. @param clean the store was closed in order. */
  release(clean: boolean): void;
}

/** Of a disk, quota or file size that is used up, as Node.js and as LMDB tells it. */
const spaceCodes = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', 28, 122, 27]);
export const isOutOfSpace = (code: unknown): boolean => spaceCodes.has(code);

const busyCode = 'STORE_LOCKED';

/** An error of the file system, as the operator is told. */
function refused(directory: string, thrown: unknown): NnoeError {
  if (thrown instanceof NnoeError) return thrown;
  const known: ErrorCode = isOutOfSpace((thrown as { code?: unknown }).code)
    ? 'STORE_DISK_FULL'
    : 'STORE_DIRECTORY';
  return new NnoeError(known, { directory, reason: reasonOf(thrown) }, thrown);
}

/**
 * Opens the store `name` in a directory, both made when they are not there, for this process alone.
 * @throws NnoeError STORE_DIRECTORY, STORE_DISK_FULL, STORE_LOCKED, STORE_DAMAGED, STORE_FORMAT.
 */
export function openStoreFile(directory: string, name: string): StoreFile {
  const path = join(directory, `${name}.mdb`);
  let lock: number | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const lockFile = join(directory, `${name}.lock`);
    lock = openSync(lockFile, constants.O_RDWR | constants.O_CREAT, 0o640);
    const owner = readFileSync(lockFile, 'latin1').trim();
    if (!native().lockFile(lock)) throw new NnoeError(busyCode, { directory, owner: owner || '?' });
    const created = !existsSync(path);
    if (created) create(directory, path);
    reserveLock(path);
    if (!created) check(path, owner !== '');
    mark(lock, String(process.pid));
    return held(path, created, lock);
  } catch (error) {
    if (lock !== undefined) closeSync(lock);
    throw refused(directory, error);
  }
}

function held(path: string, created: boolean, lock: number): StoreFile {
  const { ino, dev } = statSync(path);
  return {
    path,
    created,
    present() {
      const now = statSync(path, { throwIfNoEntry: false });
      return now?.ino === ino && now.dev === dev;
    },
    release(clean) {
      if (clean) mark(lock, '');
      closeSync(lock);
    },
  };
}

/** Says in the lock file who has the store; empty: it was closed in order. */
function mark(lock: number, text: string): void {
  try {
    ftruncateSync(lock);
    if (text !== '') writeSync(lock, text, 0);
  } catch (error) {
    // A full disk must not keep the store from being opened: at worst the next start looks closer than it had to.
    if (!isOutOfSpace((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/** Bytes that LMDB maps for its lock and 126 readers, and some more. */
const lockBytes = 16_384;

/** LMDB would make it with a hole in it, and end the process with SIGBUS where the disk has no block for that. */
function reserveLock(path: string): void {
  const lock = `${path}-lock`;
  if (existsSync(lock)) return;
  try {
    writeFileSync(lock, Buffer.alloc(lockBytes), { mode: 0o640 });
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
}

/** Without so many bytes on the disk no store is begun: LMDB does not survive to find none in the middle of it. */
const leastRoom = 262_144;

/** Made beside its place and renamed, so that a file in its place is never half made. */
function create(directory: string, path: string): void {
  const making = `${path}.new`;
  const clear = (...files: string[]) => {
    for (const file of files) rmSync(file, { force: true });
  };
  clear(making, `${making}-lock`, `${path}-lock`);
  const meta: Meta = { format, id: randomUUID(), revision: 1, entries: 0, bytes: 0 };
  try {
    writeFileSync(making, Buffer.alloc(leastRoom));
    rmSync(making);
    reserveLock(making);
    const tables = openWriteTables(making);
    try {
      tables.environment.transactionSync(() => {
        tables.meta.put(metaKey, meta);
      });
    } finally {
      void tables.environment.close();
    }
  } catch (error) {
    clear(making, `${making}-lock`);
    throw error;
  }
  clear(`${making}-lock`);
  renameSync(making, path);
  const fd = openSync(directory, constants.O_RDONLY);
  fsyncSync(fd);
  closeSync(fd);
}

// Of LMDB's meta pages, two at the beginning of the file, valid in turns (struct MDB_meta behind a page head).
const metaMagic = 0xbeefc0de;
const metaAt = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152 };
const metaBytes = 168;

/** Why the file cannot be mapped; 'short' when it ends before the last page that it counts. */
function fault(fd: number): 'short' | string | undefined {
  const { size } = fstatSync(fd);
  const page = Buffer.alloc(metaBytes);
  let latest = { transaction: -1n, end: 0 };
  for (let at = 0, i = 0; i < 2; i++) {
    if (readSync(fd, page, 0, metaBytes, at) < metaBytes) return `it ends after ${size} bytes`;
    const magic = page.readUInt32LE(metaAt.magic);
    if (magic !== metaMagic) return `its beginning is not LMDB's (at ${at}: ${magic.toString(16)})`;
    const pageSize = page.readUInt32LE(metaAt.pageSize);
    if (pageSize < 512 || pageSize > 65_536) return `it has pages of ${pageSize} bytes`;
    const transaction = page.readBigUInt64LE(metaAt.transaction);
    const end = (Number(page.readBigUInt64LE(metaAt.lastPage)) + 1) * pageSize;
    if (transaction > latest.transaction) latest = { transaction, end };
    at += pageSize;
  }
  return size < latest.end ? 'short' : undefined;
}

/** @param killed whoever had it last did not close it. */
function check(path: string, killed: boolean): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    const found = fault(fd);
    // Pages at the end that were free when they were counted need not be there.
    if (found === 'short' || (found === undefined && killed)) goThrough(path);
    else if (found !== undefined) throw damaged(path, found);
  } finally {
    closeSync(fd);
  }
  identify(path);
}

/** Before anything is opened for writing, so that a file of somebody else stays as it is. */
function identify(path: string): void {
  try {
    const tables = openReadTables(path, true);
    try {
      readMeta(tables, path);
    } finally {
      void tables.environment.close();
    }
  } catch (error) {
    throw error instanceof NnoeError ? error : damaged(path, reasonOf(error), error);
  }
}

const verifier = fileURLToPath(new URL('embedded-verify.js', import.meta.url));
const verifyLimit = 120_000; // ms
const notOurs = 2; // status of the verifier

/** Reads everything once in a process of its own, which a damaged page may kill. */
function goThrough(path: string): void {
  const { status, signal, stderr } = spawnSync(process.execPath, [verifier, path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: verifyLimit,
    encoding: 'utf8',
  });
  // Of something else, or of another format: `identify` says which.
  if (status === 0 || status === notOurs) return;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const reason = signal === null ? said || `status ${status}` : `reading it ended with ${signal}`;
  throw damaged(path, reason);
}
