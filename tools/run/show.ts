// SPDX-License-Identifier: MPL-2.0
// Leases of the store as lines for people.
import type { Change } from '../../src/host/store/store.js';

/** What the store holds of a lease, as far as it is shown. */
interface Shown {
  ip: string;
  operation: string;
  hwaddr?: string;
  duid?: string;
  iaid?: number;
  hostname?: string;
  prefix_len?: number;
  valid_lft?: number;
}

const verbs: Record<string, string> = {
  offer: 'assigned',
  renew: 'renewed',
  rebind: 'renewed',
  release: 'released',
  expire: 'expired',
  decline: 'declined',
};

const who = (lease: Shown): string =>
  lease.hwaddr || (lease.duid ? `DUID ${lease.duid} IAID ${lease.iaid ?? 0}` : '-');

function line(time: Date, address: string, what: string, rest: string): string {
  const clock = time.toTimeString().slice(0, 8);
  return `${clock}  ${address.padEnd(22)} ${what.padEnd(9)} ${rest}`.trimEnd();
}

/** @param name the key below the leases' prefix: the address. */
export function leaseLine(change: Change, name: string, time: Date): string {
  if (change.type === 'delete') return line(time, name, 'gone', '');
  let lease: Shown;
  try {
    lease = JSON.parse(change.entry.value.toString()) as Shown;
  } catch {
    return line(time, name, 'unreadable', '');
  }
  const address =
    lease.prefix_len !== undefined && lease.prefix_len < 128 && name.includes(':')
      ? `${name}/${lease.prefix_len}`
      : name;
  const lifetime = ['release', 'expire'].includes(lease.operation) ? '' : `for ${lease.valid_lft ?? '?'} s`;
  const host = lease.hostname ? `"${lease.hostname}"` : '';
  const rest = [who(lease), host, lifetime].filter((part) => part !== '').join('  ');
  return line(time, address, verbs[lease.operation] ?? lease.operation, rest);
}
