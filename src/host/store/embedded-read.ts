// SPDX-License-Identifier: MPL-2.0
// Reading the embedded store on the event loop: single keys as they are now, ranges as of one revision.
import { setImmediate as turn } from 'node:timers/promises';
import type { Transaction } from 'lmdb';
import { NnoeError } from '../errors.js';
import { metaKey, type ReadTables } from './embedded-env.js';
import { format, longestKey, type Meta } from './embedded-format.js';
import { prefixEnd } from './etcd-protocol.js';
import type { KeyValue } from './store.js';

/** Entries that are read in one turn of the event loop. */
const readAtOnce = 500;

export const damaged = (file: string, reason: string, cause?: unknown): NnoeError =>
  new NnoeError('STORE_DAMAGED', { file, reason }, cause);

/** @throws NnoeError STORE_FORMAT. */
export function readMeta({ meta }: ReadTables, file: string, transaction?: Transaction): Meta {
  // A file that is opened for reading need not have the table.
  const said = (meta as typeof meta | undefined)?.get(metaKey, transaction ? { transaction } : {});
  if (said?.format === format) return said;
  const reason =
    said === undefined
      ? 'it is an LMDB file of something else'
      : `it has format ${said.format}, this release has ${format}`;
  throw new NnoeError('STORE_FORMAT', { file, reason });
}

export function readKey({ entries }: ReadTables, key: string): KeyValue | undefined {
  const at = Buffer.from(key);
  if (at.length === 0 || at.length > longestKey) return undefined;
  const entry = entries.get(at);
  return entry && { ...entry, key };
}

/** A read snapshot; while it lasts, the file cannot reuse the pages that it shows. */
export class Reading {
  readonly revision: number;
  /** Monotonic ms of the last use. */
  used = performance.now();
  readonly #tables: ReadTables;
  readonly #transaction: Transaction;
  readonly #file: string;
  #ended = false;

  constructor(tables: ReadTables, file: string) {
    this.#tables = tables;
    this.#file = file;
    this.#transaction = tables.environment.useReadTransaction();
    try {
      this.revision = readMeta(tables, file, this.#transaction).revision;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    if (!this.#ended) this.#transaction.done();
    this.#ended = true;
  }

  /**
   * Up to `count` entries below a prefix after a key, with pauses for the event loop.
   * @throws NnoeError STORE_COMPACTED when it was ended.
   */
  async page(prefix: string, after: string | undefined, count: number): Promise<KeyValue[]> {
    const found: KeyValue[] = [];
    let last = after;
    while (found.length < count) {
      const limit = Math.min(readAtOnce, count - found.length);
      const read = this.#read(prefix, last, limit);
      for (const entry of read) found.push(entry);
      last = read.at(-1)?.key;
      if (read.length < limit) break;
      await turn();
    }
    return found;
  }

  #read(prefix: string, after: string | undefined, limit: number): KeyValue[] {
    if (this.#ended)
      throw new NnoeError('STORE_COMPACTED', { endpoint: this.#file, reason: 'the listing was given up' });
    this.used = performance.now();
    const begins = after === undefined || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0;
    const options = {
      // No key is empty.
      start: begins ? prefix || '\0' : after,
      exclusiveStart: !begins,
      ...(prefix === '' ? {} : { end: prefixEnd(prefix) }),
      limit,
      transaction: this.#transaction,
    };
    const found: KeyValue[] = [];
    for (const { key, value } of this.#tables.entries.getRange(options))
      found.push({ ...value, key: key as string });
    return found;
  }
}
