// SPDX-License-Identifier: MPL-2.0
// Why a query meets what it meets: what the addon found in a tables directory, in words.
import { addressText, parseAddress } from '../address.js';
import { type VerdictReason, verdictReasons } from '../decisions/words.js';
import { NnoeError, reasonOf } from '../errors.js';
import { type Native, native } from '../native.js';
import { Act, type ActionRecord, type ActName } from './actions.js';
import { nameBytes } from './names.js';
import type { NativeExplanation } from './native.js';
import { prefixText } from './prefixes.js';

/** Those that leave it to what the bridge's configuration says. */
const leftToFail: readonly VerdictReason[] = ['no-tables', 'unplanned', 'malformed'];

export interface WhyAction {
  act: ActName;
  /** s; of an answer made up, and of a negative one. */
  ttl?: number;
  a?: readonly string[];
  aaaa?: readonly string[];
  cname?: string;
  pool?: string;
  /** RFC 8914, for clients that speak EDNS. */
  extendedError?: { code: number; text: string };
}

export interface WhyReport {
  client: string;
  /** As it is asked on the wire, without the trailing dot. */
  name: string;
  type: string;
  directory: string;
  /** 0: nothing is published. */
  generation: number;
  ageSeconds?: number;
  roleSet: number;
  roles: readonly string[];
  /** That gives the roles; absent: none covers the client, which has the default ones. */
  mapping?: { prefix: string; key: string };
  /** Listed names at and above the name, from the top of the tree down. */
  levels: readonly { name: string; lists: readonly string[]; changed: boolean }[];
  reason: VerdictReason;
  /** That decided, or allowed. */
  list?: string;
  /** Of the policies, that decided. */
  rule?: string;
  /** Absent: the bridge does what its `fail` says. With the reason fallback-miss: until it has been told what Cerbos says. */
  action?: WhyAction;
}

export interface WhyQuestion {
  directory: string;
  /** In text. */
  client: string;
  name: string;
  type: { number: number; text: string };
  /** What mappings' keys begin with. */
  mappings: string;
  /** ms since 1970. */
  now: number;
}

/** Undefined when it is none; IPv4 in IPv6 is IPv4, as tables take it. */
export function clientBytes(text: string): Buffer | undefined {
  const bytes = parseAddress(text);
  return bytes?.length === 16 && bytes.subarray(0, 12).equals(mapped4) ? bytes.subarray(12) : bytes;
}

const mapped4 = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/**
 * @throws NnoeError TABLES_UNREADABLE; RangeError when client or name is none, which callers have looked at.
 */
export function why(question: WhyQuestion, addon: Pick<Native, 'explainQuery'> = native()): WhyReport {
  const { directory, type, mappings, now } = question;
  const client = clientBytes(question.client);
  const wire = nameBytes(question.name);
  if (client === undefined || wire === undefined) throw new RangeError('client and name');
  const found = explain(addon, directory, client, wire, type.number);
  const asked = { client: addressText(client), name: textOf(wire), type: type.text, directory };
  if (found === undefined)
    return { ...asked, generation: 0, roleSet: 0, roles: [], levels: [], reason: 'no-tables' };
  const { generation, createdUs, mappedBits, roleSet, roles, levels, list, rule } = found;
  const reason = verdictReasons[found.reason] ?? 'malformed';
  const mapping = mappedBits === undefined ? undefined : prefixText(masked(client, mappedBits));
  return {
    ...asked,
    generation,
    ageSeconds: Math.max(0, Math.round(now - createdUs / 1000) / 1000),
    roleSet,
    roles,
    ...(mapping === undefined ? {} : { mapping: { prefix: mapping, key: mappings + mapping } }),
    levels,
    reason,
    ...(list === '' ? {} : { list }),
    ...(rule === '' ? {} : { rule }),
    ...(leftToFail.includes(reason) ? {} : { action: actionOf(found.action) }),
  };
}

function explain(
  addon: Pick<Native, 'explainQuery'>,
  directory: string,
  client: Buffer,
  wire: Buffer,
  type: number,
): NativeExplanation | undefined {
  try {
    return addon.explainQuery(directory, client, wire, type);
  } catch (error) {
    if ((error as { code?: string }).code !== 'TABLES_UNREADABLE') throw error;
    throw new NnoeError('TABLES_UNREADABLE', { directory, reason: reasonOf(error) }, error);
  }
}

function masked(client: Buffer, length: number) {
  const address = Uint8Array.from(
    client,
    (byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))),
  );
  return { address, length };
}

function actionOf({ act, ttl, a, aaaa, cname, pool, ede, edeText }: ActionRecord): WhyAction {
  const name = (Object.keys(Act) as ActName[]).find((each) => Act[each] === act) ?? 'allow';
  return {
    act: name,
    ...(ttl === 0 ? {} : { ttl }),
    ...(a.length === 0 ? {} : { a: addresses(a, 4) }),
    ...(aaaa.length === 0 ? {} : { aaaa: addresses(aaaa, 16) }),
    ...(cname.length === 0 ? {} : { cname: textOf(cname) }),
    ...(pool === '' ? {} : { pool }),
    ...(ede === noExtendedError ? {} : { extendedError: { code: ede, text: edeText } }),
  };
}

const noExtendedError = 0xffff;

const addresses = (bytes: Buffer, size: 4 | 16): string[] =>
  Array.from({ length: bytes.length / size }, (_, i) =>
    addressText(bytes.subarray(i * size, (i + 1) * size)),
  );

/** Presentation form of a name in wire form, without the trailing dot; `.` is the root. */
function textOf(wire: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; at < wire.length && wire[at] !== 0; at += 1 + (wire[at] as number))
    labels.push(
      Array.from(wire.subarray(at + 1, at + 1 + (wire[at] as number)), (byte) => {
        if (byte <= 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
        return byte === 0x2e || byte === 0x5c ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
      }).join(''),
    );
  return labels.join('.') || '.';
}
