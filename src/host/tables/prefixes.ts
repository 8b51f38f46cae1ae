// SPDX-License-Identifier: MPL-2.0
// Client addresses and subnets as tables take them: canonical text on one side, bytes on the other.
import { addressText, parseAddress } from '../address.js';
import { NnoeError } from '../errors.js';

export interface Prefix {
  /** 4 or 16, network order; host bits are 0. */
  address: Uint8Array;
  /** In bits. */
  length: number;
}

/** As tables name it: an address alone when nothing is left to vary. */
export const prefixText = ({ address, length }: Prefix): string =>
  length === address.length * 8 ? addressText(address) : `${addressText(address)}/${length}`;

/** @throws NnoeError TABLES_INVALID when it is not an address or CIDR in canonical text. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  const bits = slash === -1 ? undefined : text.slice(slash + 1);
  if (address !== undefined && (bits === undefined || /^\d{1,3}$/.test(bits))) {
    const prefix = { address, length: bits === undefined ? address.length * 8 : Number(bits) };
    if (prefix.length <= address.length * 8 && prefixText(prefix) === text && !hasHostBits(prefix))
      return prefix;
  }
  const expected = 'an address or CIDR in canonical text, such as 192.0.2.1 or 2001:db8::/32';
  throw new NnoeError('TABLES_INVALID', { what: 'prefix', found: JSON.stringify(text), expected });
}

function hasHostBits({ address, length }: Prefix): boolean {
  const whole = length >> 3;
  const partial = length & 7;
  if (partial !== 0 && ((address[whole] as number) & (0xff >> partial)) !== 0) return true;
  for (let i = whole + (partial === 0 ? 0 : 1); i < address.length; i++) if (address[i] !== 0) return true;
  return false;
}

/** Whether `prefix` covers an address of 4 or 16 bytes. */
export function covers({ address, length }: Prefix, client: Uint8Array): boolean {
  if (address.length !== client.length) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== client[i]) return false;
  const mask = 0xff00 >> (length & 7);
  return (length & 7) === 0 || (((address[whole] as number) ^ (client[whole] as number)) & mask & 0xff) === 0;
}
