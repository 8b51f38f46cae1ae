// SPDX-License-Identifier: MPL-2.0
// What an embedded store holds, seen from another process than the one that writes it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { metaKey, openReadTables, type ReadTables } from '../../../src/host/store/embedded-env.js';
import type { Meta } from '../../../src/host/store/embedded-format.js';
import { prefixEnd } from '../../../src/host/store/etcd-protocol.js';
import type { Entry } from './etcd.js';

export class EmbeddedView {
  readonly #file: string;
  #tables: ReadTables | undefined;

  /** @param directory the store's. */
  constructor(directory: string, name = 'data') {
    this.#file = join(directory, `${name}.mdb`);
  }

  /** Undefined: there is no store yet. */
  #open(): ReadTables | undefined {
    if (this.#tables === undefined && !existsSync(this.#file)) return undefined;
    this.#tables ??= openReadTables(this.#file, true);
    this.#tables.environment.resetReadTxn();
    return this.#tables;
  }

  get meta(): Meta | undefined {
    return this.#open()?.meta.get(metaKey);
  }

  async list(prefix: string): Promise<Entry[]> {
    const range = this.#open()?.entries.getRange({ start: prefix, end: prefixEnd(prefix) }) ?? [];
    const found: Entry[] = [];
    for (const { key, value } of range)
      found.push({ ...value, key: String(key), value: value.value.toString() });
    return found;
  }

  async count(prefix: string): Promise<number> {
    return this.#open()?.entries.getKeysCount({ start: prefix, end: prefixEnd(prefix) }) ?? 0;
  }

  async get(key: string): Promise<Entry | undefined> {
    const entry = this.#open()?.entries.get(key);
    return entry && { ...entry, key, value: entry.value.toString() };
  }

  async close(): Promise<void> {
    await this.#tables?.environment.close();
    this.#tables = undefined;
  }
}
