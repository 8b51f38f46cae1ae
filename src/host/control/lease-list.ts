// SPDX-License-Identifier: MPL-2.0
// The leases that stand in the store, a page at a time: a million of them pass through, none stays.
import { NnoeError } from '../errors.js';
import type { KeyValue, Page, Store } from '../store/store.js';
import type { LeaseFilter } from './filter.js';
import type { ControlLimits } from './limits.js';

export interface LeaseSource {
  store: Store;
  /** Above every lease, with a slash at its end. */
  prefix: string;
  limits: ControlLimits;
}

/** A page of lines and the revision that it shows. */
export interface LeasePage {
  text: string;
  count: number;
  revision: number;
}

/**
 * One view of the store, unless that revision is compacted away meanwhile: then the rest is read at a newer one.
 * `revision` is that of the first page: whoever follows from there on misses nothing.
 */
export async function* leasePages(
  { store, prefix, limits }: LeaseSource,
  filter: LeaseFilter,
  signal: AbortSignal,
): AsyncGenerator<LeasePage> {
  if (filter.address !== undefined) {
    yield await onePage(store, prefix + filter.address, filter, prefix, signal, limits);
    return;
  }
  let after = '';
  let first = 0;
  for (;;) {
    const options = { pageSize: limits.page, signal, ...(after === '' ? {} : { after }) };
    const pages = store.list(prefix + filter.prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await inTime(pages.next(), store, limits);
        if (done) return;
        first ||= value.revision;
        yield pageOf(value.entries, first, prefix, filter);
        after = value.entries.at(-1)?.key ?? after;
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_COMPACTED') throw error;
    } finally {
      // Not awaited: a page that the store owes is given up when the stream closes.
      pages.return?.().catch(() => undefined);
    }
  }
}

async function onePage(
  store: Store,
  key: string,
  filter: LeaseFilter,
  prefix: string,
  signal: AbortSignal,
  limits: ControlLimits,
): Promise<LeasePage> {
  const found = await inTime(store.get(key, signal), store, limits);
  return pageOf(found === undefined ? [] : [found], found?.modRevision ?? 0, prefix, filter);
}

function pageOf(entries: Page['entries'], revision: number, prefix: string, filter: LeaseFilter): LeasePage {
  let text = '';
  let count = 0;
  for (const entry of entries) {
    const address = entry.key.slice(prefix.length);
    if (!filter.matches(address)) continue;
    text += leaseLine('lease', address, entry);
    count++;
  }
  return { text, count, revision };
}

/** A LeaseLine with a value; the value's own text, unless it would break the line. */
export function leaseLine(type: 'lease' | 'put', address: string, { value, modRevision }: KeyValue): string {
  const text = value.toString('utf8');
  let lease = 'null';
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      lease = /[\r\n]/.test(text) ? JSON.stringify(parsed) : text;
  } catch {
    // Whatever stands there is no lease.
  }
  return `{"type":"${type}","address":${JSON.stringify(address)},"revision":${modRevision},"lease":${lease}}\n`;
}

/** A store waits for ever; whoever asks here is told instead. @throws NnoeError. */
async function inTime<T>(answer: Promise<T>, store: Store, { storeMs }: ControlLimits): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent(store, storeMs / 1000)), storeMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}

/** What the store says of itself stands in the reason. */
function silent(store: Store, seconds: number): NnoeError {
  const { state, reason } = store.health();
  return new NnoeError('CONTROL_STORE', { store: store.name, seconds, reason: reason || state });
}
