// SPDX-License-Identifier: MPL-2.0
// Who asks most, and for what, for people.
import type { DecisionsReport } from '../plugins/decisions/report.js';
import type { Out } from './io.js';
import { count, duration, printable, row, widths } from './text.js';

/** What `nnoe top --json` prints. */
export interface TopReport {
  what: 'names' | 'clients';
  /** Whether only what was blocked is in it. */
  blocked: boolean;
  /** Over which it is, s. */
  seconds: number;
  /** All queries (of those asked for) in that time; exact. */
  queries: number;
  /** Records that were lost in that time. */
  lost: number;
  /** Most first; at least so many each, and at most `error` more. */
  top: readonly { key: string; count: number }[];
  error: number;
}

/** Lines for people. */
const shown = 20;

export function topOf(report: DecisionsReport, what: TopReport['what'], blocked: boolean): TopReport {
  const { seconds, lost } = report;
  const ranking = blocked
    ? { names: report.blockedNames, clients: report.blockedClients }[what]
    : report[what];
  return { what, blocked, seconds, queries: blocked ? report.blocked : report.queries, lost, ...ranking };
}

/** Ends with a newline. */
export function showTop({ what, blocked, seconds, queries, lost, top, error }: TopReport, out: Out): string {
  const kind = blocked ? 'blocked queries' : 'queries';
  const head = `${count(queries)} ${kind} in ${duration(seconds)}`;
  const notes = [
    ...(error > 0 ? [`each may be up to ${count(error)} more`] : []),
    ...(lost > 0 ? [`${count(lost)} records were lost, and are not in it`] : []),
  ];
  const first = [head, ...notes].join('; ');
  if (top.length === 0) return `${first}\n`;
  const rows = top.slice(0, shown).map(({ key, count: times }) => [count(times), printable(key || '.')]);
  const all = [['COUNT', what === 'names' ? 'NAME' : 'CLIENT'], ...rows];
  const wide = widths(all.map((cells) => cells.slice(0, -1)));
  const lines = all.map((cells, i) =>
    row(cells, wide, out.columns, (cell) => (i === 0 ? out.paint.dim(cell) : cell)),
  );
  return `${[first, '', ...lines].join('\n')}\n`;
}
