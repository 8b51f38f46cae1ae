// SPDX-License-Identifier: MPL-2.0
import { isIPv6 } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressText, parseAddress } from './address.js';

const six = (hex: string) => Buffer.from(hex.padEnd(32, '0'), 'hex');

const golden: [Buffer, string][] = [
  [Buffer.from([0, 0, 0, 0]), '0.0.0.0'],
  [Buffer.from([192, 0, 2, 255]), '192.0.2.255'],
  [six(''), '::'],
  [six('00000000000000000000000000000001'), '::1'],
  [six('20010db8'), '2001:db8::'],
  [six('20010db8000000000000000000000001'), '2001:db8::1'],
  // RFC 5952, 4.2.2: one group alone is not shortened.
  [six('20010db8000000010001000100010001'), '2001:db8:0:1:1:1:1:1'],
  // 4.2.3: the longest run, and the first of equals.
  [six('20010000000000010000000000000001'), '2001:0:0:1::1'],
  [six('20010db8000000000001000000000001'), '2001:db8::1:0:0:1'],
  // 4.3: lower case, without leading zeros.
  [six('20010db8aaaabbbbccccddddeeee0aaa'), '2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaa'],
  [six('00000000000000000000ffffc0000201'), '::ffff:192.0.2.1'],
  [six('00010000000000000000000000000000'), '1::'],
  [six('00010002000300040005000600070000'), '1:2:3:4:5:6:7:0'],
];

test('addresses become the text that RFC 5952 wants', () => {
  for (const [bytes, text] of golden) assert.is(addressText(bytes), text);
});

test('and bytes again', () => {
  for (const [bytes, text] of golden) assert.equal(parseAddress(text), bytes);
  assert.equal(parseAddress('2001:DB8:0:0::1'), six('20010db8000000000000000000000001'));
});

test('ten thousand at random go there and back', () => {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  };
  for (let i = 0; i < 10_000; i++) {
    const bytes = Buffer.from(Array.from({ length: 16 }, () => (random() % 3 === 0 ? random() & 255 : 0)));
    const text = addressText(bytes);
    assert.ok(isIPv6(text), text);
    assert.equal(parseAddress(text), bytes, text);
  }
});

test('what is no address', () => {
  const wrong = [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    '::1::',
    '1:2:3',
    '1:2:3:4:5:6:7:8:9',
    ':1',
    'g::',
    '10.0.0.0/8',
    '1:2:3:4:5:6:7::8',
    ':::',
  ];
  for (const text of wrong) assert.is(parseAddress(text), undefined, text);
  for (const length of [0, 3, 5, 15, 17]) assert.throws(() => addressText(Buffer.alloc(length)));
});

test.run();
