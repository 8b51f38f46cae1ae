// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { harness, MemoryStore } from '../../host/testing.js';
import { prefixOf, rolesOf } from './mapping.js';
import roles from './plugin.js';

const root = '/nnoe/role-mappings/';
const rolesValue = (...names: string[]) => JSON.stringify({ roles: names });

/** A store with mappings: key to value. */
async function stored(mappings: Record<string, string>): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [key, value] of Object.entries(mappings))
    await store.commit({ operations: [{ put: root + key, value }] });
  return store;
}

/** The plugin on that store. @param config of the plugin. */
async function start(mappings: Record<string, string>, config = {}) {
  const h = await harness(roles, { store: await stored(mappings), config });
  await h.store.settled();
  return {
    h,
    put: async (key: string, value: string) => {
      await h.store.commit({ operations: [{ put: root + key, value }] });
      await h.store.settled();
    },
    remove: async (key: string) => {
      await h.store.commit({ operations: [{ delete: root + key }] });
      await h.store.settled();
    },
  };
}

const prefixes: [key: string, prefix: string][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.1/32', '10.0.0.1'],
  ['10.0.0.5/24', '10.0.0.0/24'],
  ['10.0.0.0%2F24', '10.0.0.0/24'],
  ['10.0.0.0%2f24', '10.0.0.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['255.255.255.255/31', '255.255.255.254/31'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['2001:db8::1/128', '2001:db8::1'],
  ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
  ['2001%3Adb8%3A%3A%2F32', '2001:db8::/32'],
  ['::/0', '::/0'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.9/120', '10.0.0.0/24'],
  ['::ffff:0:0/96', '0.0.0.0/0'],
  ['::ffff:0:0/95', '::fffe:0:0/95'],
];
for (const [key, prefix] of prefixes) test(`${key} means ${prefix}`, () => assert.is(prefixOf(key), prefix));

const bad: [key: string, fault: string][] = [
  ['', 'address'],
  ['10.0.0', 'address'],
  ['10.0.0.256', 'address'],
  ['10.0.0.01', 'address'],
  ['0x0a.0.0.1', 'address'],
  ['host.example', 'address'],
  ['fe80::1%eth0', 'address'],
  ['fe80::1%25eth0', 'address'],
  ['%ff', 'address'],
  ['10.0.0.0/', 'length'],
  ['10.0.0.0/33', 'length'],
  ['10.0.0.0/-1', 'length'],
  ['10.0.0.0/24/24', 'length'],
  ['10.0.0.0/1e1', 'length'],
  ['::/129', 'length'],
];
for (const [key, fault] of bad)
  test(`${JSON.stringify(key)} is no prefix: ${fault}`, () => {
    const found = prefixOf(key);
    assert.ok(typeof found === 'object');
    assert.is(found.fault, fault);
    assert.match(found.reason, /^found ".*", expected /);
  });

test('values are read as others write them', () => {
  const read = (value: unknown) => rolesOf(Buffer.from(JSON.stringify(value)));
  assert.equal(read({ roles: ['b', 'a', 'b'] }), ['a', 'b']);
  assert.equal(read({ role: 'iot', since: 1 }), ['iot']);
  assert.equal(read({ roles: 'iot' }), ['iot']);
  assert.equal(read({ role: ['x'] }), ['x']);
  const fault = (value: unknown) => (read(value) as { fault: string }).fault;
  for (const each of [{}, [], null, 7, { roles: [] }, { roles: [1] }, { roles: [''] }, { roles: ['a\n'] }])
    assert.is(fault(each), 'roles');
  assert.is((rolesOf(Buffer.from('{"roles":')) as { fault: string }).fault, 'json');
});

test('clients have the roles of the longest prefix, as the store holds them now', async () => {
  const { h, put, remove } = await start({
    '192.0.2.0/24': rolesValue('staff'),
    '192.0.2.7': rolesValue('iot', 'printer'),
  });
  const view = await h.table('roles');
  assert.equal(view.find('192.0.2.7'), ['iot', 'printer']);
  assert.equal(view.find('192.0.2.8'), ['staff']);
  assert.equal(view.find('2001:db8::1'), ['default']);
  await put('2001:db8::%2F32', rolesValue('v6'));
  await remove('192.0.2.7');
  const after = await h.table('roles');
  assert.equal(after.find('192.0.2.7'), ['staff']);
  assert.equal(after.find('2001:db8::1'), ['v6']);
  assert.equal(h.health(), { state: 'ok', reason: '2 mappings' });
  assert.is(await h.metric('mappings'), 2);
  await h.stop();
  await h.store.close();
});

test('clients without a mapping have the roles that are configured', async () => {
  const { h } = await start({}, { default: ['guest', 'unknown'] });
  assert.equal((await h.table('roles')).find('192.0.2.1'), ['guest', 'unknown']);
  await h.stop();
  await h.store.close();
});

test('malformed mappings are named and counted, and the rest works', async () => {
  const { h, put, remove } = await start({
    '192.0.2.300': rolesValue('a'),
    '192.0.2.0/40': rolesValue('a'),
    '192.0.2.1': 'no JSON',
    '192.0.2.2': rolesValue('good'),
    '192.0.2.3': '{"roles":[]}',
  });
  assert.equal((await h.table('roles')).mappings, { '192.0.2.2': ['good'] });
  const { state, reason = '' } = h.health();
  assert.is(state, 'degraded');
  assert.match(reason, '4 mappings are not used: ');
  assert.match(reason, '"192.0.2.0/40": found "192.0.2.0/40", expected a prefix length of 0 to 32');
  assert.match(reason, ', and 1 more');
  for (const fault of ['address', 'length', 'json', 'roles'])
    assert.is(await h.metric('malformed', { reason: fault }), 1);
  assert.ok(h.logged.some(({ details }) => details.code === 'ROLES_MALFORMED'));
  // One that was good and is no more maps nobody.
  await put('192.0.2.2', '{}');
  assert.equal((await h.table('roles')).find('192.0.2.2'), ['default']);
  for (const key of ['192.0.2.300', '192.0.2.0/40', '192.0.2.2', '192.0.2.3']) await remove(key);
  await put('192.0.2.1', rolesValue('mended'));
  assert.equal(h.health(), { state: 'ok', reason: '1 mapping' });
  assert.equal((await h.table('roles')).mappings, { '192.0.2.1': ['mended'] });
  await h.stop();
  await h.store.close();
});

const conflicts: [keys: [string, string], prefix: string, used: string][] = [
  [['10.0.0.1/32', '10.0.0.1'], '10.0.0.1', '10.0.0.1'],
  [['10.0.0.0/24', '10.0.0.5/24'], '10.0.0.0/24', '10.0.0.0/24'],
  [['10.0.0.9/24', '10.0.0.5/24'], '10.0.0.0/24', '10.0.0.5/24'],
  [['::ffff:10.0.0.1', '10.0.0.1'], '10.0.0.1', '10.0.0.1'],
  [['10.0.0.0%2F24', '10.0.0.0/24'], '10.0.0.0/24', '10.0.0.0/24'],
];
for (const [[one, two], prefix, used] of conflicts)
  test(`${one} and ${two} that disagree: ${used} counts, whichever came first, and both are named`, async () => {
    for (const [first, second] of [
      [one, two],
      [two, one],
    ] as const) {
      const { h, put, remove } = await start({ [first]: rolesValue(first) });
      await put(second, rolesValue(second));
      assert.equal((await h.table('roles')).mappings, { [prefix]: [used] });
      const { state, reason = '' } = h.health();
      assert.is(state, 'degraded');
      const unused = used === one ? two : one;
      assert.match(reason, `1 prefix has keys that disagree: "${used}" counts, "${unused}" does not`);
      assert.is(await h.metric('conflicts'), 1);
      await remove(used);
      assert.equal((await h.table('roles')).mappings, { [prefix]: [unused] });
      assert.is(h.health().state, 'ok');
      await h.stop();
      await h.store.close();
    }
  });

test('keys that mean the same and say the same do not disagree', async () => {
  const { h } = await start({ '10.0.0.1': rolesValue('a', 'b'), '10.0.0.1/32': rolesValue('b', 'a') });
  assert.is(h.health().state, 'ok');
  assert.is(await h.metric('mappings'), 1);
  await h.stop();
  await h.store.close();
});

test('more sets of roles than there can be: those that fit are used, the others are named', async () => {
  const many: Record<string, string> = {};
  for (let i = 0; i < 4100; i++) many[`10.0.${i >> 8}.${i & 255}`] = rolesValue(`role${i}`);
  const { h, put } = await start(many);
  const { mappings } = await h.table('roles');
  const taken = Object.keys(mappings);
  const [one = '', two = ''] = taken;
  assert.ok(taken.length >= 4090 && taken.length < 4100, String(taken.length));
  assert.match(
    h.health().reason ?? '',
    /prefixes are not taken: 10\.0\.\d+\.\d+: no number is left for the roles role\d+/,
  );
  // A change that does not fit harms nobody else, and what the prefix had before counts no more.
  await put(one, rolesValue('another'));
  await put(two, rolesValue(...(mappings[taken[2] ?? ''] ?? [])));
  const after = (await h.table('roles')).mappings;
  assert.equal(after[two], mappings[taken[2] ?? '']);
  assert.is(after[one], undefined);
  await h.stop();
  await h.store.close();
});

test('a store that comes back as another one has its mappings taken anew', async () => {
  const { h } = await start({ '192.0.2.1': rolesValue('a') });
  h.store.reset();
  await h.store.settled();
  assert.equal((await h.table('roles')).mappings, {});
  await h.stop();
  await h.store.close();
});

test.run();
