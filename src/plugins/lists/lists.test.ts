// SPDX-License-Identifier: MPL-2.0
// Lists that follow files: what is taken, what is held back, and who is told.
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { config } from './declaration.js';
import { fresh, listOf, names, replaceFile, report, rows, start, until } from './test-support.js';

/** Nothing happens but what the kernel tells or the test asks for. */
const patient = { 'check-interval': 3600 };

test('a file becomes a list, and its rules say who is held to it with what', async () => {
  const path = fresh();
  replaceFile(path, '# ads\nads.example\nTracker.example.\nnot a name\n');
  const h = await start(
    {
      list: { ads: { path } },
      subscribe: [
        { lists: ['ads'], roles: ['kids'], action: 'refused' },
        { lists: ['ads'], roles: ['guest', 'iot'] },
      ],
    },
    { tables: { roleSets: [['kids'], ['guest', 'staff'], ['staff']] } },
  );
  await until('a load', async () => (await names(h, 'ads')).length === 2);
  const table = await h.table('names');
  assert.equal(table.lists.ads, { kind: 'block', names: ['ads.example', 'tracker.example'] });
  assert.is(table.lists['ads-exceptions']?.kind, 'allow');
  assert.is(table.action('ads', ['kids']), 'refused');
  assert.is(table.action('ads', ['guest', 'staff']), 'nxdomain');
  assert.is(table.action('ads-exceptions', ['kids']), 'refused');
  assert.is(table.action('ads', ['staff']), undefined);
  assert.equal(h.health(), { state: 'ok' });
  const ads = await listOf(h, 'ads');
  assert.is(ads.names, 2);
  assert.is(Object.values(ads.bad)[0]?.rows, 1);
  assert.equal(ads.subscriptions[1], { roles: ['guest', 'iot'], action: 'nxdomain' });
  assert.is(await h.metric('names', { list: 'ads' }), 2);
  assert.is(await h.metric('rows_bad_total', { list: 'ads' }), 1);
  assert.is(await h.metric('loads_total', { list: 'ads', result: 'taken' }), 1);
  await h.stop();
});

test('a file that is renamed into place, written over, removed or made anew is seen without being looked for', async () => {
  const path = fresh();
  const h = await start({ ...patient, list: { ads: { path } } });
  const has = (...wanted: string[]) =>
    until(wanted.join(), async () => JSON.stringify(await names(h, 'ads')) === JSON.stringify(wanted));
  await until('the missing file to be named', () => h.health().state === 'degraded');
  assert.match(h.health().reason ?? '', `list ads: ${path}: there is no such file`);
  replaceFile(path, 'a.example\n');
  await has('a.example');
  assert.is(h.health().state, 'ok');
  writeFileSync(path, 'a.example\nb.example\n');
  await has('a.example', 'b.example');
  rmSync(path);
  await until('the removal to be named', () => h.health().state === 'degraded');
  assert.equal(await names(h, 'ads'), ['a.example', 'b.example']);
  assert.is(await h.metric('failing', { list: 'ads' }), 1);
  replaceFile(path, 'c.example\nd.example\n');
  await has('c.example', 'd.example');
  assert.is(h.health().state, 'ok');
  await h.stop();
});

test('a file that nothing tells of is seen by looking', async () => {
  const path = fresh();
  const h = await start({ ...patient, list: { ads: { path } } });
  replaceFile(path, 'a.example\n');
  await h.tick();
  assert.equal(await names(h, 'ads'), ['a.example']);
  await h.tick();
  assert.ok((await h.metric('loads_total', { list: 'ads', result: 'taken' })) <= 2);
  await h.stop();
});

test('a file that shrank, or is empty, is held back until it has grown again or is accepted', async () => {
  const path = fresh();
  replaceFile(path, rows(100));
  const h = await start({ ...patient, list: { ads: { path } } });
  await until('the first load', async () => (await names(h, 'ads')).length === 100);
  replaceFile(path, rows(20));
  await until('it to be held', () => h.health().state === 'degraded');
  assert.is(h.health().reason, 'list ads is held back: it has 20 names, and had 100');
  assert.is((await names(h, 'ads')).length, 100);
  assert.equal((await listOf(h, 'ads')).held?.names, 20);
  assert.is(await h.metric('held', { list: 'ads' }), 1);
  replaceFile(path, '');
  await until('emptiness to be named', () => /no names any more, and had 100/.test(h.health().reason ?? ''));
  replaceFile(path, rows(80));
  await until('it to be taken', async () => (await names(h, 'ads')).length === 80);
  assert.is(h.health().state, 'ok');
  replaceFile(path, rows(3));
  await until('it to be held again', () => h.health().state === 'degraded');
  await h.operate('reload', 'ads');
  assert.is((await names(h, 'ads')).length, 80);
  const { lists } = (await h.operate('accept', 'ads')) as { lists: { names: number; held?: object }[] };
  assert.equal(
    lists.map(({ names: count, held }) => [count, held]),
    [[3, undefined]],
  );
  assert.is((await names(h, 'ads')).length, 3);
  assert.is(h.health().state, 'ok');
  assert.is(await h.metric('held', { list: 'ads' }), 0);
  assert.is(
    h.logged.filter(({ details }) => (details as { code?: string })?.code === 'LISTS_HELD').length >= 3,
    true,
  );
  await h.stop();
});

