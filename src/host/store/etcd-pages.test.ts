// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NnoeError } from '../errors.js';
import { Pages } from './etcd-pages.js';
import type { RangeQuery, RangeReply } from './etcd-protocol.js';

/** Ranges over keys in order, as etcd answers them, and how many keys it looked at for that. */
function ranges(keys: readonly string[], mostInReply = Number.POSITIVE_INFINITY) {
  const sorted = keys.map((key) => Buffer.from(key)).sort(Buffer.compare);
  const cost = { looks: 0, calls: 0 };
  const range = async ({ key, end, limit = 0, revision }: RangeQuery): Promise<RangeReply> => {
    const held = sorted.slice(first(sorted, Buffer.from(key as string)), first(sorted, end as Buffer));
    cost.looks += held.length;
    cost.calls++;
    if (Math.min(limit, held.length) > mostInReply)
      throw new NnoeError('STORE_TOO_LARGE', { endpoint: '-', reason: 'larger than max' });
    const entries = held.slice(0, limit).map((each) => {
      return { key: each.toString(), value: Buffer.alloc(10), createRevision: 1, modRevision: 1 };
    });
    const header = { cluster: '1', revision: revision || 7 };
    return { header, entries, more: held.length > limit, count: held.length };
  };
  return { pages: new Pages(range), cost, all: sorted.map(String) };
}

/** Index of the first key that is not before `bound`. */
function first(sorted: readonly Buffer[], bound: Buffer): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as Buffer).compare(bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function read(pages: Pages, prefix: string, pageSize?: number, after?: string): Promise<string[][]> {
  const found: string[][] = [];
  const options = { ...(pageSize && { pageSize }), ...(after && { after }) };
  for await (const { entries, revision } of pages.list(prefix, options)) {
    assert.is(revision, 7);
    found.push(entries.map(({ key }) => key));
  }
  return found;
}

const addresses = Array.from({ length: 6000 }, (_, i) => `/l/10.${i % 7}.${(i >> 8) & 255}.${i & 255}`);
const others = ['/k', '/l', '/l-not/1', '/m/1', '/l/größe', '/l/\u{1f600}x', '/l/10.', '/l/'];

test('every key below the prefix once, in order, in full pages of whatever size', async () => {
  const { pages, all } = ranges([...new Set([...addresses, ...others])]);
  const below = all.filter((key) => key.startsWith('/l/'));
  for (const size of [7, 100, 999, 6000, 7000]) {
    const found = await read(pages, '/l/', size);
    assert.equal(found.flat(), below);
    assert.ok(found.slice(0, -1).every(({ length }) => length === size));
  }
  assert.equal((await read(pages, '/l/')).flat(), below);
  assert.equal(await read(pages, '/none/'), [[]]);
});

test('pages that are each a listing of their own: the same', async () => {
  const { pages, all } = ranges([...new Set([...addresses, ...others])]);
  const found: string[] = [];
  for (let after: string | undefined; ; after = found.at(-1)) {
    const [page = []] = await read(pages, '/l/', 50, after);
    found.push(...page);
    if (page.length < 50) break;
  }
  assert.equal(
    found,
    all.filter((key) => key.startsWith('/l/')),
  );
});

test('what etcd looks at grows with the keys, not with their square', async () => {
  const { pages, cost, all } = ranges([...new Set(addresses)]);
  await read(pages, '/l/', 50);
  assert.ok(cost.looks < 40 * all.length, `${cost.looks} looks for ${all.length} keys`);
  assert.ok(cost.calls < 10 * (all.length / 50), `${cost.calls} calls`);
});

test('a page that is larger than a message may be is asked for in parts, and is full', async () => {
  const { pages, all } = ranges([...new Set(addresses)], 30);
  const found = await read(pages, '/l/', 400);
  assert.equal(found.flat(), all);
  assert.ok(found.slice(0, -1).every(({ length }) => length === 400));
});

test.run();
