// SPDX-License-Identifier: MPL-2.0
// When a copy may speak for a store that is away, and what keeps it true; on a store in memory that is slow,
// absent or foreign at will. On real servers: test/daemons/store-cache.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { followed } from '../../../test/lib/followed.js';
import { MemoryStore } from '../testing/memory-store.js';
import { type CacheOptions, cachedStore } from './cache.js';
import type { Follow, FollowHandlers, Page, Store, StoreHealth, StoreObserver } from './store.js';

/** Whoever follows is told nothing before `shows` is set. */
class Remote extends MemoryStore {
  shows = true;
  said: StoreHealth | undefined;
  id: string | undefined;
  observer: StoreObserver | undefined;

  override health(): StoreHealth {
    return this.said ?? super.health();
  }

  cluster(): string | undefined {
    return this.id;
  }

  observe(observer: StoreObserver): void {
    this.observer = observer;
  }

  /** What a listing shows is 50 ms old. */
  override async *list(prefix: string): AsyncGenerator<Page> {
    for await (const page of super.list(prefix)) {
      await wait(50);
      yield page;
    }
  }

  override follow(prefix: string, handlers: FollowHandlers): Follow {
    let closed = false;
    const follow = super.follow(prefix, {
      ...handlers,
      snapshot: async (entries, revision) => {
        while (!this.shows && !closed) await wait(5);
        if (!closed) await handlers.snapshot(entries, revision);
      },
    });
    const close = () => {
      closed = true;
      return follow.close();
    };
    return { close };
  }
}

const directories: string[] = [];
const stores: Store[] = [];
const rows: { code: string; prefix?: string }[] = [];
const log = pino({ messageKey: 'message' }, { write: (line) => rows.push(JSON.parse(line)) });
const said = (code: string) => rows.filter((row) => row.code === code).length;
const unreachable: StoreHealth = { state: 'down', code: 'STORE_UNREACHABLE', reason: 'away' };
const here = { endpoints: ['http://127.0.0.1:1'] };

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-cache-'));
  directories.push(directory);
  return directory;
}

function cached(remote: Store, directory: string, options: Partial<CacheOptions> = {}): Store {
  const defaults = { remote: here, directory, ttl: 3600, maxSize: 2 ** 20, log };
  const store = cachedStore(remote, { ...defaults, ...options });
  stores.push(store);
  return store;
}

function absent(health = unreachable): Remote {
  const remote = new Remote();
  remote.shows = false;
  remote.said = health;
  return remote;
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!what()) {
    assert.ok(performance.now() < end, `in time: ${what}`);
    await wait(5);
  }
}

const nothing = { snapshot: () => undefined, change: () => undefined, error: () => undefined };
const put = (store: Store, key: string, value = 'x') => store.commit({ operations: [{ put: key, value }] });

/** What a start without the remote is given of a prefix; undefined: nothing. */
async function given(
  directory: string,
  prefix: string,
  options: Partial<CacheOptions> = {},
): Promise<Record<string, string> | undefined> {
  const store = cached(absent(), directory, options);
  const seen = followed(store, prefix);
  await wait(300);
  const state = seen.snapshots > 0 ? Object.fromEntries(seen.state) : undefined;
  await store.close();
  return state;
}

/** A directory with a copy of /a/, which holds /a/1. */
async function remembered(id?: string, options: Partial<CacheOptions> = {}): Promise<string> {
  const directory = temporary();
  const remote = new Remote();
  remote.id = id;
  const store = cached(remote, directory, options);
  await put(store, '/a/1');
  followed(store, '/a/');
  await until(() => store.cacheSize?.()?.entries === 1);
  await store.close();
  return directory;
}

test('when the one who feeds a copy ends, the next one goes on, without a gap', async () => {
  const directory = temporary();
  const remote = new Remote();
  const store = cached(remote, directory);
  const first = followed(store, '/a/');
  const second = followed(store, '/a/');
  await put(store, '/a/0');
  await second.becomes({ '/a/0': 'x' });
  await first.becomes({ '/a/0': 'x' });
  const closed = first.follow.close();
  const expected: Record<string, string> = { '/a/0': 'x' };
  for (let i = 1; i <= 40; i++) {
    if (i > 30) await wait(10);
    await put(store, `/a/${i % 20}`, String(i));
    expected[`/a/${i % 20}`] = String(i);
  }
  await closed;
  await second.becomes(expected);
  await until(() => store.cacheSize?.()?.entries === 20);
  await store.close();
  assert.equal(await given(directory, '/a/'), expected);
});

test('a copy that nobody feeds grows old', async () => {
  const directory = temporary();
  const store = cached(new Remote(), directory);
  await put(store, '/a/1');
  const seen = followed(store, '/a/');
  await until(() => store.cacheSize?.()?.entries === 1);
  await seen.follow.close();
  await wait(1200);
  await store.close();
  assert.is(await given(directory, '/a/', { ttl: 1 }), undefined);
  assert.equal(await given(directory, '/a/'), { '/a/1': 'x' });
});

