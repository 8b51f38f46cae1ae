// SPDX-License-Identifier: MPL-2.0
// A stream of JSON objects, one a line, as it comes over the network: cut anywhere, many in one piece.
import { NnoeError } from '../errors.js';

/** No line of etcd's comes near this, bytes: a reply holds what a few requests of 1.5 MiB wrote. */
const longest = 1 << 28;
const newline = 0x0a;

export class Lines {
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] = [];
  #length = 0;

  constructor(private readonly line: (bytes: Buffer) => void) {}

  /** Hands on every line that is complete now; each byte is looked at once. @throws NnoeError STORE_PROTOCOL. */
  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const line = this.#join(chunk.subarray(from, end));
      from = end + 1;
      if (line.length > 0) this.line(line);
    }
    if (from === chunk.length) return;
    this.#parts.push(chunk.subarray(from));
    this.#length += chunk.length - from;
    if (this.#length > longest)
      throw new NnoeError('STORE_PROTOCOL', { reason: `${this.#length} bytes without the end of a line` });
  }

  #join(last: Buffer): Buffer {
    if (this.#parts.length === 0) return last;
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
