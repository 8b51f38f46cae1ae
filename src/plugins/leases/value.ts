// SPDX-License-Identifier: MPL-2.0
// What stands below dhcp/leases/: compact JSON, in the layout of the original NNOE plus fields of ours
// (client_id, subnet_id, node, seq, fqdn_fwd, fqdn_rev, user_context, prefix_len). Built by hand: it is the
// costliest step of the lease path, and nearly every text in it is known to need no escaping.

import { colonHex as hexText } from '../../host/address.js';
import { type LeaseEvent, Operation } from '../../host/gen/events.js';
import { address, colonHex, constant, copy, integer, quoted, text, written } from './bytes.js';

/** The words that the layout has for what happened. */
export type Word = 'offer' | 'renew' | 'release' | 'expire';

/** Kea's lease state that marks an address nobody may have. */
export const declined = 1;

/** What an event does to its key: these remove it, all others put it. */
export function removes(operation: number): boolean {
  return (
    operation === Operation.RELEASE ||
    operation === Operation.EXPIRE ||
    operation === Operation.RECOVER ||
    operation === Operation.DELETE
  );
}

/**
 * The word for an event. UPDATE (a command or an HA partner) is 'offer' for a key that was not there, like a
 * new lease; DECLINE leaves the key in place with state 1, so it is the 'renew' of a key that changed.
 */
export function wordFor(operation: number, isNew: boolean): Word {
  switch (operation) {
    case Operation.ASSIGN:
      return 'offer';
    case Operation.RELEASE:
    case Operation.DELETE:
      return 'release';
    case Operation.EXPIRE:
    case Operation.RECOVER:
      return 'expire';
    case Operation.UPDATE:
    case Operation.SNAPSHOT:
      return isNew ? 'offer' : 'renew';
    default:
      return 'renew';
  }
}

export const stateOf = (event: LeaseEvent): number =>
  event.operation === Operation.DECLINE ? declined : event.state;

/** The user context as a JSON object; nothing when it is none, because a value must stay readable. */
function contextField(bytes: Buffer): string {
  if (bytes.length === 0) return '';
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return '';
    return `,"user_context":${JSON.stringify(parsed)}`;
  } catch {
    return '';
  }
}

export interface Stamp {
  word: Word;
  /** s since 1970. */
  timestamp: number;
  seq: number;
  /** JSON string, quotes included. */
  node: string;
}

const keys = {
  ip: constant('{"ip":"'),
  hwaddr: constant('","hwaddr":"'),
  hostname: constant('","hostname":'),
  state: constant(',"state":'),
  cltt: constant(',"cltt":'),
  validLft: constant(',"valid_lft":'),
  preferredLft: constant(',"preferred_lft":'),
  timestamp: constant('","timestamp":'),
  expiresAt: constant(',"expires_at":'),
  prefixLen: constant(',"prefix_len":'),
  hwaddrAlone: constant(',"hwaddr":"'),
  clientId: constant(',"client_id":"'),
  type: constant('","type":'),
  iaid: constant(',"iaid":'),
  duid: constant(',"duid":"'),
  subnetAfterText: constant('","subnet_id":'),
  subnetId: constant(',"subnet_id":'),
  node: constant(',"node":'),
  seq: constant(',"seq":'),
  fwd: { true: constant(',"fqdn_fwd":true'), false: constant(',"fqdn_fwd":false') },
  rev: { true: constant(',"fqdn_rev":true'), false: constant(',"fqdn_rev":false') },
};
const operations: Record<Word, Uint8Array> = {
  offer: constant(',"operation":"offer'),
  renew: constant(',"operation":"renew'),
  release: constant(',"operation":"release'),
  expire: constant(',"operation":"expire'),
};
/** Bytes of everything whose length has a bound of its own: keys, numbers, address. */
const fixed = 640;
const quoteMark = constant('"');

function hardware(out: Buffer, at: number, key: Uint8Array, { hwaddr, hostname }: LeaseEvent): number {
  const to = colonHex(out, copy(out, at, key), hwaddr);
  return quoted(out, copy(out, to, keys.hostname), hostname);
}

function times(out: Buffer, at: number, event: LeaseEvent, stamp: Stamp): number {
  let to = integer(out, copy(out, at, keys.state), stateOf(event));
  to = integer(out, copy(out, to, keys.cltt), event.cltt);
  to = integer(out, copy(out, to, keys.validLft), event.validLft);
  if (event.address.length !== 4) to = integer(out, copy(out, to, keys.preferredLft), event.preferredLft);
  to = copy(out, to, operations[stamp.word]);
  to = integer(out, copy(out, to, keys.timestamp), stamp.timestamp);
  return integer(out, copy(out, to, keys.expiresAt), event.cltt + event.validLft);
}

function four(out: Buffer, at: number, event: LeaseEvent, stamp: Stamp): number {
  let to = address(out, copy(out, at, keys.ip), event.address);
  to = times(out, hardware(out, to, keys.hwaddr, event), event, stamp);
  to = colonHex(out, copy(out, to, keys.clientId), event.clientId);
  return copy(out, to, keys.subnetAfterText);
}

function six(out: Buffer, at: number, event: LeaseEvent, stamp: Stamp): number {
  let to = address(out, copy(out, at, keys.ip), event.address);
  to = integer(out, copy(out, to, keys.type), event.type);
  to = integer(out, copy(out, to, keys.iaid), event.iaid);
  to = colonHex(out, copy(out, to, keys.duid), event.duid);
  to = times(out, copy(out, to, quoteMark), event, stamp);
  to = integer(out, copy(out, to, keys.prefixLen), event.prefixLen);
  return copy(out, hardware(out, to, keys.hwaddrAlone, event), keys.subnetId);
}

/** @param extra further fields, each beginning with a comma. */
export function leaseValue(event: LeaseEvent, stamp: Stamp, extra = ''): Buffer {
  const { hwaddr, clientId, duid, hostname, fqdnFwd, fqdnRev } = event;
  const rest = `${contextField(event.userContext)}${extra}}`;
  const ids = hwaddr.length + clientId.length + duid.length;
  const most = fixed + 3 * (ids + rest.length + stamp.node.length) + 6 * hostname.length;
  return written(most, (out, at) => {
    let to = event.address.length === 4 ? four(out, at, event, stamp) : six(out, at, event, stamp);
    to = integer(out, to, event.subnetId);
    to = text(out, copy(out, to, keys.node), stamp.node);
    to = integer(out, copy(out, to, keys.seq), stamp.seq);
    to = copy(out, to, fqdnFwd ? keys.fwd.true : keys.fwd.false);
    to = copy(out, to, fqdnRev ? keys.rev.true : keys.rev.false);
    return text(out, to, rest);
  });
}

/** s since 1970; now, for an event that does not say. */
export const timestampOf = (event: LeaseEvent): number =>
  Math.floor(event.observedUs > 0 ? event.observedUs / 1e6 : Date.now() / 1000);

/**
 * Who holds the lease, as text: client id or else hardware address; DUID and IAID. Empty for a declined
 * address, which Kea strips of its client.
 */
export function identityOf(event: LeaseEvent): string {
  if (event.operation === Operation.RECOVER || stateOf(event) === declined) return '';
  const { duid, clientId, hwaddr } = event;
  if (event.address.length === 16) return duid.length === 0 ? '' : `${hexText(duid)}/${event.iaid}`;
  if (clientId.length > 0) return `c${hexText(clientId)}`;
  return hwaddr.length > 0 ? `h${hexText(hwaddr)}` : '';
}
