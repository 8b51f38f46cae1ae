// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { View } from './view.js';

test('a view is what subarray gives: a Buffer on the same memory', () => {
  for (const buffer of [
    Buffer.from('0123456789'),
    Buffer.alloc(10, 'x'),
    Buffer.allocUnsafeSlow(10).fill('y'),
  ]) {
    const made = new View(buffer.buffer, buffer.byteOffset + 2, 5);
    const same = buffer.subarray(2, 7);
    assert.equal(made, same);
    assert.ok(Buffer.isBuffer(made));
    assert.is(Object.getPrototypeOf(made), Object.getPrototypeOf(same));
    assert.is(made.buffer, buffer.buffer);
    assert.is(made.byteOffset, same.byteOffset);
    buffer[2] = 0x21;
    assert.is(made.toString('latin1', 0, 1), '!');
  }
});

test('one beyond the memory is refused', () => {
  assert.throws(() => new View(new ArrayBuffer(8), 4, 5), RangeError);
});

test.run();
