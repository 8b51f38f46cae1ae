// SPDX-License-Identifier: MPL-2.0
// Lease history and leases as they stand in etcd, and their comparison with the witness.
import { align } from './align.js';
import type { Entry } from './etcd.js';
import type { LeaseFacts, Line } from './witness.js';

/** One value below dhcp/history/ or dhcp/leases/. */
export interface Stored extends LeaseFacts {
  key: string;
  seq: number;
  operation: string;
  node: string;
  modRevision: number;
  raw: Record<string, unknown>;
}

/** A store of any kind, looked at from outside. */
export interface StoreView {
  /** Everything below a prefix, in key order. */
  list(prefix: string): Promise<Entry[]>;
}

export const historyPrefix = '/nnoe/dhcp/history/';
export const leasePrefix = '/nnoe/dhcp/leases/';

export function stored(entry: Entry): Stored {
  const raw = JSON.parse(entry.value) as Record<string, unknown>;
  const text = (name: string) => String(raw[name] ?? '');
  const number = (name: string, otherwise = 0) => Number(raw[name] ?? otherwise);
  const address = text('ip');
  const family = address.includes(':') ? 6 : 4;
  const fromKey = /-(\d+)$/.exec(entry.key)?.[1];
  const [clientId, hwaddr, duid] = [text('client_id'), text('hwaddr'), text('duid')];
  return {
    key: entry.key,
    seq: number('seq', Number(fromKey ?? 0)),
    address,
    prefixLen: number('prefix_len', family === 4 ? 32 : 128),
    hwaddr,
    clientId,
    duid,
    iaid: number('iaid'),
    type: number('type'),
    owner: family === 4 ? clientId || hwaddr : `${duid}/${number('iaid')}`,
    operation: text('operation'),
    cltt: number('cltt'),
    validLft: number('valid_lft'),
    state: number('state'),
    hostname: text('hostname'),
    node: text('node'),
    modRevision: entry.modRevision,
    raw,
  };
}

/** History of one family (both have sequences of their own), oldest first. */
export async function readHistory(store: StoreView, family: 4 | 6): Promise<Stored[]> {
  const entries = await store.list(historyPrefix);
  const all = entries.map(stored).filter((s) => s.address.includes(':') === (family === 6));
  return all.sort((a, b) => a.seq - b.seq);
}

export async function readLeases(store: StoreView, family: 4 | 6): Promise<Map<string, Stored>> {
  const entries = await store.list(leasePrefix);
  const all = entries.map(stored).filter((s) => s.address.includes(':') === (family === 6));
  return new Map(all.map((s) => [s.address, s]));
}

/** Where Kea was killed: what its threads had written but not reported may be missing before that place. */
export interface Kill {
  /** Size of the lease file when it was dead. */
  offset: number;
  /** Most lines that can have been in flight: packet threads times leases per packet. */
  inFlight: number;
}

export interface CompareOptions {
  /** Packets are handled by several threads: another client's event may be journaled first, so order is
   *  compared per address and owner. */
  threads: boolean;
  kills?: Kill[];
}

export interface Comparison {
  lines: number;
  events: number;
  matched: number;
  lost: Line[];
  /** Events that were there, but not where they belong. */
  misplaced: Line[];
  /** History without a line in the witness. */
  extra: Stored[];
  /** Missing, but in flight at a kill. */
  excused: Line[];
}

const removes = new Set(['release', 'expire']);

function same(line: Line, event: Stored): boolean {
  if (line.owner !== event.owner || line.cltt !== event.cltt) return false;
  if (line.deleted) return removes.has(event.operation);
  if (line.state === 2) return event.operation === 'expire';
  return (
    !removes.has(event.operation) &&
    line.validLft === event.validLft &&
    line.state === event.state &&
    line.hwaddr === event.hwaddr &&
    line.prefixLen === event.prefixLen &&
    line.hostname === event.hostname
  );
}

function group<T extends { address: string; owner: string }>(items: T[], byOwner: boolean): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = byOwner ? `${item.address} ${item.owner}` : item.address;
    const list = groups.get(key);
    if (list) list.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

// A thread that wrote its line may be preempted before it reports it while others go on; how far other
// threads can get in that time is bounded by what Kea handles in a scheduling delay (about 0.1 s).
const inFlightReach = 128 * 1024;

/** Splits what is missing by whether a kill excuses it. */
function excuse(missing: Line[], kills: Kill[]): { lost: Line[]; excused: Line[] } {
  const budget = kills.map((kill) => ({ ...kill }));
  const result: { lost: Line[]; excused: Line[] } = { lost: [], excused: [] };
  for (const line of missing) {
    const kill = budget.find(
      (k) => k.inFlight > 0 && line.end <= k.offset && line.end > k.offset - inFlightReach,
    );
    if (kill) kill.inFlight--;
    (kill ? result.excused : result.lost).push(line);
  }
  return result;
}

/** Every line of the witness against the history, per address and in order. */
export function compare(lines: Line[], history: Stored[], options: CompareOptions): Comparison {
  const expected = group(lines, options.threads);
  const actual = group(history, options.threads);
  const missing: Line[] = [];
  const extra: Stored[] = [];
  let matched = 0;
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const result = align(expected.get(key) ?? [], actual.get(key) ?? [], same);
    missing.push(...result.onlyLeft);
    extra.push(...result.onlyRight);
    matched += result.pairs;
  }
  missing.sort((a, b) => a.end - b.end);
  const { lost: unmatched, excused } = excuse(missing, options.kills ?? []);
  const spare = [...extra];
  const misplaced: Line[] = [];
  const lost = unmatched.filter((line) => {
    const at = spare.findIndex((event) => event.address === line.address && same(line, event));
    if (at < 0) return true;
    spare.splice(at, 1);
    misplaced.push(line);
    return false;
  });
  return { lines: lines.length, events: history.length, matched, lost, misplaced, extra: spare, excused };
}

export function describe(result: Comparison, examples = 5): string {
  const line = (l: Line) =>
    `${l.address} ${l.owner} cltt ${l.cltt} valid ${l.validLft} state ${l.state} @${l.end}`;
  const event = (s: Stored) => `${s.key} ${s.operation} ${s.owner} cltt ${s.cltt} state ${s.state}`;
  return [
    `lines ${result.lines}, events ${result.events}, matched ${result.matched}, lost ${result.lost.length}, ` +
      `out of order ${result.misplaced.length}, extra ${result.extra.length}, in flight at a kill ${result.excused.length}`,
    ...result.lost.slice(0, examples).map((l) => `  lost: ${line(l)}`),
    ...result.misplaced.slice(0, examples).map((l) => `  out of order: ${line(l)}`),
    ...result.extra.slice(0, examples).map((s) => `  extra: ${event(s)}`),
  ].join('\n');
}
