// SPDX-License-Identifier: MPL-2.0
// What clients choose themselves is bytes: host names with anything in them, identifiers of any length, no
// hardware address at all. It must neither hurt Kea nor the host, and arrive in the store as it was.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Relay4 } from '../daemons/lib/dhcp4.js';
import { Relay6, Type6 } from '../daemons/lib/dhcp6.js';
import { exactHistory, sameLeases } from '../daemons/lib/exact.js';
import { readLeases, type Stored } from '../daemons/lib/history.js';
import { keaVersion } from '../daemons/lib/kea.js';
import { Plane } from '../daemons/lib/plane.js';

const mac = (n: number): Buffer => Buffer.from([2, 0, 0, 0, n >> 8, n & 255]);

const hostnames = [
  '*',
  'a..b',
  '-',
  'UPPER.example.ORG',
  '"quoted","x":1}',
  "'; drop table leases; --",
  '../../etc/passwd',
  '\\u0000',
  'tab\there',
  'line\nbreak',
  'nul\0inside',
  '\x7f\x1b[31mred',
  'caf\xe9',
  '\xff\xfe\xfd',
  '\xc3\x28',
  'comma,comma',
  '&#x2c;',
  'x'.repeat(255),
  `${'y'.repeat(63)}.${'z'.repeat(63)}`,
].map((text) => Buffer.from(text, 'latin1'));

test('host names, client ids and hardware addresses that nobody would choose', async () => {
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 0, hook: { 'snapshot-on-start': false } }],
  });
  const relay = await Relay4.open(plane.kea(4));
  const expected = new Map<string, string>();
  for (const [i, hostname] of hostnames.entries()) {
    const lease = await relay.assign({ hwaddr: mac(i), hostname }, 500).catch(() => undefined);
    // Kea itself drops what it cannot parse; it has to go on then.
    if (lease) expected.set(lease.address, mac(i).toString('hex'));
  }
  assert.ok(expected.size >= 10, `${expected.size} of ${hostnames.length} got a lease`);
  const ids = [1, 2, 19, 128, 254, 255].map((length) => Buffer.alloc(length, length));
  for (const [i, clientId] of ids.entries()) {
    const lease = await relay.assign({ hwaddr: mac(1000 + i), clientId }, 500).catch(() => undefined);
    if (lease) expected.set(lease.address, mac(1000 + i).toString('hex'));
    // Kea takes 2 to 128 bytes, newer ones 255.
    const taken = clientId.length >= 2 && clientId.length <= 128;
    if (taken) assert.ok(lease, `no lease for a client id of ${clientId.length} bytes`);
  }
  const bare = await relay.assign({ hwaddr: Buffer.alloc(0), clientId: Buffer.from('no hardware address') });
  expected.set(bare.address, '');
  const long = await relay.assign({ hwaddr: Buffer.alloc(16, 0xee) });
  expected.set(long.address, 'ee'.repeat(16));
  relay.close();
  await plane.drained();
  await exactHistory(plane, 4);
  await sameLeases(plane, 4);
  const stored = await readLeases(plane.etcd, 4);
  const hardware = (lease: Stored | undefined) => lease?.hwaddr.replaceAll(':', '');
  for (const [address, hwaddr] of expected) assert.is(hardware(stored.get(address)), hwaddr, address);
  await plane.stop();
});

test('a name that Kea makes up itself once the lease is there', async () => {
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 0, hook: { 'snapshot-on-start': false } }],
  });
  const relay = await Relay4.open(plane.kea(4));
  // For the root Kea writes the lease twice, without and with the name, and reports it once.
  await relay.assign({ hwaddr: mac(1), hostname: Buffer.from('.') });
  relay.close();
  await plane.drained();
  assert.is(await sameLeases(plane, 4), 1);
  await plane.stop();
});

test('a DUID of 130 bytes, many identity associations, and names in DHCPv6', async () => {
  const plane = await Plane.start({
    keas: [{ family: 6, threads: 0, hook: { 'snapshot-on-start': false } }],
  });
  const relay = await Relay6.open(plane.kea(6));
  const duids = [3, 8, 128, 130].map((length) =>
    Buffer.concat([Buffer.from([0, 4]), Buffer.alloc(length - 2, length)]),
  );
  let leases = 0;
  for (const [i, duid] of duids.entries()) {
    const iaids = [0, 1, 0x7fffffff, 0xffffffff];
    const reply = await relay
      .assign({ duid, na: iaids, pd: iaids, fqdn: `host${i}.example` })
      .catch(() => undefined);
    // Kea takes DUIDs of 3 to 128 bytes, newer ones 130.
    if (duid.length <= 128) assert.ok(reply, `no lease for a DUID of ${duid.length} bytes`);
    leases += (reply?.addresses.length ?? 0) + (reply?.prefixes.length ?? 0);
  }
  assert.ok(leases >= 3 * 8, String(leases));
  for (const [i, fqdn] of ['h\xf6st.example', '*.example', 'a b.example', '\x00.example'].entries()) {
    // Kea may refuse such a name, but goes on.
    const reply = await relay.send(
      Type6.solicit,
      { duid: Buffer.from([0, 4, 1, i]), na: [1], fqdn },
      undefined,
      300,
    );
    assert.ok(reply === undefined || reply.type === Type6.advertise);
  }
  relay.close();
  await plane.drained();
  assert.is(await exactHistory(plane, 6), leases);
  assert.is(await sameLeases(plane, 6), leases);
  await plane.stop();
});

test('leases added by command without a hardware address, or with odd content', async () => {
  const plane = await Plane.start({ keas: [{ family: 4, threads: 2 }] });
  const kea = plane.kea(4);
  const add = (last: number, more: object) =>
    kea.ask('lease4-add', {
      'ip-address': `10.0.7.${last}`,
      'hw-address': '02:00:00:00:07:01',
      ...more,
    } as never);
  const longest = keaVersion()[0] < 3 ? 128 : 255;
  assert.is((await add(1, { 'client-id': Array(longest).fill('ab').join(':') })).result, 0);
  assert.is((await add(2, { hostname: '*"\\.\u00e9' })).result, 0);
  assert.is(
    (await add(3, { 'user-context': { text: 'x'.repeat(20_000), deep: { er: [1, null, '"'] } } })).result,
    0,
  );
  assert.is((await add(4, { 'valid-lft': 4294967295 })).result, 0);
  await plane.drained();
  const stored = await readLeases(plane.etcd, 4);
  assert.equal([...stored.keys()].sort(), ['10.0.7.1', '10.0.7.2', '10.0.7.3', '10.0.7.4']);
  assert.is(stored.get('10.0.7.1')?.clientId.replaceAll(':', ''), 'ab'.repeat(longest));
  assert.is((await kea.ask('version-get')).result, 0);
  await plane.stop();
});

test.run();
