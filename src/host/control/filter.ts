// SPDX-License-Identifier: MPL-2.0
// Which leases are meant: all, those of one address, or those of a network. Keys are addresses as text, so most
// of a network is found by the text that all its addresses begin with.
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export interface LeaseFilter {
  /** Every key that is meant begins with this. */
  prefix: string;
  /** Set when there can be one key only. */
  address?: string;
  matches(key: string): boolean;
}

export const everything: LeaseFilter = { prefix: '', matches: () => true };

/** What an address looks like, for error messages. */
export const addressHint = 'an address such as 192.0.2.7 or 2001:db8::7';
export const networkHint = 'a network such as 192.0.2.0/24 or 2001:db8::/32';

/** Undefined when `text` is no address. */
export function addressFilter(text: string): LeaseFilter | undefined {
  const parsed = parse(text);
  if (parsed === undefined) return undefined;
  const address = keyOf(parsed);
  return { prefix: address, address, matches: (key) => key === address };
}

/** Undefined when `text` is no network; bits beyond its length are not looked at. */
export function networkFilter(text: string): LeaseFilter | undefined {
  const [head = '', length = '', more] = text.split('/');
  const base = parse(head);
  if (base === undefined || more !== undefined || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = Number(length);
  if (bits > (base.kind() === 'ipv4' ? 32 : 128)) return undefined;
  return {
    prefix: base.kind() === 'ipv4' ? text4(base as ipaddr.IPv4, bits) : text6(base as ipaddr.IPv6, bits),
    matches(key) {
      const address = parse(key);
      return address !== undefined && address.kind() === base.kind() && address.match(base as never, bits);
    },
  };
}

/** Only the usual forms: 127.1, octal numbers and zones are refused. */
function parse(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}

/** As keys are written: RFC 5952, with the IPv4 address of ::ffff:0:0/96 in dots. */
function keyOf(address: Address): string {
  if (address.kind() === 'ipv4') return address.toString();
  const six = address as ipaddr.IPv6;
  return six.isIPv4MappedAddress() ? `::ffff:${six.toIPv4Address()}` : six.toRFC5952String();
}

/** The octets that a network of `bits` bits fixes. */
function text4(base: ipaddr.IPv4, bits: number): string {
  const fixed = base.octets.slice(0, Math.floor(bits / 8));
  return fixed.length === 4 ? fixed.join('.') : fixed.map((octet) => `${octet}.`).join('');
}

/** The fixed groups before the first zero: from there on `::` may stand for several. */
function text6(base: ipaddr.IPv6, bits: number): string {
  const fixed = base.parts.slice(0, Math.floor(bits / 16));
  const zero = fixed.indexOf(0);
  const sure = zero === -1 ? fixed.slice(0, 7) : fixed.slice(0, zero);
  return sure.map((group) => `${group.toString(16)}:`).join('');
}