test('protected names are left out of block lists, and told; allow lists may have them', async () => {
  const [block, allow, guard] = [fresh(), fresh(), fresh()];
  replaceFile(block, 'google.com\ncorp.example\nintern.example\nads.example\nwww.google.com\n');
  replaceFile(allow, 'google.com\n');
  replaceFile(guard, '# ours\nwww.corp.example\n');
  const h = await start({
    ...patient,
    list: { ads: { path: block, subdomains: true }, good: { path: allow, kind: 'allow' } },
    protected: ['Intern.Example.'],
    'protected-file': guard,
  });
  await until('both', async () => (await names(h, 'ads')).length > 0 && (await names(h, 'good')).length > 0);
  assert.equal(await names(h, 'ads'), ['*.ads.example']);
  assert.equal(await names(h, 'good'), ['google.com']);
  const { withheld } = await listOf(h, 'ads');
  assert.is(withheld.names, 4);
  assert.is(h.health().state, 'ok');
  assert.match(h.health().reason ?? '', /^ads would block protected names: .*corp\.example/);
  assert.is(await h.metric('withheld', { list: 'ads' }), 4);
  replaceFile(guard, 'nothing.example\n');
  await until('other protected names to count', async () => (await names(h, 'ads')).length === 2);
  replaceFile(guard, 'nothing.example\nno name\n');
  await until('a bad row', () => h.health().state === 'degraded');
  assert.match(h.health().reason ?? '', /protected names: .*line 2: found "no name"/);
  await h.stop();
});

test('without the usual ones only the configured names are protected', async () => {
  const path = fresh();
  replaceFile(path, 'google.com\n');
  const h = await start({ list: { ads: { path } }, 'protect-usual': false });
  await until('a load', async () => (await names(h, 'ads')).length === 1);
  assert.is((await report(h)).protected.names, 0);
  await h.stop();
});

test('operations on a list that there is not name those that there are', async () => {
  const h = await start({ ...patient, list: { ads: { path: fresh() } } });
  const reasonOf = (work: Promise<object>) =>
    work.then(
      () => assert.unreachable('it was taken'),
      (error: Error) => error.message,
    );
  assert.is(await reasonOf(h.operate('accept', 'ad')), 'list: found "ad", expected one of ads');
  assert.is(await reasonOf(h.operate('accept')), 'list: found nothing, expected one of ads');
  assert.is(await reasonOf(h.operate('reload', 'ad')), 'list: found "ad", expected one of ads');
  assert.is(((await h.operate('reload')) as { lists: object[] }).lists.length, 1);
  await h.stop();
});

test('a file of which no row is a name is told', async () => {
  const path = fresh();
  replaceFile(path, 'no row of it\nis a name\n');
  const h = await start({ ...patient, list: { ads: { path } } });
  await until('a list without names to be told', () => /none of 2 rows/.test(h.health().reason ?? ''));
  assert.is(h.health().state, 'degraded');
  await h.stop();
});

test('no lists at all are no trouble', async () => {
  const h = await start({});
  assert.equal(h.health(), { state: 'ok' });
  const { lists, threats } = await report(h);
  assert.equal([lists, threats], [[], undefined]);
  await h.stop();
});

test('the configuration is refused where it makes no sense', () => {
  const faults = (value: object) =>
    config.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  assert.equal(faults({ list: { a: { path: '/x' } }, subscribe: [{ lists: ['a'] }] }), []);
  assert.equal(faults({ list: { a: {} } }), ['list.a.path: a path, or threats = true']);
  assert.equal(faults({ list: { a: { path: '/x', threats: true } } }), [
    'list.a.path: either a path or threats = true',
  ]);
  assert.equal(faults({ list: { a: { path: '/x', severity: ['high'] } } }), [
    'list.a.severity: threats = true beside it',
  ]);
  assert.equal(faults({ list: { a: { path: '/x' } }, subscribe: [{ lists: ['b'] }] }), [
    'subscribe.0.lists.0: one of a',
  ]);
  assert.is(faults({ list: { 'a-exceptions': { path: '/x' } } }).length, 1);
  assert.is(faults({ protected: ['not a name'] }).length, 1);
  assert.is(
    faults({ list: { a: { path: '/x' } }, subscribe: [{ lists: ['a'], action: 'explode' }] }).length,
    1,
  );
});

test.run();
