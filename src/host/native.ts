// SPDX-License-Identifier: MPL-2.0
// The addon's interface as TypeScript sees it. Layout numbers live in native/shm; none appears here: gen/layout.ts
// is made from them, and the addon says what it was built with.
import { createRequire } from 'node:module';
import type { DecisionLayout, NativeDecisions } from './decisions/native.js';
import { verdictReasons, verdicts } from './decisions/words.js';
import { NnoeError, reasonOf } from './errors.js';
import { layoutVersion, RecordKind } from './gen/layout.js';
import type { AddonTables } from './tables/addon.js';

export { RecordKind };

/** Of the addon's functions towards this file. */
const abi = 4;

/** What the producer and the files say now; for status and metrics, not for decisions. */
export interface JournalStatus {
  /** Journal id, 32 hex digits; another id means another journal (sequences do not continue). */
  id: string;
  /** Sequence of the last committed record, 0 when empty. */
  head: number;
  /** Sequence of the oldest record still on disk. */
  oldest: number;
  segments: number;
  bytes: number;
}

/** One cursor: `seq` is the last sequence its consumer has durably dealt with. */
export interface Cursor {
  name: string;
  journalId: string;
  seq: number;
}

/**
 * A position in one journal. Records are copied out of the mapping and their checksum verified on the
 * copy; what follows a damaged place comes after a Gap record that the reader makes itself.
 */
export interface JournalReader {
  /**
   * Copies up to `limit` records (1..capacity) after the current position and moves on.
   * Returns how many; 0 means caught up. The arrays below hold the batch until the next call.
   */
  next(limit: number): number;
  readonly capacity: number;
  readonly seqs: Float64Array;
  readonly kinds: Uint8Array;
  /** Payload i is bytes `offsets[i]` to `offsets[i] + lengths[i]` of `payload` (protobuf, proto/nnoe.proto). */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly payload: Buffer;
  /** Sequence of the last record returned. */
  readonly position: number;
  close(): void;
}

/** The consumer's side of one journal directory. Holding one excludes every other host (file lock). */
export interface Journal {
  status(): JournalStatus;
  /** @param after sequence of the last record already dealt with; 0 starts at the oldest on disk. */
  reader(after: number): JournalReader;
  cursors(): Cursor[];
  /** Durable once it returns, in the sense of surviving SIGKILL; not fsynced. */
  setCursor(name: string, seq: number): void;
  removeCursor(name: string): void;
  /** Calls back on the event loop when the producer signalled; keeps the loop alive until `close`. */
  onSignal(callback: () => void): void;
  /** Tells the producer that we sleep: the next append signals. Callers look once more after arming. */
  arm(): void;
  /** Asks the hook to walk Kea's lease database. */
  requestWalk(): void;
  close(): void;
}

export interface Native {
  readonly abi: number;
  readonly layoutVersion: number;
  readonly recordKinds: Readonly<Record<string, number>>;
  /**
   * @throws Error with `code`: 'JOURNAL_ABSENT' (no producer has made it yet), 'JOURNAL_BUSY' (another host
   * holds it), 'JOURNAL_VERSION' (other format version), 'JOURNAL_DENIED' (permissions), 'JOURNAL_IO'. What is
   * called after `close` throws 'JOURNAL_CLOSED'.
   */
  openJournal(directory: string, options?: { capacity?: number; payloadBytes?: number }): Journal;
  /**
   * Sends one datagram to the service manager; never waits. False: its queue is full, try later.
   * @param socket as NOTIFY_SOCKET names it: a path, or `@` and an abstract name.
   * @throws Error with `code` 'SERVICE_NOTIFY'.
   */
  notify(socket: string, message: string): boolean;
  /**
   * Takes a tables directory, which is made when it is missing, and reads what is published there.
   * @throws Error with `code` 'TABLES_BUSY' (another process writes it), 'TABLES_DIRECTORY'.
   */
  openTables(directory: string): AddonTables;
  readonly decisionLayout: DecisionLayout;
  /**
   * Follows the bridges that write to a directory, which is made when it is missing.
   * @throws Error with `code` 'DECISIONS_DIRECTORY': there is no thread to be had.
   */
  openDecisions(directory: string): NativeDecisions;
  /** Whether the open file is now locked by this process, until it is closed or the process ends (flock). */
  lockFile(descriptor: number): boolean;
}

const require = createRequire(import.meta.url);
let loaded: Native | undefined;

/**
 * Loads build/Release/nnoe_native.node (or the path in NNOE_NATIVE) once.
 * @throws NnoeError NATIVE_LOAD, NATIVE_MISMATCH.
 */
export function native(): Native {
  loaded ??= checked(load(process.env.NNOE_NATIVE ?? '../../../build/Release/nnoe_native.node'));
  return loaded;
}

function load(path: string): Partial<Native> {
  try {
    return require(path) as Partial<Native>;
  } catch (error) {
    throw new NnoeError('NATIVE_LOAD', { reason: reasonOf(error).split('\n', 1)[0] ?? '' }, error);
  }
}

/**
 * Refuses an addon that was built from other sources than this TypeScript.
 * @throws NnoeError NATIVE_MISMATCH.
 */
export function checked(addon: Partial<Native>): Native {
  const differs = (what: string, found: unknown, expected: unknown) => {
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    const reason = `its ${what} is ${JSON.stringify(found) ?? 'missing'}, this release has ${JSON.stringify(expected)}`;
    throw new NnoeError('NATIVE_MISMATCH', { reason });
  };
  differs('interface', addon.abi, abi);
  differs('journal format', addon.layoutVersion, layoutVersion);
  differs('list of record kinds', sorted(addon.recordKinds), sorted(RecordKind));
  differs('list of verdicts', addon.decisionLayout?.acts, verdicts);
  differs('list of reasons', addon.decisionLayout?.reasons, verdictReasons);
  return addon as Native;
}

const sorted = (kinds: Readonly<Record<string, number>> | undefined) =>
  Object.entries(kinds ?? {}).sort(([, a], [, b]) => a - b);
