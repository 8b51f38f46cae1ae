// SPDX-License-Identifier: MPL-2.0
// The copy on disk of what is followed in etcd: what plugins have when etcd is away at the start.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CacheOptions, cachedStore } from '../../src/host/store/cache.js';
import { metaKey, openWriteTables } from '../../src/host/store/embedded-env.js';
import type { Meta } from '../../src/host/store/embedded-format.js';
import { etcdStore } from '../../src/host/store/etcd.js';
import type { Store } from '../../src/host/store/store.js';
import { conformance } from '../lib/conformance.js';
import { followed } from '../lib/followed.js';
import { EmbeddedView } from './lib/embedded-view.js';
import { Etcd } from './lib/etcd.js';
import { freePort } from './lib/ports.js';
import { sleep, until } from './lib/process.js';
import { TcpProxy } from './lib/proxy.js';
import { temporary } from './lib/workspace.js';

const etcd = await Etcd.start();
const nowhere = [`http://127.0.0.1:${await freePort()}`];
/** The same for stores at different ports: a cluster that is found at another place. */
const configured = { endpoints: ['http://etcd.example:2379'] };
const stores: Store[] = [];
const codes: string[] = [];
const log = pino({ messageKey: 'message' }, { write: (line) => codes.push(JSON.parse(line).code) });
/** How often that was logged. */
const told = (code: string) => codes.filter((each) => each === code).length;

function cached(
  endpoints: string[],
  directory: string,
  options: Partial<CacheOptions> = {},
  requestTimeout = 1,
): Store {
  const of = options.remote ?? { ...configured };
  const open = { user: of.user, password: () => 'wrong' };
  const remote = etcdStore({ endpoints, connectTimeout: 1, requestTimeout, ...open });
  const store = cachedStore(remote, { remote: of, directory, ttl: 3600, maxSize: 2 ** 26, log, ...options });
  stores.push(store);
  return store;
}

const shared = cached(etcd.endpoints, temporary('shared'));
conformance(test, async () => {
  await shared.ready();
  return shared;
});

const put = (store: Store, entries: Record<string, string>) =>
  store.commit({ operations: Object.entries(entries).map(([key, value]) => ({ put: key, value })) });

/** A directory whose cache holds what etcd holds below a prefix. */
async function remembered(prefix: string, entries: Record<string, string>): Promise<string> {
  const directory = temporary('cache');
  const store = cached(etcd.endpoints, directory);
  await put(store, entries);
  const seen = followed(store, prefix);
  await seen.becomes(entries);
  await store.close();
  return directory;
}

test('a start without etcd: the copy at once, health stale with its age; etcd comes: the truth', async () => {
  const was = { '/a/1': 'one', '/a/2': 'two', '/a/3': 'drei' };
  const directory = await remembered('/a/', was);
  const revision = (await etcd.get('/a/2'))?.modRevision;
  const port = await freePort();
  const store = cached([`http://127.0.0.1:${port}`], directory);
  const began = performance.now();
  const seen = followed(store, '/a/');
  await seen.becomes(was, 5000);
  assert.ok(performance.now() - began < 2000, 'at once');
  const { state, code, reason, ageSeconds } = store.health();
  assert.equal([state, code], ['stale', 'STORE_UNREACHABLE']);
  assert.match(reason, /plugins work on what was known \d+ s ago, and writes wait: cannot reach etcd/);
  assert.ok(ageSeconds !== undefined && ageSeconds >= 0 && ageSeconds < 30);
  assert.equal(store.cacheSize?.(), { entries: 3, bytes: 4 * 3 + 3 + 3 + 4 });
  // The same state, read.
  assert.is((await store.get('/a/2'))?.value.toString(), 'two');
  assert.is((await store.get('/a/2'))?.modRevision, revision);
  assert.is(await store.get('/a/none'), undefined);
  const pages: string[][] = [];
  for await (const page of store.list('/a/', { pageSize: 2 })) pages.push(page.entries.map(({ key }) => key));
  assert.equal(pages, [['/a/1', '/a/2'], ['/a/3']]);
  // Writes wait for etcd, and so do reads of what is not followed.
  let answered = 0;
  const written = put(store, { '/a/4': 'four' }).then(() => answered++);
  const read = store.get('/b/1').then(() => answered++);
  await sleep(300);
  assert.is(answered, 0);
  const fresh = await Etcd.start({ clientPort: port });
  await Promise.all([written, read]);
  await seen.becomes({ '/a/4': 'four' });
  assert.is(seen.snapshots, 2);
  assert.is(store.health().state, 'ok');
  assert.ok(codes.includes('STORE_CACHE_SERVED') && codes.includes('STORE_CACHE_FRESH'));
  await store.close();
  await fresh.stop();
});

