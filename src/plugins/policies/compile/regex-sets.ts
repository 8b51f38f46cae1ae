// SPDX-License-Identifier: MPL-2.0
// Sets of characters that patterns name, as far as they are ASCII.

/** A set of ASCII bytes, by number. */
export type Bytes = ReadonlySet<number>;

export const ascii = Array.from({ length: 128 }, (_, i) => i);
export const where = (holds: (byte: number) => boolean): Bytes => new Set(ascii.filter(holds));
export const range = (from: number, to: number): Bytes => where((b) => b >= from && b <= to);
const isWord = (b: number) => /\w/.test(String.fromCharCode(b));

export const perl: Record<string, Bytes> = {
  d: where((b) => b >= 0x30 && b <= 0x39),
  s: new Set([0x09, 0x0a, 0x0c, 0x0d, 0x20]),
  w: where(isWord),
};
export const posix: Record<string, RegExp> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is that.
  ascii: /[\x00-\x7f]/,
  blank: /[\t ]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is that.
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};
export const controls: Record<string, number> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
export const not = (bytes: Bytes): Bytes => where((b) => !bytes.has(b));

/** Both cases of every letter; U+017F and U+212A fold to s and k. */
export function folded(bytes: Iterable<number>): Bytes {
  const all = new Set<number>();
  for (const b of bytes) {
    const letter = b === 0x17f ? 0x73 : b === 0x212a ? 0x6b : b;
    if (letter > 127) continue;
    all.add(letter);
    const other = letter ^ 0x20;
    if (/[A-Za-z]/.test(String.fromCharCode(letter))) all.add(other);
  }
  return all;
}
