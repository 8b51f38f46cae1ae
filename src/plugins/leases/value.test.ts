// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LeaseEvent, LeaseType, Operation } from '../../host/gen/events.js';
import { leaseEvent } from '../../host/testing.js';
import { clientHash, fingerprint, takeFingerprint } from './fingerprint.js';
import { readStored } from './stored.js';
import { identityOf, leaseValue, removes, type Stamp, wordFor } from './value.js';

const valueText = (event: LeaseEvent, given: Stamp) => leaseValue(event, given).toString();

const stamp = {
  word: 'offer',
  timestamp: 1_700_000_001,
  seq: 1_782_579_200_000_001,
  node: '"node-a"',
} as const;

const four = leaseEvent({
  operation: Operation.ASSIGN,
  address: Buffer.from([192, 0, 2, 7]),
  prefixLen: 32,
  hwaddr: Buffer.from('0200000a0b0c', 'hex'),
  clientId: Buffer.from('010200000a0b0c', 'hex'),
  hostname: Buffer.from('printer.example.org'),
  subnetId: 12,
  cltt: 1_700_000_000,
  validLft: 3600,
  fqdnFwd: true,
  userContext: Buffer.from('{ "room": "B 12" }'),
});

const six = leaseEvent({
  operation: Operation.ASSIGN,
  type: LeaseType.PD,
  address: Buffer.from('20010db8000100000000000000000000', 'hex'),
  prefixLen: 56,
  duid: Buffer.from('000100012c0ffee0020000000001', 'hex'),
  iaid: 4_294_967_295,
  subnetId: 3,
  cltt: 1_700_000_000,
  validLft: 4_294_967_295,
  preferredLft: 1800,
});

test('an IPv4 lease, byte for byte', () => {
  assert.is(
    valueText(four, stamp),
    '{"ip":"192.0.2.7","hwaddr":"02:00:00:0a:0b:0c","hostname":"printer.example.org","state":0,' +
      '"cltt":1700000000,"valid_lft":3600,"operation":"offer","timestamp":1700000001,"expires_at":1700003600,' +
      '"client_id":"01:02:00:00:0a:0b:0c","subnet_id":12,"node":"node-a","seq":1782579200000001,' +
      '"fqdn_fwd":true,"fqdn_rev":false,"user_context":{"room":"B 12"}}',
  );
});

test('a delegated IPv6 prefix, byte for byte', () => {
  assert.is(
    valueText(six, { ...stamp, word: 'renew' }),
    '{"ip":"2001:db8:1::","type":2,"iaid":4294967295,"duid":"00:01:00:01:2c:0f:fe:e0:02:00:00:00:00:01",' +
      '"state":0,"cltt":1700000000,"valid_lft":4294967295,"preferred_lft":1800,"operation":"renew",' +
      '"timestamp":1700000001,"expires_at":5994967295,"prefix_len":56,"hwaddr":"","hostname":"","subnet_id":3,' +
      '"node":"node-a","seq":1782579200000001,"fqdn_fwd":false,"fqdn_rev":false}',
  );
});

test('hostile host names stay readable and stay inside their quotes', () => {
  const hostile: [Buffer, string][] = [
    [Buffer.from('a"b\\c'), 'a"b\\c'],
    [Buffer.from([0, 1, 10, 13, 31, 127]), '\u0000\u0001\n\r\u001f\u007f'],
    [Buffer.from([0x66, 0xff, 0xfe, 0x6f]), 'f\ufffd\ufffdo'],
    [Buffer.from([0xed, 0xa0, 0x80]), '\ufffd\ufffd\ufffd'],
    [Buffer.from('größe.example', 'utf8'), 'größe.example'],
    [Buffer.from('","operation":"release"'), '","operation":"release"'],
    [Buffer.from('*.example..'), '*.example..'],
    [Buffer.alloc(255, 0x22), '"'.repeat(255)],
  ];
  for (const [bytes, text] of hostile) {
    const value = leaseValue(leaseEvent({ ...four, hostname: bytes }), stamp);
    assert.ok(Buffer.from(value.toString()).equals(value), 'valid UTF-8');
    assert.is((JSON.parse(value.toString()) as { hostname: string }).hostname, text);
    assert.is(readStored(value).word, 'offer');
  }
});

test('no hardware address, a client id of 255 bytes, a user context that is no object', () => {
  const odd = leaseEvent({ ...four, hwaddr: Buffer.alloc(0), clientId: Buffer.alloc(255, 0xfe) });
  for (const context of ['[1]', 'null', '"x"', '{', '\u0000', 'x'.repeat(10)]) {
    const value = JSON.parse(valueText({ ...odd, userContext: Buffer.from(context) }, stamp)) as Record<
      string,
      string
    >;
    assert.is(value.hwaddr, '');
    assert.is(value.client_id?.length, 255 * 3 - 1);
    assert.not('user_context' in value);
  }
});