test('changes are kept as they come, deletions too', async () => {
  const directory = temporary('changes');
  const first = cached(etcd.endpoints, directory);
  const seen = followed(first, '/c/');
  await until('the snapshot', () => seen.snapshots === 1);
  const view = new EmbeddedView(directory, 'cache');
  await put(first, { '/c/1': 'x', '/c/2': 'y' });
  await first.commit({ operations: [{ delete: '/c/1' }] });
  await put(first, { '/c/2': 'z', '/c/3': 'w' });
  const kept = async () => (await view.list('d')).map(({ value }) => value.slice(-1)).join('') === 'zw';
  await until('the changes on disk', kept, 5000, 50);
  await view.close();
  await first.close();
  const second = cached(nowhere, directory);
  await followed(second, '/c/').becomes({ '/c/2': 'z', '/c/3': 'w' });
  assert.is(second.health().state, 'stale');
  await second.close();
});

test('a copy that is too old is not served, nor one of another prefix', async () => {
  const directory = await remembered('/d/', { '/d/1': 'x' });
  await sleep(1100);
  const store = cached(nowhere, directory, { ttl: 1 });
  const old = followed(store, '/d/');
  await until('etcd to be missed', () => store.health().state === 'down');
  await sleep(300);
  assert.is(old.snapshots, 0);
  await store.close();
  const other = cached(nowhere, await remembered('/e/', { '/e/1': 'x' }));
  const [e, f] = [followed(other, '/e/'), followed(other, '/e')];
  await e.becomes({ '/e/1': 'x' });
  await sleep(200);
  assert.is(f.snapshots, 0);
  assert.is(other.health().state, 'stale', 'one who follows stands on a copy');
  await other.close();
});

const useless: Record<string, (file: string) => void | Promise<void>> = {
  damaged: (file) => writeFileSync(file, 'damaged'),
  'of a newer release': async (file) => {
    const { environment, meta } = openWriteTables(file);
    await meta.put(metaKey, { ...(meta.get(metaKey) as Meta), format: 2 });
    await environment.close();
  },
};

for (const [what, damage] of Object.entries(useless))
  test(`a cache that is ${what} is set aside, and another one filled`, async () => {
    const directory = await remembered('/g/', { '/g/1': 'x' });
    const file = join(directory, 'cache.mdb');
    await damage(file);
    const before = readFileSync(file);
    codes.length = 0;
    const away = cached(nowhere, directory);
    const nothing = followed(away, '/g/');
    await until('it to be said', () => codes.includes('STORE_CACHE_DISCARDED'));
    await until('etcd to be missed', () => away.health().state === 'down');
    assert.is(nothing.snapshots, 0);
    assert.ok(readFileSync(`${file}.damaged`).equals(before));
    await away.close();
    const back = cached(etcd.endpoints, directory);
    await followed(back, '/g/').becomes({ '/g/1': 'x' });
    await back.close();
    const again = cached(nowhere, directory);
    await followed(again, '/g/').becomes({ '/g/1': 'x' });
    await again.close();
  });

test('what does not fit is not kept; what is not followed any more goes first', async () => {
  const large = 'v'.repeat(4000);
  const before = told('STORE_CACHE_EVICTED');
  const directory = await remembered('/h/', { '/h/1': large, '/h/2': large });
  const store = cached(etcd.endpoints, directory, { maxSize: 10_000 });
  await put(store, { '/i/1': large });
  await followed(store, '/i/').becomes({ '/i/1': large });
  await until('the other copy to go', () => store.cacheSize?.()?.entries === 1, 5000);
  await put(store, { '/i/2': large, '/i/3': large });
  await until('the copy to go', () => store.cacheSize?.()?.entries === 0, 5000);
  assert.is(told('STORE_CACHE_EVICTED'), before + 2);
  await store.close();
});

test('room is made of whole copies, the one that was current longest ago first', async () => {
  const value = 'v'.repeat(3000);
  const directory = temporary('oldest');
  for (const prefix of ['/m/', '/l/', '/n/']) {
    const store = cached(etcd.endpoints, directory);
    await put(store, { [`${prefix}1`]: value, [`${prefix}2`]: value });
    await followed(store, prefix).becomes({ [`${prefix}1`]: value, [`${prefix}2`]: value });
    await store.close();
  }
  const store = cached(etcd.endpoints, directory, { maxSize: 20_000 });
  await put(store, { '/o/1': value });
  await followed(store, '/o/').becomes({ '/o/1': value });
  const size = () => store.cacheSize?.()?.entries;
  await until('the oldest copy to go', () => size() === 5, 5000);
  await store.close();
  const away = cached(nowhere, directory);
  const [m, l, n, o] = ['/m/', '/l/', '/n/', '/o/'].map((prefix) => followed(away, prefix));
  await l?.becomes({ '/l/1': value, '/l/2': value });
  await n?.becomes({ '/n/1': value, '/n/2': value });
  await o?.becomes({ '/o/1': value });
  assert.is(m?.snapshots, 0);
  await away.close();
});

test('a directory that cannot be used costs the cache and nothing else', async () => {
  const file = join(temporary('nodir'), 'file');
  writeFileSync(file, '');
  const store = cached(etcd.endpoints, file);
  await put(store, { '/j/1': 'x' });
  await followed(store, '/j/').becomes({ '/j/1': 'x' });
  assert.ok(codes.includes('STORE_CACHE_OFF'));
  assert.is(store.cacheSize?.(), undefined);
  await store.close();
});

