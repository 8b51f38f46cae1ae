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
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, NnoeError, reasonOf } from '../errors.js';
import { native } from '../native.js';
import { metaKey, openWriteTables } from './embedded-env.js';
import { format, type Meta } from './embedded-format.js';

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

const spaceCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const busyCode = 'STORE_LOCKED';

/** An error of the file system, as the operator is told. */
function refused(directory: string, thrown: unknown): NnoeError {
  if (thrown instanceof NnoeError) return thrown;
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const known: ErrorCode = spaceCodes.has(code) ? 'STORE_DISK_FULL' : 'STORE_DIRECTORY';
  return new NnoeError(known, { directory, reason: reasonOf(thrown) }, thrown);
}

/**
 * Opens the store `name` in a directory, both made when they are not there, for this process alone.
 * @throws NnoeError STORE_DIRECTORY, STORE_DISK_FULL, STORE_LOCKED, STORE_DAMAGED.
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
    else check(path, owner !== '');
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
    if (!spaceCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Made beside its place and renamed, so that a file in its place is never half made. */
function create(directory: string, path: string): void {
  const making = `${path}.new`;
  for (const leftover of [making, `${making}-lock`, `${path}-lock`]) rmSync(leftover, { force: true });
  const tables = openWriteTables(making);
  const meta: Meta = { format, id: randomUUID(), revision: 1, entries: 0, bytes: 0 };
  tables.environment.transactionSync(() => {
    tables.meta.put(metaKey, meta);
  });
  void tables.environment.close();
  rmSync(`${making}-lock`, { force: true });
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
    else if (found !== undefined) throw new NnoeError('STORE_DAMAGED', { file: path, reason: found });
  } finally {
    closeSync(fd);
  }
}

const verifier = fileURLToPath(new URL('embedded-verify.js', import.meta.url));
const verifyLimit = 120_000; // ms

/** Reads everything once in a process of its own, which a damaged page may kill. */
function goThrough(path: string): void {
  const { status, signal, stderr } = spawnSync(process.execPath, [verifier, path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: verifyLimit,
    encoding: 'utf8',
  });
  if (status === 0) return;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const reason = signal === null ? said || `status ${status}` : `reading it ended with ${signal}`;
  throw new NnoeError('STORE_DAMAGED', { file: path, reason });
}
