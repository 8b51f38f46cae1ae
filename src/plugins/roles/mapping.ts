// SPDX-License-Identifier: MPL-2.0
// One mapping as it stands in the store: `<address or CIDR>` -> `{"roles":["iot"]}`. Keys come as people write them;
// what comes of one is the canonical prefix that tables take.
import ipaddr from 'ipaddr.js';
import { addressText } from '../../host/plugin.js';

export const faults = ['address', 'length', 'json', 'roles'] as const;
export type Fault = (typeof faults)[number];

/** What is wrong with a mapping, in one clause with what was found and what was expected. */
export interface Malformed {
  fault: Fault;
  reason: string;
}

/** Bytes of ::ffff:0:0/96, under which IPv4 addresses stand in IPv6. */
const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const mappedBits = 96;

/** Canonical text: host bits 0, an address alone without its length, IPv4 for what is IPv4 in IPv6. */
export function prefixOf(key: string): string | Malformed {
  const text = unescaped(key);
  const slash = text.indexOf('/');
  const bytes = addressBytes(slash === -1 ? text : text.slice(0, slash));
  if (bytes === undefined) {
    const reason = `found ${shown(text)}, expected an IPv4 or IPv6 address or CIDR`;
    return { fault: 'address', reason };
  }
  const whole = bytes.length * 8;
  const written = slash === -1 ? String(whole) : text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(written) ? Number(written) : Number.NaN;
  if (!(length <= whole)) {
    const reason = `found ${shown(text)}, expected a prefix length of 0 to ${whole}`;
    return { fault: 'length', reason };
  }
  if (length >= mappedBits && mapped.every((byte, i) => byte === bytes[i]))
    return canonical(bytes.slice(12), length - mappedBits);
  return canonical(bytes, length);
}

/** `%2F` for the slash, as some writers put it. */
function unescaped(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function addressBytes(text: string): number[] | undefined {
  if (!text.includes(':'))
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text).toByteArray() : undefined;
  // A zone is one of a link of some machine, which no client of a resolver has.
  return !text.includes('%') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text).toByteArray() : undefined;
}

function canonical(bytes: number[], length: number): string {
  const masked = Uint8Array.from(
    bytes,
    (byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))),
  );
  return length === bytes.length * 8 ? addressText(masked) : `${addressText(masked)}/${length}`;
}

/** Sorted, each once. */
export function rolesOf(value: Buffer): readonly string[] | Malformed {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString());
  } catch {
    return { fault: 'json', reason: `found ${shown(value.toString())}, expected {"roles":["NAME"]}` };
  }
  const { roles, role } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<
    string,
    unknown
  >;
  const named = roles ?? role;
  const list = typeof named === 'string' ? [named] : named;
  if (Array.isArray(list) && list.length > 0 && list.length <= 64 && list.every(isRole))
    return [...new Set(list as string[])].sort();
  const expected = 'roles: 1 to 64 texts of 1 to 128 bytes without control characters';
  return { fault: 'roles', reason: `found ${shown(JSON.stringify(named) ?? 'none')}, expected ${expected}` };
}

const isRole = (role: unknown): boolean =>
  typeof role === 'string' && role !== '' && Buffer.byteLength(role) <= 128 && !/[\p{Cc}\p{Cs}]/u.test(role);

/** Keys and values hold whatever somebody wrote. */
export const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