test('a cache that another host has costs the second one its cache and nothing else', async () => {
  const directory = await remembered('/p/', { '/p/1': 'x' });
  const first = cached(etcd.endpoints, directory);
  await followed(first, '/p/').becomes({ '/p/1': 'x' });
  codes.length = 0;
  const second = cached(etcd.endpoints, directory);
  await followed(second, '/p/').becomes({ '/p/1': 'x' });
  assert.ok(codes.includes('STORE_CACHE_OFF'));
  assert.is(second.cacheSize?.(), undefined);
  await second.close();
  assert.equal(first.cacheSize?.()?.entries, 1);
  await first.close();
});

test('a store that came back with other values at the same revisions is not mistaken', async () => {
  const directory = temporary('swapped');
  for (const value of ['first', 'second']) {
    const server = await Etcd.start();
    const store = cached(server.endpoints, directory);
    await put(store, { '/k/1': value });
    await followed(store, '/k/').becomes({ '/k/1': value });
    await store.close();
    await server.stop();
  }
  const store = cached(nowhere, directory);
  await followed(store, '/k/').becomes({ '/k/1': 'second' });
  await store.close();
});

test('a listing that takes its time is waited for when etcd answers', async () => {
  const entries = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`/slow/${i}`, 'v'.repeat(4000)]));
  const directory = await remembered('/slow/', entries);
  const proxy = await TcpProxy.open(etcd.members[0]?.clientPort as number);
  const rate = 150_000; // 2.7 s for these
  proxy.fate = () => ({ rate });
  const store = cached([proxy.url], directory, {}, 10);
  await store.ready();
  await put(shared, { '/slow/0': 'new' });
  const before = told('STORE_CACHE_SERVED');
  const seen = followed(store, '/slow/');
  await seen.becomes({ ...entries, '/slow/0': 'new' });
  assert.is(seen.snapshots, 1);
  assert.is(told('STORE_CACHE_SERVED'), before);
  await store.close();
  proxy.close();
});

test('a key that etcd takes and the copy does not costs this copy alone', async () => {
  const directory = temporary('long');
  const store = cached(etcd.endpoints, directory);
  await followed(store, '/short/').becomes({});
  const long = `/long/${'k'.repeat(1966)}`;
  const seen = followed(store, '/long/');
  await until('the first snapshot', () => seen.snapshots === 1);
  await put(store, { [long]: 'x' });
  await seen.becomes({ [long]: 'x' });
  await until('it to be said', () => codes.includes('STORE_CACHE_KEY_TOO_LONG'), 5000);
  await put(store, { '/short/1': 'x' });
  await until('the other copy', () => store.cacheSize?.()?.entries === 1, 5000);
  await store.close();
  const away = cached(nowhere, directory);
  await followed(away, '/short/').becomes({ '/short/1': 'x' });
  const nothing = followed(away, '/long/');
  await sleep(200);
  assert.is(nothing.snapshots, 0);
  await away.close();
});

test('an etcd of another cluster costs the copies of the one before', async () => {
  const directory = await remembered('/first/', { '/first/1': 'x' });
  const other = await Etcd.start();
  const store = cached(other.endpoints, directory);
  const before = told('STORE_CACHE_EVICTED');
  followed(store, '/second/');
  await until('the copy to go', () => told('STORE_CACHE_EVICTED') > before, 5000);
  await store.close();
  await other.stop();
  const away = cached(nowhere, directory);
  const nothing = followed(away, '/first/');
  await until('etcd to be missed', () => away.health().state === 'down');
  await sleep(200);
  assert.is(nothing.snapshots, 0);
  await away.close();
});

test('an etcd that refuses us is no reason for the copy', async () => {
  const server = await Etcd.start();
  const remote = { ...configured, user: 'root' };
  const directory = temporary('refused');
  // As long as there is no authentication everybody is taken.
  const before = cached(server.endpoints, directory, { remote });
  await put(before, { '/refused/1': 'x' });
  await followed(before, '/refused/').becomes({ '/refused/1': 'x' });
  await before.close();
  await server.call('auth/user/add', { name: 'root', password: 'right' });
  await server.call('auth/role/add', { name: 'root' });
  await server.call('auth/user/grant', { user: 'root', role: 'root' });
  await server.call('auth/enable', {});
  const store = cached(server.endpoints, directory, { remote });
  const seen = followed(store, '/refused/');
  await until('the refusal', () => store.health().code === 'STORE_AUTH_FAILED');
  await sleep(300);
  assert.is(seen.snapshots, 0);
  assert.is(store.health().state, 'down');
  await server.stop();
  await sleep(300);
  assert.is(seen.snapshots, 0, 'it was there');
  await store.close();
  const away = cached(server.endpoints, directory, { remote });
  await followed(away, '/refused/').becomes({ '/refused/1': 'x' });
  await away.close();
});

test.after(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await etcd.stop();
});

test.run();
