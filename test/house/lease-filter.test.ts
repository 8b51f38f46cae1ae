// SPDX-License-Identifier: MPL-2.0
// Which keys an address or a network means, and that the text it is searched by leaves none of them out.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressText, parseAddress } from '../../src/host/address.js';
import { addressFilter, networkFilter } from '../../src/host/control/filter.js';

test('an address is its key, however it is written', () => {
  const keys: Record<string, string> = {
    '192.0.2.7': '192.0.2.7',
    '2001:DB8:0:0::7': '2001:db8::7',
    '2001:0db8:0000:0000:0000:0000:0000:0007': '2001:db8::7',
    '::': '::',
    '::ffff:192.0.2.7': '::ffff:192.0.2.7',
    '::ffff:c000:207': '::ffff:192.0.2.7',
    '2001:db8:0:1:0:0:0:1': '2001:db8:0:1::1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
  };
  for (const [written, key] of Object.entries(keys)) {
    assert.is(addressFilter(written)?.address, key, written);
    assert.is(addressText(parseAddress(written) ?? Buffer.alloc(0)), key, 'as the plugin writes it');
  }
});

test('what is no address or network is refused', () => {
  const addresses = [
    '',
    '192.0.2',
    '127.1',
    '0x7f.0.0.1',
    '192.0.2.007',
    '192.0.2.256',
    'fe80::1%eth0',
    '::1::',
    'a',
    '192.0.2.7/32',
    '2001:db8',
  ];
  for (const text of addresses) assert.is(addressFilter(text), undefined, text);
  for (const text of [
    '',
    '192.0.2.0',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/',
    '/8',
    '::/129',
    '::/8/8',
    '10/8',
    '::/ 8',
  ])
    assert.is(networkFilter(text), undefined, text);
});

/** xorshift32: the same addresses every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const inside = (a: Uint8Array, b: Uint8Array, bits: number) => {
  for (let i = 0; i < bits; i++) {
    const mask = 0x80 >> (i % 8);
    if (((a[i >> 3] as number) & mask) !== ((b[i >> 3] as number) & mask)) return false;
  }
  return true;
};

test('a network matches exactly the addresses inside, and all their keys begin with its text', () => {
  const next = random(7);
  for (const length of [4, 16]) {
    for (let round = 0; round < 400; round++) {
      const base = Buffer.from(Array.from({ length }, () => (next() % 3 === 0 ? 0 : next() & 255)));
      const bits = next() % (length * 8 + 1);
      const filter = networkFilter(`${addressText(base)}/${bits}`);
      if (filter === undefined) throw new Error(`${addressText(base)}/${bits} is refused`);
      for (let k = 0; k < 12; k++) {
        const other = Buffer.from(base);
        // Mostly near the network's edge, so that both answers come.
        const bit = k < 6 ? Math.max(0, bits - 1 + (next() % 3)) : next() % (length * 8);
        if (bit < length * 8) other[bit >> 3] = (other[bit >> 3] as number) ^ (0x80 >> (bit % 8));
        const key = addressText(other);
        const expected = inside(base, other, bits);
        assert.is(filter.matches(key), expected, `${key} in ${addressText(base)}/${bits}`);
        if (expected) assert.ok(key.startsWith(filter.prefix), `${key} begins with ${filter.prefix}`);
      }
      assert.not.ok(filter.matches(length === 4 ? '2001:db8::1' : '192.0.2.1'), 'the other family');
      assert.not.ok(filter.matches('no address'));
    }
  }
});

test('the text that is searched by is as long as can be', () => {
  const prefixes: Record<string, string> = {
    '192.0.2.0/24': '192.0.2.',
    '192.0.2.128/25': '192.0.2.',
    '192.0.2.7/32': '192.0.2.7',
    '10.0.0.0/8': '10.',
    '0.0.0.0/0': '',
    '2001:db8::/32': '2001:db8:',
    '2001:db8::/64': '2001:db8:',
    '2001:db8:1:2::/64': '2001:db8:1:2:',
    '::/0': '',
  };
  for (const [network, prefix] of Object.entries(prefixes))
    assert.is(networkFilter(network)?.prefix, prefix, network);
});

test.run();
