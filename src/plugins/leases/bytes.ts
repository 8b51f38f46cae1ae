// SPDX-License-Identifier: MPL-2.0
// Text as bytes, where it is going to be sent from: strings put together of thirty pieces are measured, flattened
// and copied before they are bytes, and each piece is an object until then. Every function writes at `at` and
// gives the place behind what it wrote; whoever calls has seen to it that there is room.
import { addressText } from '../../host/address.js';
import { View } from '../../host/view.js';

const slabSize = 1 << 16;
let slab = Buffer.allocUnsafeSlow(slabSize);
let used = 0;

/** Calls `write` with room for `most` bytes, and gives what it wrote. */
export function written(most: number, write: (out: Buffer, at: number) => number): Buffer {
  if (slab.length - used < most) {
    slab = Buffer.allocUnsafeSlow(Math.max(slabSize, most));
    used = 0;
  }
  const start = used;
  used = write(slab, start);
  return new View(slab.buffer, slab.byteOffset + start, used - start);
}

/** @param text ASCII. */
export const constant = (text: string): Uint8Array => Buffer.from(text, 'latin1');

export function copy(out: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  for (let i = 0; i < length; i++) out[at + i] = bytes[i] as number;
  return at + length;
}

/** Longer ones are worth a call of native code. */
const short = 32;

/** UTF-8; three bytes a character at most. */
export function text(out: Buffer, at: number, value: string): number {
  const { length } = value;
  if (length > short) return at + out.write(value, at);
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0x7f) return at + out.write(value, at);
    out[at + i] = code;
  }
  return at + length;
}

function digits(out: Uint8Array, at: number, value: number, count: number): number {
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    const next = (rest / 10) >>> 0;
    out[i] = 48 + rest - next * 10;
    rest = next;
  }
  return at + count;
}

function small(out: Uint8Array, at: number, value: number): number {
  let count = 1;
  for (let limit = 10; limit <= value; limit *= 10) count++;
  return digits(out, at, value, count);
}

const low = 1_000_000_000;

/** As JSON has it; 20 bytes at most for what a JavaScript number holds exactly. */
export function integer(out: Buffer, at: number, value: number): number {
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) return text(out, at, String(value));
  if (value < low) return small(out, at, value);
  const high = Math.floor(value / low);
  return digits(out, small(out, at, high), value - high * low, 9);
}

const hexDigits = constant('0123456789abcdef');

/** As `colonHex`; three bytes for each, less one. */
export function colonHex(out: Uint8Array, at: number, bytes: Uint8Array): number {
  let to = at;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (i > 0) out[to++] = 0x3a;
    out[to++] = hexDigits[byte >> 4] as number;
    out[to++] = hexDigits[byte & 15] as number;
  }
  return to;
}

/** As `addressText`; 39 bytes at most. */
export function address(out: Buffer, at: number, bytes: Uint8Array): number {
  if (bytes.length !== 4) return text(out, at, addressText(bytes));
  let to = at;
  for (let i = 0; i < 4; i++) {
    if (i > 0) out[to++] = 0x2e;
    to = small(out, to, bytes[i] as number);
  }
  return to;
}

/** A JSON string of bytes that a client chose, as `JSON.stringify` of their text; six bytes for each, and two. */
export function quoted(out: Buffer, at: number, bytes: Buffer): number {
  const { length } = bytes;
  out[at] = 0x22;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c)
      return text(out, at, JSON.stringify(bytes.toString('utf8')));
    out[at + 1 + i] = byte;
  }
  out[at + length + 1] = 0x22;
  return at + length + 2;
}
