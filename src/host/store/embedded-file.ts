// SPDX-License-Identifier: MPL-2.0
// The files of an embedded store in their directory: made, locked, and looked at before LMDB maps them, because
// what is wrong with a mapped file shows as a signal and not as an error.
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, NnoeError, reasonOf } from '../errors.js';
import { native } from '../native.js';
import { metaKey, openReadTables, openWriteTables } from './embedded-env.js';
import { format, type Meta } from './embedded-format.js';
import { lookAtPages } from './embedded-pages.js';
import { damaged, readMeta } from './embedded-read.js';

export interface StoreFile {
  /** Path of the file with the data. */
  path: string;
  /** It was made just now. */
  created: boolean;
  /** Whoever had it last did not close it, and it was not read through since. */
  unchecked: boolean;
  /** Whether the path still leads to the file that was opened. @throws when that cannot be seen. */
  present(): boolean;
  /** It was read through, and is sound. */
  sound(): void;
  /** Lets go of the lock. @param clean the store was closed in order. */
  release(clean: boolean): void;
}

/** Of a disk, quota or file size that is used up, as Node.js and as LMDB tells it. */
const spaceCodes = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', 28, 122, 27]);
export const isOutOfSpace = (code: unknown): boolean => spaceCodes.has(code);

/** How long pages are looked at before the store opens, ms; longer when it was not read through since the last time. */
const lookFor = 1500;

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
    const [owner = '', ends = '0'] = readFileSync(lockFile, 'latin1').trim().split(' ');
    if (!native().lockFile(lock)) throw new NnoeError(busyCode, { directory, owner: owner || '?' });
    const created = !existsSync(path);
    if (created) create(directory, path);
    reserveLock(path);
    if (!created) check(path, owner !== '', lookFor * 4 ** Number(ends));
    // Before LMDB: should it not survive this file, the next start looks longer, and so in the end finds out why.
    const unchecked = !created && owner !== '';
    mark(lock, unchecked ? `${process.pid} ${Number(ends) + 1}` : String(process.pid));
    if (!created) identify(path);
    return held(path, { created, unchecked, lock });
  } catch (error) {
    if (lock !== undefined) closeSync(lock);
    throw refused(directory, error);
  }
}

function held(path: string, it: { created: boolean; unchecked: boolean; lock: number }): StoreFile {
  const { created, unchecked, lock } = it;
  const { ino, dev } = statSync(path);
  return {
    path,
    created,
    unchecked,
    sound: () => mark(lock, String(process.pid)),
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

/**
 * Says in the lock file who has the store, and how often in a row it ended before it was read through; empty: it was
 * closed in order.
 */
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

/**
 * A kill cannot damage the file: LMDB never writes over a page in use. A power cut that the disk lied about, the disk
 * itself and people can, so after an end that was not in order pages are looked at before LMDB follows them.
 */
function check(path: string, killed: boolean, limit: number): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    const { fault } = lookAtPages(fd, killed, limit);
    if (fault !== undefined) throw damaged(path, fault);
  } finally {
    closeSync(fd);
  }
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
