// SPDX-License-Identifier: MPL-2.0
// Policies for people: what is in force, and what is wrong with files.
import type { PoliciesReport, PolicyReport } from '../plugins/policies/report.js';
import type { Out } from './io.js';
import { paintState } from './status-view.js';
import { count, counted, duration, printable, row, widths, wrap } from './text.js';

const headings = ['POLICY', 'STATE', 'IN FORCE', 'KIND'];
const stateColumn = 1;

/** ok when every policy is in force as it stands in the store, every set of roles has a program, and Cerbos answers. */
export function policiesState(report: PoliciesReport): 'ok' | 'degraded' {
  const { policies, programs: force, unplanned, pdp, trouble } = report;
  const well =
    force !== undefined &&
    force.compiled + force.onMiss > 0 &&
    policies.every(({ state }) => state === 'used') &&
    policies.length > 0 &&
    unplanned.length === 0 &&
    pdp.state === 'answers' &&
    trouble === undefined;
  return well ? 'ok' : 'degraded';
}

/** Ends with a newline. @param now ms since 1970. */
export function showPolicies(report: PoliciesReport, out: Out, now: number): string {
  const { policies } = report;
  const rows = [headings, ...policies.map((each) => cells(each, now))].map((each) => each.map(printable));
  const wide = widths(rows.map((each) => each.slice(0, -1)));
  const table = rows.map((each, i) =>
    row(each, wide, out.columns, (cell, column) => {
      if (i === 0) return out.paint.dim(cell);
      return column === stateColumn ? paintState(cell.trim(), cell, out) : cell;
    }),
  );
  const none = 'there are no policies: put one below policies/ in the store';
  const facts = [programs(report, now), clock(report, now), pdp(report)].map(printable);
  const known = [...policies.flatMap(reasons), ...troubles(report)].map((note) => `  ${printable(note)}`);
  const more = known.length === 0 ? [] : ['', out.paint.bold('To know'), ...known];
  return `${[...(policies.length === 0 ? [none] : table), '', ...facts, ...more].join('\n')}\n`;
}

const shownState = { used: 'ok', old: 'old', refused: 'refused' } as const;

function cells({ id, state, kind, name, version, since }: PolicyReport, now: number): string[] {
  const age = since === undefined ? 'not known' : `for ${ago(since, now)}`;
  const what = kind === '' ? 'no policy of Cerbos' : `${kind} ${name}`;
  return [
    id,
    shownState[state],
    state === 'refused' ? 'no' : age,
    version === '' ? what : `${what}, version ${version}`,
  ];
}

const ago = (time: string, now: number): string => duration(Math.max(0, now - Date.parse(time)) / 1000);

function programs({ programs: force }: PoliciesReport, now: number): string {
  if (force === undefined) return 'programs: none of this start of the host; those of before stay in force';
  const { since, compiled, onMiss, actions, instructions } = force;
  if (compiled + onMiss === 0)
    return 'programs: none, there is no policy to go by; queries meet what `fail` says';
  const asked = onMiss === 0 ? '' : `, ${count(onMiss)} by on-miss`;
  const sets = `${counted(compiled, 'set')} of roles compiled${asked}`;
  return `programs: ${sets}, ${counted(actions.length, 'action')}, ${counted(instructions, 'instruction')}, in force for ${ago(since, now)}`;
}

function clock({ plannedAgain }: PoliciesReport, now: number): string {
  if (plannedAgain === undefined) return 'clock:    no policy reads it';
  const seconds = Math.max(0, Date.parse(plannedAgain) - now) / 1000;
  return `clock:    read; planned again in ${duration(seconds)}, at ${plannedAgain}`;
}

function pdp({ pdp: { state, address, version, reason } }: PoliciesReport): string {
  if (state === 'not needed yet') return 'Cerbos:   not needed yet';
  if (state === 'away') return `Cerbos:   away, at ${address}: ${reason}`;
  return `Cerbos:   ${version}, answers at ${address}`;
}

const reasons = ({ id, state, reasons: all }: PolicyReport): string[] =>
  all.map((reason) => `${id}: ${reason}${state === 'old' ? '; the text before it is in force' : ''}`);

function troubles({ unplanned, trouble }: PoliciesReport): string[] {
  return [
    ...(trouble === undefined ? [] : [trouble]),
    ...unplanned.map(
      ({ id, roles }) =>
        `set ${id} (${roles.join(', ')}) has no program: its queries meet what \`fail\` of the bridge says`,
    ),
  ];
}

/** One fault of a file. */
export interface LintFault {
  line?: number;
  column?: number;
  path: string;
  message: string;
  by: 'linter' | 'cerbos' | 'compiler';
}

/** What `nnoe policies lint --json` prints. */
export interface LintReport {
  /** 0: no faults; 1: some. */
  status: number;
  files: readonly { file: string; kind: string; name: string; faults: readonly LintFault[] }[];
  /** Roles for which everything is compiled. */
  compiled: readonly string[];
  /** Version of the Cerbos that was asked. */
  cerbos?: string;
}

export function showLint({ files, compiled, cerbos }: LintReport, out: Out): string {
  const { paint } = out;
  const lines = files.flatMap(({ file, kind, name, faults }) => {
    if (faults.length === 0) return [`${paint.green('ok    ')} ${printable(`${file}: ${kind} ${name}`)}`];
    return faults.flatMap(({ line, column, path, message }) => {
      const place = line === undefined ? '' : `:${line}${column === undefined ? '' : `:${column}`}`;
      const text = printable(`${file}${place}: ${path === '' ? '' : `${path}: `}${message}`);
      const [first = '', ...rest] = out.columns === undefined ? [text] : wrap(text, out.columns - 7);
      return [`${paint.red('fault ')} ${first}`, ...rest.map((each) => `       ${each}`)];
    });
  });
  const bad = files.filter(({ faults }) => faults.length > 0).length;
  const roles =
    compiled.length === 0 ? 'nothing compiled' : `compiled for ${compiled.map(printable).join(', ')}`;
  const version = cerbos === undefined ? '' : ` by plans of Cerbos ${cerbos}`;
  const total = `${bad === 0 ? 'no faults' : `${count(bad)} with faults`} in ${counted(files.length, 'file')}; ${roles}${version}`;
  return `${[...lines, total].join('\n')}\n`;
}
