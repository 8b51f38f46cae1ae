// SPDX-License-Identifier: MPL-2.0
// Leases as lines for people: in a table, and as they change. Values are as the store holds them, so fields may
// be missing or of another type; names in them were chosen by clients.
import type { LeaseValue } from '../host/control/api.js';
import { crop, duration, printable, row, widths } from './text.js';

/** Kea's lease states. */
const states: Record<number, string> = { 1: 'declined', 2: 'expired', 3: 'released', 4: 'registered' };
/** What Kea writes for a lease without an end. */
const forever = 4_294_967_295;

export const leaseHeadings = ['ADDRESS', 'STATE', 'ENDS', 'CLIENT', 'HOSTNAME'];

const text = (value: unknown): string => (typeof value === 'string' ? printable(value) : '');

function number(value: unknown): number | undefined {
  const parsed = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : undefined;
}

/** With the length of a delegated prefix. */
function addressText(address: string, lease: LeaseValue): string {
  const length = number(lease?.prefix_len) ?? 128;
  return printable(length < 128 && address.includes(':') ? `${address}/${length}` : address);
}

function client(lease: Record<string, unknown>): string {
  const duid = text(lease.duid);
  return text(lease.hwaddr) || (duid === '' ? '-' : `DUID ${duid} IAID ${number(lease.iaid) ?? 0}`);
}

function ends(lease: Record<string, unknown>, now: number): string {
  if (number(lease.valid_lft) === forever) return 'never';
  const at =
    number(lease.expires_at) ?? (number(lease.cltt) ?? Number.NaN) + (number(lease.valid_lft) ?? Number.NaN);
  if (Number.isNaN(at)) return '-';
  const left = Math.round(at - now / 1000);
  return left >= 0 ? `in ${duration(left)}` : `${duration(-left)} ago`;
}

/** One row of the table. @param now ms since 1970. */
export function leaseCells(address: string, lease: LeaseValue, now: number): string[] {
  if (lease === null) return [printable(address), 'unreadable', '-', '-', ''];
  const state = states[number(lease.state) ?? 0] ?? 'leased';
  return [addressText(address, lease), state, ends(lease, now), client(lease), text(lease.hostname)];
}

/** Widths that usual leases need: later pages are not known when the first is written. */
const usual = ['255.255.255.255', 'declined', 'in 23 h 59 min', '00:00:00:00:00:00'];

/** Rows as they come, aligned as far as what was seen allows; a hostname is cut at the edge of a terminal. */
export class LeaseTable {
  #wide = widths([leaseHeadings.slice(0, -1), usual]);

  /** Lines, without the newline of the last. */
  add(rows: readonly string[][], columns: number | undefined): string {
    const seen = widths(rows.map((cells) => cells.slice(0, -1)));
    this.#wide = this.#wide.map((each, i) => Math.max(each, seen[i] ?? 0));
    return rows
      .map((cells) => {
        const line = row(cells, this.#wide, undefined);
        const least = this.#least(cells);
        if (columns === undefined) return line;
        return columns > least + 2 ? crop(line, columns) : line.slice(0, least);
      })
      .join('\n');
  }

  /** Width of what must not be cut: address to client. */
  #least(cells: readonly string[]): number {
    return row(cells.slice(0, -1), this.#wide, undefined).length;
  }
}

const verbs: Record<string, string> = {
  offer: 'assigned',
  renew: 'renewed',
  release: 'released',
  expire: 'expired',
};

/**
 * One change. @param lease what stands there now; undefined: nothing any more, null: nothing readable.
 */
export function changeLine(address: string, lease: LeaseValue | undefined, time: Date): string {
  const clock = time.toTimeString().slice(0, 8);
  const line = (shown: string, what: string, rest: string) =>
    `${clock}  ${shown.padEnd(22)} ${what.padEnd(9)} ${rest}`.trimEnd();
  if (lease === undefined) return line(printable(address), 'gone', '');
  if (lease === null) return line(printable(address), 'unreadable', '');
  const operation = text(lease.operation);
  const over = operation === 'release' || operation === 'expire';
  const lifetime = number(lease.valid_lft);
  const lasts = lifetime === forever ? 'for ever' : `for ${lifetime ?? '?'} s`;
  const host = text(lease.hostname);
  const rest = [client(lease), host && `"${host}"`, over ? '' : lasts].filter((part) => part !== '');
  const declined = number(lease.state) === 1 ? 'declined' : undefined;
  return line(addressText(address, lease), declined ?? verbs[operation] ?? operation, rest.join('  '));
}
