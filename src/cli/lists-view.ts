// SPDX-License-Identifier: MPL-2.0
// Lists of names for people.
import { badRows, type ListReport, type ListsReport, some } from '../plugins/lists/report.js';
import type { Out } from './io.js';
import { paintState } from './status-view.js';
import { count, counted, duration, printable, row, widths } from './text.js';

const headings = ['LIST', 'KIND', 'STATE', 'NAMES', 'AGE', 'NOT USED', 'FOR', 'SOURCE'];
const stateColumn = 2;

type Shown = Pick<ListsReport, 'lists'> & Partial<ListsReport>;

/** ok, or degraded when something is held back or failed. */
export function listsState({ lists, protected: guarded, threats }: Shown): 'ok' | 'degraded' {
  const bad = lists.some(({ held, failed }) => held !== undefined || failed !== undefined);
  const malformed = Object.keys(threats?.malformed ?? {}).length > 0;
  return bad || malformed || guarded?.failed !== undefined ? 'degraded' : 'ok';
}

/** Ends with a newline. @param now ms since 1970. */
export function showLists(report: Shown, out: Out, now: number): string {
  const { lists } = report;
  if (lists.length === 0) return 'no lists are configured: [plugins.lists.list.NAME]\n';
  const rows = [headings, ...lists.map((list) => cells(list, now))].map((each) => each.map(printable));
  const wide = widths(rows.map((each) => each.slice(0, -1)));
  const table = rows.map((each, i) =>
    row(each, wide, out.columns, (cell, column) => {
      if (i === 0) return out.paint.dim(cell);
      return column === stateColumn ? paintState(cell.trim(), cell, out) : cell;
    }),
  );
  const notes = [...lists.flatMap(notesOf), ...others(report)].map((note) => `  ${printable(note)}`);
  const more = notes.length === 0 ? [] : ['', out.paint.bold('To know'), ...notes];
  return `${[...table, ...more].join('\n')}\n`;
}

const stateOf = ({ held, failed }: ListReport): string => {
  if (failed !== undefined) return 'failed';
  return held === undefined ? 'ok' : 'held';
};

function cells(list: ListReport, now: number): string[] {
  const { name, kind, names, exceptions, loaded, bad, withheld, subscriptions, source, format } = list;
  const unused = badRows(bad) + withheld.names;
  return [
    name,
    kind,
    stateOf(list),
    exceptions === 0 ? count(names) : `${count(names)}, ${count(exceptions)} excepted`,
    loaded === undefined ? 'before the start' : duration(Math.max(0, now - Date.parse(loaded)) / 1000),
    unused === 0 ? '' : count(unused),
    subscriptions.length === 0 ? 'nobody' : subscriptions.map(audience).join('; '),
    format === undefined ? source : `${source} (${format})`,
  ];
}

const audience = ({ roles, action }: ListReport['subscriptions'][number]): string =>
  `${roles.length === 0 ? 'everybody' : roles.join(', ')}: ${action}`;

function notesOf({ name, held, failed, bad, withheld }: ListReport): string[] {
  return [
    ...(held === undefined
      ? []
      : [`${name}: held back: ${held.reason}; to take it: nnoe lists accept ${name}`]),
    ...(failed === undefined ? [] : [`${name}: ${failed.reason}`]),
    ...(withheld.names === 0
      ? []
      : [`${name}: left out, because they are protected: ${some(withheld.first, withheld.names)}`]),
    ...Object.entries(bad).map(
      ([reason, { rows, lines }]) =>
        `${name}: ${counted(rows, 'row')} not used (${reason}), at ${lines.length === 1 ? 'line' : 'lines'} ${some(lines.map(String), rows)}`,
    ),
  ];
}

function others({ protected: guarded, threats }: Shown): string[] {
  return [
    ...(guarded?.failed === undefined ? [] : [`protected names: ${guarded.failed}`]),
    ...(threats?.first ?? []).map(({ key, reason }) => `threat ${key}: ${reason}`),
  ];
}
