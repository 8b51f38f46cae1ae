// SPDX-License-Identifier: MPL-2.0
// Leases changed over Kea's control channel, which no packet callout sees; and the hook's own commands.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sameLeases } from '../daemons/lib/exact.js';
import { readLeases } from '../daemons/lib/history.js';
import { type Json, Kea } from '../daemons/lib/kea.js';
import { Plane, position } from '../daemons/lib/plane.js';
import { until } from '../daemons/lib/process.js';

/** The addresses in the store, once they are what is expected. */
async function becomes(plane: Plane, family: 4 | 6, addresses: string[]): Promise<void> {
  const wanted = [...addresses].sort().join(' ');
  let last = '';
  const probe = async () => {
    last = [...(await readLeases(plane.etcd, family)).keys()].sort().join(' ');
    return last === wanted;
  };
  await until(`the store to hold ${wanted}`, probe, 10_000, 50).catch((error: Error) => {
    throw new Error(`${error.message}; it holds ${last}`);
  });
}

for (const threads of [0, 2]) {
  test(`lease4 commands, ${threads} packet threads`, async () => {
    const plane = await Plane.start({ keas: [{ family: 4, threads, hook: { 'snapshot-on-start': false } }] });
    const kea = plane.kea(4);
    const identify = (n: number): { [key: string]: Json } => ({
      'ip-address': `10.0.0.${n}`,
      'hw-address': `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`,
    });
    const add = (n: number) => kea.command('lease4-add', identify(n));
    for (const n of [1, 2, 3, 4]) await add(n);
    await becomes(plane, 4, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
    await kea.command('lease4-update', { ...identify(1), hostname: 'renamed', 'valid-lft': 7200 });
    await plane.drained();
    await sameLeases(plane, 4);
    await kea.command('lease4-del', { 'ip-address': '10.0.0.1' });
    await becomes(plane, 4, ['10.0.0.2', '10.0.0.3', '10.0.0.4']);
    // By identifier: the command names no address.
    await kea.command('lease4-del', {
      'subnet-id': 1,
      'identifier-type': 'hw-address',
      identifier: '02:00:00:00:00:02',
    });
    await becomes(plane, 4, ['10.0.0.3', '10.0.0.4']);
    assert.is((await kea.ask('lease4-del', { 'ip-address': '10.0.0.200' })).result, 3);
    await kea.command('lease4-wipe', { 'subnet-id': 1 });
    await becomes(plane, 4, []);
    await add(9);
    await becomes(plane, 4, ['10.0.0.9']);
    await plane.stop();
  });
}

test('lease6 commands, addresses and prefixes', async () => {
  const plane = await Plane.start({
    keas: [{ family: 6, threads: 2, hook: { 'snapshot-on-start': false } }],
  });
  const kea = plane.kea(6);
  const duid = '00:03:00:01:02:00:00:00:00:01';
  const address = { 'ip-address': '2001:db8::10', duid, iaid: 1 };
  const prefix = {
    'subnet-id': 1,
    'ip-address': '2001:db8:8000::',
    'prefix-len': 64,
    type: 'IA_PD',
    duid,
    iaid: 2,
  };
  await kea.command('lease6-add', address);
  await kea.command('lease6-add', prefix);
  await becomes(plane, 6, ['2001:db8:8000::', '2001:db8::10']);
  await sameLeases(plane, 6);
  await kea.command('lease6-update', { ...address, hostname: 'six' });
  await plane.drained();
  await sameLeases(plane, 6);
  await kea.command('lease6-del', { 'ip-address': '2001:db8:8000::', type: 'IA_PD' });
  await becomes(plane, 6, ['2001:db8::10']);
  await kea.command('lease6-bulk-apply', {
    'deleted-leases': [{ ...address, type: 'IA_NA' }],
    leases: [{ 'ip-address': '2001:db8::11', duid, iaid: 3, 'subnet-id': 1, type: 'IA_NA' }, prefix],
  });
  await becomes(plane, 6, ['2001:db8:8000::', '2001:db8::11']);
  await kea.command('lease6-wipe', { 'subnet-id': 1 });
  // Kea's lease6-wipe takes addresses and leaves prefixes or takes both, by version: ask it.
  const left = await kea.ask('lease6-get-all');
  const leases = (left.arguments?.leases ?? []) as { 'ip-address': string }[];
  await becomes(
    plane,
    6,
    leases.map((lease) => lease['ip-address']),
  );
  await plane.stop();
});

test('nnoe-status tells the state of the journal, nnoe-resync walks', async () => {
  const plane = await Plane.start({ keas: [{ family: 4 }] });
  const kea = plane.kea(4);
  const listed = await kea.command('list-commands');
  for (const name of ['nnoe-status', 'nnoe-resync']) {
    assert.ok((listed as unknown as string[]).includes(name), `${name} in list-commands`);
  }
  await kea.command('lease4-add', { 'ip-address': '10.0.0.5', 'hw-address': '02:00:00:00:00:05' });
  await plane.drained();
  const before = await position(kea);
  assert.ok(before.head > 0);
  assert.ok((before.cursors.leases ?? 0) > 0);
  // A key of this node that Kea does not know goes, one that is missing comes back.
  const [lease] = [...(await readLeases(plane.etcd, 4)).values()];
  if (!lease) throw new Error('no lease in the store');
  const stray = lease.key.replace('10.0.0.5', '10.0.0.6');
  await plane.etcd.put(stray, JSON.stringify({ ...lease.raw, ip: '10.0.0.6' }));
  await plane.etcd.delete(lease.key);
  await kea.command('nnoe-resync');
  await becomes(plane, 4, ['10.0.0.5']);
  assert.ok((await position(kea)).head > before.head);
  await plane.stop();
});

test('a parameter that is unknown or wrong keeps the library from loading, and is named', async () => {
  const wrong: [string, { [key: string]: Json }][] = [
    ['jornal-directory', { 'jornal-directory': '/tmp/x' }],
    ['segment-size', { 'segment-size': 'large' }],
    ['segment-size', { 'segment-size': 17 }],
    ['journal-cap', { 'journal-cap': -1 }],
    ['snapshot-on-start', { 'snapshot-on-start': 'yes' }],
    ['journal-directory', { 'journal-directory': 7 }],
    ['journal-directory', { 'journal-directory': 'relative/path' }],
  ];
  for (const [name, hook] of wrong) {
    const kea = await Kea.create({ family: 4, hook });
    const proc = kea.spawn();
    const found = await proc.waitFor(/(NNOE\w*).*\n?/, { timeout: 10_000 });
    assert.match(proc.output(), new RegExp(`NNOE\\w* .*${name}`), found[0]);
    await proc.waitFor(
      /HOOKS_LIBRARY_LOAD_FAIL|HOOKS_LOAD_ERROR|HOOKS_LOAD_EXCEPTION|DHCP4_CONFIG_LOAD_FAIL|DHCP4_PARSER_FAIL/,
    );
    await kea.kill();
  }
});

test.run();
