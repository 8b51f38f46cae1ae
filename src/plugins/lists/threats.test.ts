// SPDX-License-Identifier: MPL-2.0
// Lists that follow threats/domains/ in the store.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryStore } from '../../host/testing.js';
import { listOf, names, report, start, until } from './test-support.js';
import { parseThreat } from './threat.js';

const root = '/nnoe/threats/domains/';
const value = (domain: string, more: object = {}) =>
  JSON.stringify({ domain, source: 'misp', severity: 'high', timestamp: '2026-01-01T00:00:00Z', ...more });

async function put(store: MemoryStore, entries: Record<string, string>): Promise<void> {
  const operations = Object.entries(entries).map(([key, text]) => ({ put: root + key, value: text }));
  for (let at = 0; at < operations.length; at += 100)
    await store.commit({ operations: operations.slice(at, at + 100) });
}
const remove = (store: MemoryStore, key: string) => store.commit({ operations: [{ delete: root + key }] });
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}.example`, value(`n${i}.example`)]));

test('threats become names with all below them, by severity, category and source', async () => {
  const store = new MemoryStore();
  await put(store, {
    'a.example': value('A.example.'),
    'b.example': value('b.example', { severity: 'LOW', category: 'phishing' }),
    'c.example': value('c.example', { source: 'ours', category: 'malware' }),
    'bücher.example': value('bücher.example'),
  });
  const h = await start(
    {
      list: {
        all: { threats: true },
        severe: { threats: true, severity: ['high', 'medium'] },
        phishing: { threats: true, category: ['phishing'], subdomains: false },
        ours: { threats: true, source: ['ours'], kind: 'allow' },
      },
    },
    { store },
  );
  // Lists are handed over one after another; this is the last.
  await until('the snapshot', async () => (await names(h, 'ours')).length === 1);
  assert.is((await names(h, 'all')).length, 4);
  assert.equal(await names(h, 'all'), [
    '*.a.example',
    '*.b.example',
    '*.c.example',
    '*.xn--bcher-kva.example',
  ]);
  assert.equal(await names(h, 'severe'), ['*.a.example', '*.c.example', '*.xn--bcher-kva.example']);
  assert.equal(await names(h, 'phishing'), ['b.example']);
  assert.equal((await h.table('names')).lists.ours, { kind: 'allow', names: ['*.c.example'] });
  await put(store, {
    'd.example': value('d.example'),
    'b.example': value('b.example', { category: 'spam' }),
  });
  await remove(store, 'a.example');
  await until('the changes', async () => (await names(h, 'all')).includes('*.d.example'));
  await until('the deletion', async () => !(await names(h, 'all')).includes('*.a.example'));
  assert.equal(await names(h, 'phishing'), []);
  assert.ok((await names(h, 'severe')).includes('*.b.example'));
  assert.equal(h.health(), { state: 'ok' });
  await h.stop();
});

test('a malformed value is named and left out, until it is put right or goes', async () => {
  const store = new MemoryStore();
  await put(store, {
    'a.example': value('a.example'),
    'b.example': 'no json',
    'c.example': value('not a name'),
    'd.example': JSON.stringify({ domain: 'd.example' }),
    'e.example': value('other.example'),
  });
  const h = await start({ list: { all: { threats: true } } }, { store });
  await until('the snapshot', async () => (await names(h, 'all')).length === 1);
  assert.is(h.health().state, 'degraded');
  assert.match(
    h.health().reason ?? '',
    '4 threats are malformed: b.example, c.example, d.example, e.example',
  );
  const { threats } = await report(h);
  assert.equal(threats?.malformed, { json: 1, domain: 1, source: 1, key: 1 });
  assert.is(threats?.first[1]?.reason, 'domain: found "not a name", expected a domain name');
  assert.is(await h.metric('threats_malformed'), 4);
  await put(store, { 'b.example': value('b.example'), 'a.example': '[]' });
  for (const key of ['c.example', 'd.example', 'e.example']) await remove(store, key);
  await until('the changes', async () => (await names(h, 'all')).join() === '*.b.example');
  await until('a single one left', () =>
    /^1 threats are malformed: a.example$/.test(h.health().reason ?? ''),
  );
  await h.stop();
});

test('protected names are left out of threats, too, and come off and on with them', async () => {
  const store = new MemoryStore();
  await put(store, { 'google.com': value('google.com'), 'a.example': value('a.example') });
  const h = await start({ list: { all: { threats: true } }, protected: ['www.b.example'] }, { store });
  await until('the snapshot', async () => (await names(h, 'all')).length === 1);
  await put(store, { 'b.example': value('b.example'), 'c.example': value('c.example') });
  await until('the change', async () => (await names(h, 'all')).length === 2);
  assert.equal((await listOf(h, 'all')).withheld, { names: 2, first: ['google.com', 'b.example'] });
  await remove(store, 'b.example');
  await until('it to go', async () => (await listOf(h, 'all')).withheld.names === 1);
  assert.equal(await names(h, 'all'), ['*.a.example', '*.c.example']);
  await h.stop();
});

test('two keys for one name: it stays while either does', async () => {
  const store = new MemoryStore();
  await put(store, { 'a.example': value('a.example'), 'A.EXAMPLE': value('a.example') });
  const h = await start({ list: { all: { threats: true } } }, { store });
  await until('the snapshot', async () => (await names(h, 'all')).length === 1);
  await remove(store, 'A.EXAMPLE');
  await put(store, { 'z.example': value('z.example') });
  await until('the change', async () => (await names(h, 'all')).length === 2);
  await remove(store, 'a.example');
  await until('it to go', async () => (await names(h, 'all')).join() === '*.z.example');
  await h.stop();
});

test('a store that comes back empty unblocks nothing until somebody accepts it', async () => {
  const store = new MemoryStore();
  await put(store, many(50));
  const h = await start({ list: { all: { threats: true } } }, { store });
  await until('the snapshot', async () => (await names(h, 'all')).length === 50);
  store.reset();
  await until('it to be held', () => h.health().state === 'degraded');
  assert.is(h.health().reason, 'list all is held back: it has no names any more, and had 50');
  await put(store, { 'new.example': value('new.example') });
  await until('it to be counted', async () => (await listOf(h, 'all')).held?.names === 1);
  assert.is((await names(h, 'all')).length, 50);
  await h.operate('accept', 'all');
  assert.equal(await names(h, 'all'), ['*.new.example']);
  await put(store, many(40));
  await until('what comes later', async () => (await names(h, 'all')).length === 41);
  assert.equal(h.health(), { state: 'ok' });
  await h.stop();
});

test('a held list is taken whole when it has grown again', async () => {
  const store = new MemoryStore();
  await put(store, many(50));
  const h = await start({ list: { all: { threats: true } } }, { store });
  await until('the snapshot', async () => (await names(h, 'all')).length === 50);
  store.reset();
  await until('it to be held', () => h.health().state === 'degraded');
  await put(store, many(45));
  await until('it to be taken', async () => (await names(h, 'all')).length === 45);
  assert.equal(h.health(), { state: 'ok' });
  await h.stop();
});

test('what is asked before the store has told anything takes nothing away', async () => {
  const store = new MemoryStore();
  await put(store, many(30));
  const h = await start({ list: { all: { threats: true } } }, { store });
  await h.operate('accept', 'all');
  await until('the snapshot', async () => (await names(h, 'all')).length === 30);
  store.reset();
  await until('it to be held', () => h.health().state === 'degraded');
  assert.is((await names(h, 'all')).length, 30);
  await h.stop();
});

test('whatever stands in the store, parsing says what it is', () => {
  const texts = ['', 'null', '1', '[]', '{}', '{"domain":1}', '{"domain":"a.example","source":7}', '\xff'];
  for (const text of texts) assert.ok('fault' in parseThreat('a.example', Buffer.from(text, 'latin1')), text);
  assert.equal(parseThreat('*.a.example', Buffer.from(value('*.a.example', { severity: undefined }))), {
    name: 'a.example',
    source: 'misp',
    severity: undefined,
    category: undefined,
  });
});

test.run();
