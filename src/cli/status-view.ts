// SPDX-License-Identifier: MPL-2.0
// A status report for people, within the width of their terminal.
import type {
  BridgeReport,
  Part,
  Problem,
  Progress,
  StatusReport,
  TablesReport,
  Walk,
} from '../host/control/api.js';
import type { Out } from './io.js';
import { count, counted, duration, printable, row, size, widths, wrap } from './text.js';

const headings = ['PART', 'STATE', 'DETAILS'];
/** Column of the table that is coloured by state. */
const stateColumn = 1;
/** Lines where nobody says how wide they may be. */
const usualColumns = 80;

/** Ends with a newline. @param now ms since 1970. */
export function showStatus(report: StatusReport, out: Out, now: number): string {
  const { paint } = out;
  const coloured = (state: string) => paintState(state, state, out);
  const up = duration(report.uptimeSeconds);
  const where = `nnoe ${printable(report.version)}, process ${report.pid}, up ${up}`;
  const head = `${paint.bold(printable(report.node))}: ${coloured(printable(report.state))} (${where})`;
  const rows = [headings, ...partRows(report, now)];
  const wide = widths(rows.map((cells) => cells.slice(0, -1)));
  const table = rows.map((cells, i) =>
    row(cells, wide, out.columns, (cell, column) => {
      if (i === 0) return paint.dim(cell);
      return column === stateColumn ? paintState(cell.trim(), cell, out) : cell;
    }),
  );
  const help = report.problems.flatMap((each) => advice(each, out));
  const todo = help.length === 0 ? [] : ['', paint.bold('What to do'), ...help];
  return `${[head, '', ...table, ...todo].join('\n')}\n`;
}

function partRows({ store, journals, tables, plugins, control }: StatusReport, now: number): string[][] {
  return [
    ['store', store.state, storeDetails(store)],
    ...Object.entries(journals).map(([name, each]) => {
      const well = [
        `family ${each.family}`,
        ...(each.bytes === undefined ? [] : [size(each.bytes)]),
        ...walk(each.walk),
      ];
      return [`journal ${name}`, each.state, details(each, well.join(', '))];
    }),
    ...(tables === undefined ? [] : tableRows(tables)),
    ...Object.entries(plugins).flatMap(([name, each]) => [
      [`plugin ${name}`, each.state, details(each, '')],
      ...Object.entries(each.journals).map(([journal, progress]) => [
        `  ${journal}`,
        ...behind(progress, now),
      ]),
    ]),
    ...(control.socket === '' ? [] : [['control socket', control.state, details(control, control.socket)]]),
  ].map((cells) => cells.map(printable));
}

function storeDetails({ state, reason, name, root }: StatusReport['store']): string {
  return state === 'ok' ? `${reason || name}; keys below ${root}` : reason || name;
}

function tableRows(tables: TablesReport): string[][] {
  const { generation, ageSeconds = 0, sections, bridges } = tables;
  const bytes = Object.values(sections).reduce((sum, each) => sum + each, 0);
  const well = `generation ${generation}, ${size(bytes)}, of ${duration(ageSeconds)} ago`;
  return [
    ['tables', tables.state, tables.state === 'ok' ? well : tables.reason],
    ...bridges.map((bridge) => [`  dnsdist ${bridge.pid}`, ...bridgeState(bridge, generation)]),
  ];
}

function bridgeState(bridge: BridgeReport, newest: number): string[] {
  const { generation, refused, dnsdist, fail, bytes, threads, behind } = bridge;
  const what = `${dnsdist}, ${counted(threads, 'thread')}, fails ${fail}`;
  if (refused !== undefined) return ['refusing', `stays with generation ${generation}: ${refused.reason}`];
  if (generation === 0) return ['waiting', `has no tables; ${what}`];
  const late = behind === undefined ? '' : ` (${behind.generations} behind for ${duration(behind.seconds)})`;
  const state = generation === newest ? 'current' : 'behind';
  return [state, `generation ${generation}${late}, ${size(bytes)}; ${what}`];
}

/** Its reason, when it gives one; `well` stays beside it only when it is well. */
const details = ({ state, reason }: Part, well: string) =>
  state === 'ok' ? [well, reason].filter((text) => text !== '').join(': ') : reason || well;

function walk(at: Walk | undefined): string[] {
  if (at?.leases !== undefined) return [`a walk is under way (${counted(at.leases, 'lease')})`];
  return at?.owedAfter === undefined ? [] : ['waits for a walk by Kea'];
}

function behind({ lag, ageSeconds, gaps, lastGap }: Progress, now: number): string[] {
  const since = lag === 0 ? '' : `, the oldest of ${duration(ageSeconds)} ago`;
  const ago = lastGap === undefined ? '' : duration(Math.max(0, now - Date.parse(lastGap.at)) / 1000);
  const holes = gaps === 0 ? '' : `; ${counted(gaps, 'gap')}, the last ${lastGap?.reason} ${ago} ago`;
  const what = lag === 0 ? 'has everything' : `${count(lag)} record${lag === 1 ? '' : 's'}${since}`;
  return [lag === 0 ? 'current' : 'behind', `${what}${holes}`];
}

function advice({ part, code, help, reason }: Problem, out: Out): string[] {
  const text = help ?? (reason === '' ? 'It says nothing about why.' : undefined);
  if (text === undefined) return [];
  const why = code === undefined ? '' : ` (${printable(code)})`;
  const lines = wrap(printable(text), (out.columns ?? usualColumns) - 4);
  return [`  ${out.paint.yellow(printable(part))}${why}`, ...lines.map((line) => `    ${line}`)];
}

/** Green well, red failed, yellow whatever else. */
export function paintState(state: string, text: string, { paint }: Out): string {
  if (state === 'ok' || state === 'current') return paint.green(text);
  return state === 'failed' || state === 'down' ? paint.red(text) : paint.yellow(text);
}
