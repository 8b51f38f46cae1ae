// SPDX-License-Identifier: MPL-2.0
// Names of domains between text and wire form, and as the addon takes them.
import { domainToASCII } from 'node:url';

/** Bytes of a name in wire form, its root label included (RFC 1035, 2.3.4). */
const mostBytes = 255;
const mostLabel = 63;

/**
 * Wire form in lower case of a name in presentation form (RFC 1035, 5.1: `\.` and `\DDD`), with or without the
 * trailing dot; `.` is the root. Names beyond ASCII by UTS 46. Undefined when it is no name.
 */
export function nameBytes(text: string): Buffer | undefined {
  if (text === '.') return Buffer.from([0]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII.
  const ascii = /^[\x00-\x7f]*$/.test(text) ? text : domainToASCII(text.replace(/[.。．｡]$/, ''));
  if (ascii === '') return undefined;
  const labels: Buffer[] = [];
  let label: number[] = [];
  for (let i = 0; i < ascii.length; i++) {
    let byte = ascii.charCodeAt(i);
    if (byte === 0x2e) {
      if (label.length === 0 || label.length > mostLabel) return undefined;
      labels.push(Buffer.from([label.length, ...label]));
      label = [];
      continue;
    }
    if (byte === 0x5c) {
      const decimal = /^\d{3}/.exec(ascii.slice(i + 1, i + 4))?.[0];
      byte = decimal === undefined ? ascii.charCodeAt(i + 1) : Number(decimal);
      i += decimal === undefined ? 1 : 3;
      if (!(byte <= 255)) return undefined;
    } else if (byte <= 0x20 || byte === 0x7f) return undefined;
    label.push(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  if (label.length > mostLabel) return undefined;
  if (label.length > 0) labels.push(Buffer.from([label.length, ...label]));
  const wire = Buffer.concat([...labels, Buffer.from([0])]);
  return wire.length <= mostBytes ? wire : undefined;
}

/** What is done with a name; bits of an entry. */
export const NameFlag = { subtree: 1, unset: 2 } as const;

/** Entries of a list's number (16 bits little-endian), flags, size of the name, and the name in wire form. */
export class NameEntries {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(list: number, flags: number, wire: Buffer): void {
    const entry = Buffer.allocUnsafe(4 + wire.length);
    entry.writeUInt16LE(list, 0);
    entry[2] = flags;
    entry[3] = wire.length;
    wire.copy(entry, 4);
    this.#parts.push(entry);
    this.#bytes += entry.length;
  }

  /** And begins anew. */
  take(): Buffer {
    const all = Buffer.concat(this.#parts.splice(0));
    this.#bytes = 0;
    return all;
  }
}