test('a remote that only connects has 2 s; stale lasts until the follower has the truth', async () => {
  const remote = absent({ state: 'starting', reason: 'connecting' });
  const store = cached(remote, await remembered());
  const seen = followed(store, '/a/');
  await wait(1500);
  assert.is(seen.snapshots, 0);
  await seen.becomes({ '/a/1': 'x' }, 2000);
  assert.is(store.health().code, 'STORE_STALE');
  remote.said = undefined;
  const health = store.health();
  assert.is(health.state, 'stale', 'it answers, but the follower stands on the copy');
  assert.is(health.answers, true);
  assert.type(health.ageSeconds, 'number');
  assert.is(await store.get('/a/1'), undefined, 'what is read is the truth');
  remote.shows = true;
  await seen.becomes({});
  assert.is(store.health().state, 'ok');
  remote.said = unreachable;
  remote.shows = false;
  const later = followed(store, '/a/');
  await wait(300);
  assert.is(later.snapshots, 0, 'it has answered');
  await store.close();
});

test('of several members one that is away is not all of them', async () => {
  const remote = { endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] };
  const store = cached(absent(), await remembered(undefined, { remote }), { remote });
  const seen = followed(store, '/a/');
  await wait(300);
  assert.is(seen.snapshots, 0);
  await seen.becomes({ '/a/1': 'x' }, 2000);
  await store.close();
});

test('a store that refuses us is there, whatever it says next', async () => {
  const directory = await remembered();
  for (const code of ['STORE_AUTH_FAILED', 'STORE_DENIED', 'STORE_CERTIFICATE', 'STORE_TOKEN']) {
    const remote = absent({ state: 'down', code, reason: 'no' });
    const store = cached(remote, directory);
    const seen = followed(store, '/a/');
    await wait(150);
    assert.is(store.health().state, 'down');
    remote.observer?.failed(code);
    remote.said = unreachable;
    await wait(150);
    assert.is(seen.snapshots, 0, code);
    await store.close();
  }
});

test('who only looks on takes no room in the copies, and does not change what health says', async () => {
  const directory = temporary();
  const store = cached(new Remote(), directory, { maxSize: 100 });
  await put(store, '/a/1');
  await put(store, '/leases/1', 'v'.repeat(90));
  const plugin = followed(store, '/a/');
  await until(() => store.cacheSize?.()?.entries === 1);
  await plugin.follow.close();
  const look = store.follow('/leases/', nothing, { from: 'now' });
  await wait(200);
  assert.is(store.cacheSize?.()?.bytes, 5, 'the copy of /a/ alone');
  await look.close();
  await store.close();
  const away = cached(absent(), directory);
  const seen = followed(away, '/a/');
  await seen.becomes({ '/a/1': 'x' });
  const watch = away.follow('/leases/', nothing, { from: 'now' });
  assert.is(away.health().state, 'stale');
  await watch.close();
  await away.close();
});

test('a copy is for the configuration that it was made with', async () => {
  const directory = await remembered();
  const elsewhere = { endpoints: ['http://127.0.0.1:2'] };
  for (const remote of [elsewhere, { ...here, user: 'another' }, { ...here, root: '/another' }])
    assert.is(await given(directory, '/a/', { remote }), undefined);
  assert.equal(await given(directory, '/a/'), { '/a/1': 'x' });
});

test('copies of another cluster go when it turns out', async () => {
  const directory = await remembered('one');
  const remote = new Remote();
  remote.id = 'two';
  const store = cached(remote, directory);
  followed(store, '/b/');
  await until(() => rows.some(({ code, prefix }) => code === 'STORE_CACHE_EVICTED' && prefix === '/a/'));
  await store.close();
  assert.is(await given(directory, '/a/'), undefined);
  assert.equal(await given(directory, '/b/'), {});
});

test('a prefix with a key too long for the copy has none; the others have theirs', async () => {
  // MemoryStore refuses such keys itself; etcd does not.
  const long = `/long/${'k'.repeat(1966)}`;
  const entry = { key: long, value: Buffer.from('x'), createRevision: 1, modRevision: 1 };
  const remote = new (class extends Remote {
    override follow(prefix: string, handlers: FollowHandlers): Follow {
      const snapshot = (entries: (typeof entry)[], revision: number) =>
        handlers.snapshot(prefix === '/long/' ? [entry] : entries, revision);
      return super.follow(prefix, { ...handlers, snapshot });
    }
  })();
  const directory = temporary();
  const store = cached(remote, directory);
  const before = said('STORE_CACHE_UNWRITTEN');
  const seen = followed(store, '/long/');
  await until(() => said('STORE_CACHE_KEY_TOO_LONG') === 1);
  await put(store, '/a/1');
  followed(store, '/a/');
  await until(() => store.cacheSize?.()?.entries === 1);
  await put(store, '/long/2');
  await seen.becomes({ [long]: 'x', '/long/2': 'x' });
  await store.close();
  assert.is(said('STORE_CACHE_KEY_TOO_LONG'), 1);
  assert.is(said('STORE_CACHE_UNWRITTEN'), before);
  assert.is(await given(directory, '/long/'), undefined);
  assert.equal(await given(directory, '/a/'), { '/a/1': 'x' });
});

test('what can never fit drives nobody out', async () => {
  const directory = await remembered();
  const store = cached(new Remote(), directory, { maxSize: 100 });
  const before = said('STORE_CACHE_EVICTED');
  await put(store, '/b/1', 'v'.repeat(200));
  followed(store, '/b/');
  await until(() => said('STORE_CACHE_EVICTED') > before);
  assert.is(store.cacheSize?.()?.entries, 1);
  await store.close();
  assert.equal(await given(directory, '/a/'), { '/a/1': 'x' });
});

test.after(async () => {
  await Promise.all(stores.map((store) => store.close()));
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

test.run();
