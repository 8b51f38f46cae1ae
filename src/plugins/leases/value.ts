// SPDX-License-Identifier: MPL-2.0
// What stands below dhcp/leases/: compact JSON, in the layout of the original NNOE plus fields of ours
// (client_id, subnet_id, node, seq, fqdn_fwd, fqdn_rev, user_context, prefix_len). Built by hand: it is the
// costliest step of the lease path, and nearly every text in it is known to need no escaping.

import { addressText, colonHex } from '../../host/address.js';
import { type LeaseEvent, Operation } from '../../host/gen/events.js';

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

/** A JSON string of bytes that a client chose: what is not UTF-8 becomes U+FFFD, controls are escaped. */
export function quoted(bytes: Buffer): string {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c)
      return JSON.stringify(bytes.toString('utf8'));
  }
  return `"${bytes.latin1Slice(0, bytes.length)}"`;
}

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

/** @param extra further fields, each beginning with a comma. */
export function leaseValue(event: LeaseEvent, stamp: Stamp, extra = ''): string {
  const ip = addressText(event.address);
  const { cltt, validLft } = event;
  const times = `"state":${stateOf(event)},"cltt":${cltt},"valid_lft":${validLft}`;
  const when = `"operation":"${stamp.word}","timestamp":${stamp.timestamp},"expires_at":${cltt + validLft}`;
  const ours = `"subnet_id":${event.subnetId},"node":${stamp.node},"seq":${stamp.seq}`;
  const flags = `"fqdn_fwd":${event.fqdnFwd},"fqdn_rev":${event.fqdnRev}${contextField(event.userContext)}${extra}}`;
  const hardware = `"hwaddr":"${colonHex(event.hwaddr)}","hostname":${quoted(event.hostname)}`;
  if (event.address.length === 4)
    return `{"ip":"${ip}",${hardware},${times},${when},"client_id":"${colonHex(event.clientId)}",${ours},${flags}`;
  const six = `"type":${event.type},"iaid":${event.iaid},"duid":"${colonHex(event.duid)}"`;
  return `{"ip":"${ip}",${six},${times},"preferred_lft":${event.preferredLft},${when},"prefix_len":${event.prefixLen},${hardware},${ours},${flags}`;
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
  const { address, duid, clientId, hwaddr } = event;
  if (address.length === 16) return duid.length === 0 ? '' : `${colonHex(duid)}/${event.iaid}`;
  if (clientId.length > 0) return `c${colonHex(clientId)}`;
  return hwaddr.length > 0 ? `h${colonHex(hwaddr)}` : '';
}