test('words and removals', () => {
  const { ASSIGN, RENEW, REBIND, RELEASE, DECLINE, RECOVER, EXPIRE, UPDATE, DELETE, SNAPSHOT } = Operation;
  const table = [
    [ASSIGN, 'offer', 'offer', false],
    [RENEW, 'renew', 'renew', false],
    [REBIND, 'renew', 'renew', false],
    [RELEASE, 'release', 'release', true],
    [DECLINE, 'renew', 'renew', false],
    [RECOVER, 'expire', 'expire', true],
    [EXPIRE, 'expire', 'expire', true],
    [UPDATE, 'offer', 'renew', false],
    [DELETE, 'release', 'release', true],
    [SNAPSHOT, 'offer', 'renew', false],
    [99, 'renew', 'renew', false],
  ] as const;
  for (const [operation, isNew, known, gone] of table) {
    assert.is(wordFor(operation, true), isNew);
    assert.is(wordFor(operation, false), known);
    assert.is(removes(operation), gone);
  }
});

test('a declined address is nobody’s', () => {
  const declined = leaseEvent({ ...four, operation: Operation.DECLINE });
  assert.is(identityOf(declined), '');
  assert.is(clientHash(declined), 0);
  const value = leaseValue(declined, stamp);
  assert.is((JSON.parse(value.toString()) as { state: number }).state, 1);
  assert.is(readStored(value).identity, '');
  // What recovers or expires later names nobody either.
  assert.is(identityOf(leaseEvent({ ...four, operation: Operation.RECOVER })), '');
  assert.is(identityOf(leaseEvent({ ...four, operation: Operation.EXPIRE, state: 1 })), '');
});

test('what is read back is what was written', () => {
  for (const event of [four, six]) {
    const stored = readStored(leaseValue(event, stamp));
    assert.equal(stored, {
      node: 'node-a',
      seq: stamp.seq,
      cltt: event.cltt,
      state: event.state,
      expiresAt: event.cltt + event.validLft,
      subnetId: event.subnetId,
      word: 'offer',
      timestamp: stamp.timestamp,
      identity: identityOf(event),
    });
  }
});

test('values of others: missing fields, numbers as text, no JSON', () => {
  const loose = readStored(
    Buffer.from('{"ip":"10.0.0.1","hwaddr":"AA:BB:CC:00:11:22","cltt":"1700000000","valid_lft":"60","x":[]}'),
  );
  assert.is(loose.node, undefined);
  assert.is(loose.cltt, 1_700_000_000);
  assert.is(loose.expiresAt, 1_700_000_060);
  assert.is(loose.identity, 'haa:bb:cc:00:11:22');
  for (const text of ['', 'x', 'null', '[]', '1', '{"seq":{}}', '{"node":5}']) {
    const stored = readStored(Buffer.from(text));
    assert.is(stored.node, undefined);
    assert.is(stored.seq, 0);
  }
});

const hashOf = (event: typeof four) => {
  takeFingerprint(event);
  return `${fingerprint.low}/${fingerprint.high}`;
};

test('the fingerprint tells every field that stands in the value, and no other', () => {
  const base = hashOf(four);
  const same = [
    { operation: Operation.RENEW },
    { observedUs: 5 },
    { readAt: 9 },
    { origin: 4 as const },
    { hwtype: 6 },
  ];
  for (const fields of same) assert.is(hashOf(leaseEvent({ ...four, ...fields })), base);
  const other: Partial<typeof four>[] = [
    { hwaddr: Buffer.from('0200000a0b0d', 'hex') },
    { hwaddr: Buffer.alloc(0) },
    { clientId: Buffer.from('010200000a0b', 'hex') },
    { hostname: Buffer.from('printer.example.orh') },
    { duid: Buffer.from([1]) },
    { iaid: 1 },
    { state: 2 },
    { cltt: four.cltt + 1 },
    { cltt: four.cltt + 2 ** 32 },
    { validLft: 3601 },
    { preferredLft: 1 },
    { subnetId: 13 },
    { fqdnFwd: false },
    { fqdnRev: true },
    { type: LeaseType.PD },
    { prefixLen: 31 },
    { userContext: Buffer.alloc(0) },
    { operation: Operation.DECLINE },
    // Bytes that move from one field to the next.
    { clientId: Buffer.from('010200000a0b0c70', 'hex'), hostname: Buffer.from('rinter.example.org') },
  ];
  const seen = new Set([base]);
  for (const fields of other) seen.add(hashOf(leaseEvent({ ...four, ...fields })));
  assert.is(seen.size, other.length + 1);
});

test.run();
