// SPDX-License-Identifier: MPL-2.0
// Everybody who follows the embedded store: each is told what was written below its prefix.
import type { EmbeddedFollow } from './embedded-follow.js';
import { headBytes, TransactionReader } from './embedded-format.js';
import type { WriteResult } from './embedded-writer.js';
import type { Change } from './store.js';

export class Follows {
  readonly #follows = new Set<EmbeddedFollow>();

  add(follow: EmbeddedFollow): void {
    this.#follows.add(follow);
  }

  delete(follow: EmbeddedFollow): void {
    this.#follows.delete(follow);
  }

  /** @param results in order of revision. */
  written(results: WriteResult[]): void {
    if (this.#follows.size > 0)
      for (const result of results) if (result.outcome === 'committed') this.#publish(result);
  }

  #publish({ facts, parts, revision }: WriteResult): void {
    const changes = new Map<EmbeddedFollow, Change[]>();
    let i = 0;
    for (const part of parts)
      for (const { key, record } of new TransactionReader(part).allWrites()) {
        const fact = facts[i++] ?? 0;
        if (record === undefined && fact === 0) continue;
        let change: Change | undefined;
        for (const follow of this.#follows) {
          if (!follow.covers(key)) continue;
          change ??= record === undefined ? gone(key.toString(), revision) : put(key, record, fact, revision);
          const its = changes.get(follow);
          if (its === undefined) changes.set(follow, [change]);
          else its.push(change);
        }
      }
    for (const [follow, its] of changes) follow.push(its, revision);
  }

  swept(keys: string[], revision: number): void {
    for (const follow of this.#follows) {
      const its = keys.filter((key) => key.startsWith(follow.prefix));
      if (its.length === 0) continue;
      follow.push(
        its.map((key) => gone(key, revision)),
        revision,
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#follows].map((follow) => follow.close()));
  }
}

const gone = (key: string, modRevision: number): Change => ({ type: 'delete', key, modRevision });

/** The value is copied: a view of it would keep the whole transaction in memory, up to 4 MB for a lease. */
const put = (key: Buffer, record: Buffer, createRevision: number, modRevision: number): Change => ({
  type: 'put',
  entry: { key: key.toString(), value: Buffer.from(record.subarray(headBytes)), createRevision, modRevision },
});
