// SPDX-License-Identifier: MPL-2.0
// Going slowly through everything below a prefix and deleting what a predicate names. A key that changed
// since it was looked at stays (its revision is compared). What the pass costs is bounded by resting after
// each page for a multiple of the time it took.
import { setTimeout as wait } from 'node:timers/promises';
import type { CommitResult, KeyValue, Page, ReadPrefix, Transaction } from '../../host/plugin.js';

export interface SweepOptions {
  prefix: ReadPrefix;
  commit(transaction: Transaction): Promise<CommitResult>;
  /** Most operations in a transaction. */
  operations: number;
  pageSize: number;
  /** Rest after a page, in multiples of the time it took: 400 is a quarter of a percent of a core. */
  rest: number;
  signal: AbortSignal;
  /** @param name key below the prefix. */
  victim(entry: KeyValue, name: string): boolean;
  /** Called with what was really deleted. */
  removed?(entry: KeyValue, name: string): void;
}

export interface Swept {
  seen: number;
  removed: number;
  /** The store as of this revision was the first that was seen. */
  revision: number;
}

const longestRest = 10_000;

export async function sweep(options: SweepOptions): Promise<Swept> {
  const { prefix, pageSize, signal } = options;
  const swept: Swept = { seen: 0, removed: 0, revision: 0 };
  let after: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const page = await firstPage(prefix, pageSize, after);
    swept.revision ||= page.revision;
    swept.seen += page.entries.length;
    const victims = page.entries.filter((entry) => options.victim(entry, nameOf(prefix, entry)));
    const spent = performance.now() - began;
    swept.removed += await removeAll(victims, options);
    const last = page.entries.at(-1);
    if (last === undefined || page.entries.length < pageSize) return swept;
    after = nameOf(prefix, last);
    // Where there is much to delete it is not worth going slowly.
    const rest = victims.length > 0 ? Math.min(options.rest, 4) : options.rest;
    await wait(Math.min(spent * rest, longestRest), undefined, { signal });
  }
}

const nameOf = (prefix: ReadPrefix, entry: KeyValue): string => prefix.name(entry.key) ?? '';

/** Each page is a listing of its own: one that lasted for the whole pass would fail by compaction. */
export async function firstPage(
  prefix: ReadPrefix,
  pageSize: number,
  after: string | undefined,
): Promise<Page> {
  for await (const page of prefix.list({ pageSize, ...(after === undefined ? {} : { after }) })) return page;
  return { revision: 0, entries: [] };
}

async function removeAll(victims: KeyValue[], options: SweepOptions): Promise<number> {
  let removed = 0;
  for (let at = 0; at < victims.length; at += options.operations)
    removed += await removeSome(victims.slice(at, at + options.operations), options);
  return removed;
}

async function removeSome(victims: KeyValue[], { prefix, commit, removed }: SweepOptions): Promise<number> {
  let rest = victims;
  while (rest.length > 0) {
    const compare = rest.map(({ key, modRevision }) => ({ key, modRevision }));
    const result = await commit({ compare, operations: rest.map(({ key }) => ({ delete: key })) });
    if (result.committed) {
      for (const entry of rest) removed?.(entry, nameOf(prefix, entry));
      return rest.length;
    }
    const { current } = result;
    const same = rest.filter(({ modRevision }, i) => current[i]?.modRevision === modRevision);
    // All as they were: the transaction was applied before its answer was lost and they came back, or never.
    if (same.length === rest.length) return 0;
    rest = same;
  }
  return 0;
}
