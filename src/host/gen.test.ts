// SPDX-License-Identifier: MPL-2.0
// The generated codec against protobufjs' own, and on bytes that are not messages.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzEvents } from '../../tools/fuzz-events.js';
import { DecodeError, decodeLeaseEvent, encodeLeaseEvent, type LeaseEvent } from './gen/events.js';

const source = readFileSync(fileURLToPath(new URL('../../../proto/nnoe.proto', import.meta.url)), 'utf8');
const reference = protobuf.parse(source).root.lookupType('nnoe.v1.LeaseEvent');

const full: LeaseEvent = {
  operation: 8,
  origin: 4,
  type: 2,
  address: Buffer.from('20010db8000000000000000000000000', 'hex'),
  prefixLen: 56,
  hwtype: 1,
  hwaddr: Buffer.from('0200000000ff', 'hex'),
  clientId: Buffer.alloc(255, 0x2a),
  duid: Buffer.alloc(130, 1),
  iaid: 4294967295,
  subnetId: 4294967294,
  state: 4,
  cltt: -1,
  validLft: 4294967295,
  preferredLft: 128,
  hostname: Buffer.from([0, 255, 46, 42]),
  fqdnFwd: true,
  fqdnRev: true,
  userContext: Buffer.from('{"a":1}'),
  observedUs: 1790000000123456,
  readAt: Number.MAX_SAFE_INTEGER,
};

test('encodes and decodes every field as protobufjs does', () => {
  const bytes = encodeLeaseEvent(full);
  assert.equal(decodeLeaseEvent(bytes), full);
  const object = reference.toObject(reference.decode(bytes), {
    longs: Number,
    bytes: Buffer,
    defaults: true,
  });
  assert.equal({ ...object }, { ...full });
  const other = Buffer.from(reference.encode(reference.fromObject({ ...full })).finish());
  assert.equal(decodeLeaseEvent(other), full);
});

test('missing fields have their defaults; unknown ones are passed over', () => {
  assert.is(decodeLeaseEvent(Buffer.alloc(0)).address.length, 0);
  const unknown = Buffer.from([
    0x08, 2, 0xf8, 0x3f, 0x96, 1, 0xfa, 0x3f, 2, 1, 2, 0xfd, 0x3f, 1, 2, 3, 4, 0x28, 24,
  ]);
  const event = decodeLeaseEvent(unknown);
  assert.is(event.operation, 2);
  assert.is(event.prefixLen, 24);
});

test('what is not a message is a clean error', () => {
  for (const hex of [
    '08',
    '08ff',
    '2205aa',
    '0b',
    '00',
    '08ffffffffffffffffffff01',
    'a801ffffffffffffffff7f',
  ]) {
    assert.throws(
      () => decodeLeaseEvent(Buffer.from(hex, 'hex')),
      (error: unknown) => error instanceof DecodeError,
    );
  }
  assert.throws(() => decodeLeaseEvent(Buffer.alloc(4), 2, 9), /range/);
});

test('20,000 mutated events', () => {
  const { decoded, refused } = fuzzEvents(20_000, 1);
  assert.is(decoded + refused, 20_000);
  assert.ok(decoded > 1000 && refused > 1000);
});

test.run();
