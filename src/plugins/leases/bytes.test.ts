// SPDX-License-Identifier: MPL-2.0
import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressText, colonHex as hexText } from '../../host/address.js';
import { address, colonHex, integer, quoted, text, written } from './bytes.js';

/** What is written where there is just as much room as promised, between bytes that must stay. */
function guarded(most: number, write: (out: Buffer, at: number) => number): string {
  const out = Buffer.alloc(most + 2, 0xfe);
  const end = write(out, 1);
  assert.ok(end <= most + 1, `${end - 1} bytes, ${most} were promised`);
  assert.is(out[0], 0xfe);
  assert.is(out[most + 1], 0xfe);
  return out.toString('utf8', 1, end);
}

test('numbers as JSON has them', () => {
  const edges = [0, 1, 9, 10, 99, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER, -1, -4_294_967_296];
  for (let power = 10; power < Number.MAX_SAFE_INTEGER; power *= 10) edges.push(power - 1, power, power + 1);
  for (let i = 0; i < 1_000; i++) edges.push(Math.floor(Math.random() * 2 ** (i % 54)));
  for (const value of edges)
    assert.is(
      guarded(20, (out, at) => integer(out, at, value)),
      JSON.stringify(value),
    );
});

test('addresses and identifiers as elsewhere', () => {
  for (let i = 0; i < 256; i++) {
    const four = Buffer.from([i, 255 - i, 0, 9]);
    assert.is(
      guarded(39, (out, at) => address(out, at, four)),
      addressText(four),
    );
    const bytes = randomBytes(i);
    assert.is(
      guarded(3 * i, (out, at) => colonHex(out, at, bytes)),
      hexText(bytes),
    );
  }
  const six = Buffer.from('20010db8000100000000000000000000', 'hex');
  assert.is(
    guarded(39, (out, at) => address(out, at, six)),
    '2001:db8:1::',
  );
  assert.throws(() => guarded(39, (out, at) => address(out, at, Buffer.alloc(5))), RangeError);
});

test('strings as JSON.stringify makes them, in the room that was promised', () => {
  const hostile = [
    '',
    'a',
    'x'.repeat(1024),
    '"'.repeat(255),
    '\u0000'.repeat(255),
    'größe',
    '€'.repeat(85),
    '😀',
  ];
  const odd = [Buffer.alloc(255, 0xff), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('end\u007f')];
  for (const bytes of [...hostile.map((each) => Buffer.from(each)), ...odd, randomBytes(1024)])
    assert.is(
      guarded(6 * bytes.length + 2, (out, at) => quoted(out, at, bytes)),
      JSON.stringify(bytes.toString('utf8')),
    );
  for (const value of [...hostile, 'é'.repeat(31), 'node'])
    assert.is(
      guarded(3 * value.length, (out, at) => text(out, at, value)),
      value,
    );
});

test('what was written before stays as it was', () => {
  const made = Array.from({ length: 5_000 }, (_, i) => written(400, (out, at) => integer(out, at, i)));
  const large = written(200_000, (out, at) => text(out, at, 'y'.repeat(200_000)));
  made.push(written(20, (out, at) => integer(out, at, 5_000)));
  assert.ok(made.every((bytes, i) => bytes.toString() === String(i)));
  assert.is(large.toString(), 'y'.repeat(200_000));
});

test.run();
