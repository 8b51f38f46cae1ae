// SPDX-License-Identifier: MPL-2.0
// inIPAddrRange, as Go's net package means it.
import { addressText, parseAddress } from '../../../host/address.js';
import type { AddressRange } from './constants.js';

const mapped = Buffer.from('00000000000000000000ffff', 'hex');

/** Go refuses leading zeros in IPv4, and zones; parseAddress takes the former. */
function parseIp(text: string): Buffer | undefined {
  if (/(^|[.:])0\d+(?=\.|$)/.test(text) && text.includes('.')) return undefined;
  return parseAddress(text);
}

/** Addresses in a CIDR; undefined when it is none. An IPv4 range inside of ::ffff:0:0/96 is a range of IPv4. */
export function cidrRange(text: string): AddressRange | undefined {
  const [address = '', bits = '', ...rest] = text.split('/');
  const parsed = parseIp(address);
  if (!parsed || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const length = Number(bits);
  if (length > parsed.length * 8) return undefined;
  const mask = Buffer.alloc(parsed.length, 0);
  for (let i = 0; i < length; i++) mask[i >> 3] = (mask[i >> 3] as number) | (0x80 >> (i & 7));
  const first = Buffer.from(parsed.map((byte, i) => byte & (mask[i] as number)));
  const last = Buffer.from(first.map((byte, i) => byte | (~(mask[i] as number) & 0xff)));
  if (first.length === 16 && first.subarray(0, 12).equals(mapped))
    return [first.subarray(12), last.subarray(12)];
  return [first, last];
}

/** The address that R.attr.client shows with exactly this text. */
export function clientRange(text: string): AddressRange | undefined {
  const parsed = parseAddress(text);
  if (!parsed || (parsed.length === 16 && parsed.subarray(0, 12).equals(mapped))) return undefined;
  return addressText(parsed) === text ? [parsed, parsed] : undefined;
}
