// SPDX-License-Identifier: MPL-2.0
// Addresses between Kea's bytes and the text that stands in keys: dotted decimal, and RFC 5952 for IPv6.
// Libraries for this cost several microseconds an address; the lease path has about fifteen for everything.

const decimal = Array.from({ length: 256 }, (_, i) => String(i));

function text4(b: Uint8Array, at: number): string {
  return `${decimal[b[at] as number]}.${decimal[b[at + 1] as number]}.${decimal[b[at + 2] as number]}.${decimal[b[at + 3] as number]}`;
}

/** Start and length of the first longest run of zero groups; one group alone is not shortened. */
function zeroRun(groups: readonly number[]): [start: number, length: number] {
  let best = 0;
  let bestAt = -1;
  let run = 0;
  for (let i = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      bestAt = i - run + 1;
    }
  }
  return best < 2 ? [-1, 0] : [bestAt, best];
}

function text6(b: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((b[i] as number) << 8) | (b[i + 1] as number));
  const [start, length] = zeroRun(groups);
  // ::ffff:0:0/96 shows its IPv4 address, as inet_ntop does.
  if (start === 0 && length === 5 && groups[5] === 0xffff) return `::ffff:${text4(b, 12)}`;
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += '::';
      i += length - 1;
    } else text += `${i === 0 || i === start + length ? '' : ':'}${(groups[i] as number).toString(16)}`;
  }
  return text;
}

/** @throws RangeError when it is neither 4 nor 16 bytes. */
export function addressText(address: Uint8Array): string {
  if (address.length === 4) return text4(address, 0);
  if (address.length === 16) return text6(address);
  throw new RangeError(`an address of ${address.length} bytes`);
}

function parse4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map(Number);
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const four = i === parts.length - 1 && part.includes('.') ? parse4(part) : undefined;
    if (four) bytes.push(...four);
    else if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
    else bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
  }
  return bytes;
}

/** The bytes of an address in text, or undefined when it is none. */
export function parseAddress(text: string): Buffer | undefined {
  if (!text.includes(':')) {
    const bytes = parse4(text);
    return bytes && Buffer.from(bytes);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Buffer.from([...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]);
}

const hexPair = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Hardware addresses, client ids and DUIDs as Kea writes them: `aa:bb:…`; empty for no bytes. */
export function colonHex(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  let text = hexPair[bytes[0] as number] as string;
  for (let i = 1; i < bytes.length; i++) text += `:${hexPair[bytes[i] as number]}`;
  return text;
}
