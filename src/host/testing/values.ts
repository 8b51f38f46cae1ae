// SPDX-License-Identifier: MPL-2.0
// Values as events carry them, from the text that people write.
import { parseAddress } from '../address.js';
import { decodeLeaseEvent, type LeaseEvent } from '../gen/events.js';

/** `192.0.2.1` as 4 bytes. @throws RangeError when it is no IPv4 address. */
export const ipv4 = (text: string): Buffer => address(text, 4);

/** `2001:db8::1` as 16 bytes. @throws RangeError when it is no IPv6 address. */
export const ipv6 = (text: string): Buffer => address(text, 16);

function address(text: string, length: number): Buffer {
  const bytes = parseAddress(text);
  if (bytes?.length !== length) throw new RangeError(`no IPv${length === 4 ? 4 : 6} address: ${text}`);
  return bytes;
}

/** `02:00:00:00:00:aa` (or a client id, or a DUID) as bytes. @throws RangeError when it is no such text. */
export function hwaddr(text: string): Buffer {
  if (!/^([0-9a-f]{2}(:[0-9a-f]{2})*)?$/i.test(text)) throw new RangeError(`no pairs of hex digits: ${text}`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

/** An event with every field, those not given at 0, false or empty, as decoding gives it. */
export const leaseEvent = (fields: Partial<LeaseEvent>): LeaseEvent => ({
  ...decodeLeaseEvent(Buffer.alloc(0)),
  ...fields,
});
