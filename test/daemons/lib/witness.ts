// SPDX-License-Identifier: MPL-2.0
// Kea's own lease file as witness. With `lfc-interval` 0 memfile appends one line for every change and never
// rewrites the file, so its lines are what happened, in order; the write is made (and flushed) by Kea before
// the callout that reports it.
import { readFileSync, statSync, writeFileSync } from 'node:fs';

/** What the lease file and our own values both say of a lease. */
export interface LeaseFacts {
  address: string;
  /** 32 or 128 for an address. */
  prefixLen: number;
  hwaddr: string;
  /** v4. */
  clientId: string;
  /** v6. */
  duid: string;
  iaid: number;
  type: number;
  /** Client id or hardware address; DUID and IAID. */
  owner: string;
  cltt: number;
  validLft: number;
  state: number;
  hostname: string;
}

/** One change of one lease, from a line of the CSV. */
export interface Line extends LeaseFacts {
  /** As it stands in the file, without its newline. */
  raw: string;
  /** Byte offset just after the line. */
  end: number;
  subnetId: number;
  /** Valid lifetime 0: the lease is gone. */
  deleted: boolean;
}

type Row = (column: string) => string;

// Kea escapes separators and control characters as "&#xNN". Bytes that are no UTF-8 read as U+FFFD, as in JSON.
function plain(text: string): string {
  const bytes = text.replace(/&#x([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function toLine(raw: string, row: Row, family: 4 | 6, end: number): Line {
  const validLft = Number(row('valid_lifetime'));
  const [clientId, hwaddr, duid] = [row('client_id'), row('hwaddr'), row('duid')];
  const iaid = Number(row('iaid') || 0);
  return {
    raw,
    end,
    address: row('address'),
    prefixLen: family === 4 ? 32 : Number(row('prefix_len')),
    hwaddr,
    clientId,
    duid,
    iaid,
    type: Number(row('lease_type') || 0),
    owner: family === 4 ? clientId || hwaddr : `${duid}/${iaid}`,
    cltt: Number(row('expire')) - validLft,
    validLft,
    state: Number(row('state')),
    subnetId: Number(row('subnet_id')),
    hostname: plain(row('hostname')),
    deleted: validLft === 0,
  };
}

/** Lines of a lease file that end after byte `from`; columns are read by name, as they differ by version. */
export function readCsv(file: string, family: 4 | 6, from = 0): Line[] {
  const content = readFileSync(file);
  const lines: Line[] = [];
  const headerEnd = content.indexOf(0x0a);
  const columns = new Map(
    content
      .toString('latin1', 0, headerEnd)
      .split(',')
      .map((name, i) => [name, i]),
  );
  let begin = Math.max(headerEnd + 1, from);
  for (;;) {
    const newline = content.indexOf(0x0a, begin);
    // A kill can leave nothing worse than a missing line: Kea writes each with one flush.
    if (newline < 0) break;
    const raw = content.toString('latin1', begin, newline);
    const cells = raw.split(',');
    begin = newline + 1;
    if (cells.length < columns.size - 1 || cells[0] === 'address') continue;
    lines.push(toLine(raw, (name) => cells[columns.get(name) ?? -1] ?? '', family, begin));
  }
  return lines;
}

/** Leaves only what Kea holds, as its own lease file clean-up would; for a server that does not run. */
export function compactCsv(file: string, family: 4 | 6): void {
  const content = readFileSync(file, 'latin1');
  const header = content.slice(0, content.indexOf('\n'));
  const held = [...finalLeases(readCsv(file, family)).values()].map((line) => line.raw);
  writeFileSync(file, [header, ...held, ''].join('\n'), 'latin1');
}

export const csvSize = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** What Kea holds after those lines: address -> its lease, without those that are gone or reclaimed. */
export function finalLeases(lines: Iterable<Line>): Map<string, Line> {
  const leases = new Map<string, Line>();
  for (const line of lines) {
    if (line.deleted || line.state === 2) leases.delete(line.address);
    else leases.set(line.address, line);
  }
  return leases;
}
