// SPDX-License-Identifier: MPL-2.0
// Listing a prefix of etcd in pages. For a page etcd goes through every key up to the end of the range that was
// asked for, to count them (up to 3.4 it collects them as well): a million keys in pages of a thousand would be half
// a thousand million looks. So where many keys are to come, a page is put together from ranges that end soon.
import { prefixEnd, type RangeQuery, type RangeReply } from './etcd-protocol.js';
import type { KeyValue, Page } from './store.js';

export interface ListOptions {
  pageSize?: number;
  after?: string;
  signal?: AbortSignal;
}

type Range = (query: RangeQuery, signal?: AbortSignal) => Promise<RangeReply>;

/** Entries in a page: over a bad network it has to come through in one piece. */
const defaultPage = 1000;
/** Keys to come, in pages, from which on ranges that end soon are worth their number. */
const many = 20;
/** Prefixes whose keys to come are remembered. */
const mostRemembered = 100;

interface Part {
  prefix: string;
  /** First key; a prefix, or what follows the key `after`. */
  from: string;
  after: string | undefined;
  limit: number;
  revision: number;
}

interface Found extends Page {
  more: boolean;
}

export class Pages {
  readonly #range: Range;
  /** Keys that were still to come when a prefix was last asked for as a whole. */
  readonly #toCome = new Map<string, number>();

  constructor(range: Range) {
    this.#range = range;
  }

  async *list(prefix: string, { pageSize, after, signal }: ListOptions): AsyncGenerator<Page> {
    const limit = pageSize ?? defaultPage;
    let last = after === undefined || after < prefix ? undefined : after;
    for (let revision = 0, first = true; ; first = false) {
      const from = last === undefined ? prefix : `${last}\0`;
      const found = await this.#page({ prefix, from, after: last, limit, revision }, signal);
      const { entries, more } = found;
      revision = found.revision;
      if (entries.length > 0 || (first && last === undefined)) yield { revision, entries };
      last = entries.at(-1)?.key;
      if (!more || last === undefined) return;
    }
  }

  /** Full, unless it is the last one. */
  async #page(part: Part, signal: AbortSignal | undefined): Promise<Found> {
    const { prefix, limit } = part;
    const ends = this.#ends(part);
    const entries: KeyValue[] = [];
    let { revision } = part;
    let key: string | Buffer = part.from;
    let most = limit;
    for (const [i, end] of ends.entries()) {
      for (let more = true; more; ) {
        const query = { key, end, limit: Math.min(most, limit - entries.length), revision };
        let reply: RangeReply;
        try {
          reply = await this.#range(query, signal);
        } catch (error) {
          if ((error as { code?: string }).code !== 'STORE_TOO_LARGE' || query.limit <= 1) throw error;
          most = Math.ceil(query.limit / 8);
          continue;
        }
        revision ||= reply.header.revision;
        for (const entry of reply.entries) entries.push(entry);
        if (ends.length === 1) this.#remember(prefix, reply.count);
        if (entries.length >= limit) return { revision, entries, more: reply.more || i < ends.length - 1 };
        ({ more } = reply);
        if (more) key = `${entries.at(-1)?.key}\0`;
      }
      key = end;
    }
    return { revision, entries, more: false };
  }

  /** Where to end: what begins as the last key does but for its last byte, its last two, ..., and the prefix. */
  #ends({ prefix, after, limit }: Part): Buffer[] {
    const whole = prefixEnd(prefix);
    if (after === undefined || (this.#toCome.get(prefix) ?? 0) <= many * limit) return [whole];
    const bytes = Buffer.from(after);
    const ends: Buffer[] = [];
    for (let length = bytes.length - 1; length > Buffer.byteLength(prefix); length--)
      ends.push(prefixEnd(bytes.subarray(0, length)));
    return [...ends, whole];
  }

  #remember(prefix: string, count: number): void {
    if (this.#toCome.size >= mostRemembered) this.#toCome.clear();
    this.#toCome.set(prefix, count);
  }
}
