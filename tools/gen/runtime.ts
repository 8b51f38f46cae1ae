// SPDX-License-Identifier: MPL-2.0
// The part of the generated codec that does not depend on the schema, as text.
export const runtime = `/** The bytes are not a message: cut short, a number beyond 2^53, or a wire type that does not exist. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

const EMPTY = Buffer.alloc(0);
const MAX_SAFE_HIGH = 0x1fffff; // bits 32..52

/** One instance serves every decode: a decoder never calls another. */
class Reader {
  buf: Buffer = EMPTY;
  at = 0;
  end = 0;
  private memory: ArrayBufferLike = EMPTY.buffer;
  private offset = 0;

  over(buf: Buffer, start: number, end: number): this {
    if (!(start >= 0 && start <= end && end <= buf.length)) throw new DecodeError('range outside the buffer');
    // Messages that came together share a buffer, and asking one for its memory is slow.
    if (buf !== this.buf) {
      this.buf = buf;
      this.memory = buf.buffer;
      this.offset = buf.byteOffset;
    }
    this.at = start;
    this.end = end;
    return this;
  }

  private byte(): number {
    if (this.at >= this.end) throw new DecodeError('message cut short');
    return this.buf[this.at++] as number;
  }

  /** Low and high half of a varint; the result is \`low\`, the high half is left in \`high\`. */
  private high = 0;
  private halves(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const b = this.byte();
      low |= (b & 0x7f) << shift;
      if (b < 0x80) {
        this.high = 0;
        return low >>> 0;
      }
    }
    let b = this.byte();
    low |= (b & 0x0f) << 28;
    let high = (b & 0x7f) >> 4;
    for (let shift = 3; b >= 0x80; shift += 7) {
      if (shift > 31) throw new DecodeError('number longer than ten bytes');
      b = this.byte();
      high |= (b & 0x7f) << shift;
    }
    this.high = high >>> 0;
    return low >>> 0;
  }

  varint(): number {
    if (this.at < this.end) {
      const b = this.buf[this.at] as number;
      if (b < 0x80) {
        this.at++;
        return b;
      }
    }
    const low = this.halves();
    if (this.high > MAX_SAFE_HIGH) throw new DecodeError('number beyond 2^53');
    return this.high * 4294967296 + low;
  }

  signed(): number {
    const low = this.halves();
    if (this.high < 0x80000000) {
      if (this.high > MAX_SAFE_HIGH) throw new DecodeError('number beyond 2^53');
      return this.high * 4294967296 + low;
    }
    const high = ~this.high >>> 0;
    if (high > MAX_SAFE_HIGH) throw new DecodeError('number beyond 2^53');
    return -(high * 4294967296 + (~low >>> 0) + 1);
  }

  bytes(): Buffer {
    const length = this.varint();
    const from = this.at;
    if (length > this.end - from) throw new DecodeError('message cut short');
    this.at = from + length;
    return length === 0 ? EMPTY : new View(this.memory, this.offset + from, length);
  }

  /** Passes over a field that we do not know, or that has another wire type than ours. */
  skip(tag: number): void {
    if (tag < 8) throw new DecodeError('field number zero');
    const before = this.at;
    switch (tag & 7) {
      case 0:
        this.halves();
        break;
      case 1:
        this.at += 8;
        break;
      case 2:
        this.bytes();
        break;
      case 5:
        this.at += 4;
        break;
      default:
        throw new DecodeError('wire type that does not exist');
    }
    if (this.at > this.end || this.at < before) throw new DecodeError('message cut short');
  }
}
const reader = new Reader();

class Writer {
  private parts: number[] = [];

  private raw(value: number): void {
    let v = BigInt.asUintN(64, BigInt(value));
    for (; v > 0x7fn; v >>= 7n) this.parts.push(Number(v & 0x7fn) | 0x80);
    this.parts.push(Number(v));
  }

  varint(field: number, value: number): void {
    this.raw(field * 8);
    this.raw(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.raw(field * 8 + 2);
    this.raw(value.length);
    for (const b of value) this.parts.push(b);
  }

  finish(): Buffer {
    return Buffer.from(this.parts);
  }
}
`;
