// SPDX-License-Identifier: MPL-2.0
// Results on stdout: a table for people, or one JSON object a line and figure for programs.
import { type Alternative, boundText, holds, type Result } from './figures.js';

/** Three significant digits below a thousand, thousands separated above. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return Number(value.toPrecision(3)).toString();
}

/** A figure as programs get it: null where there is nothing. */
export interface FigureJson {
  case: string;
  name: string;
  value: number | null;
  unit: string;
  /** Such as `<= 150`. */
  bound: string | null;
  alternative: Alternative | null;
  method: string;
  ok: boolean;
  spread: readonly [number, number] | null;
}

export function figureJson(result: Result): FigureJson {
  const { spec, measured } = result;
  const { alternative } = measured ?? {};
  return {
    case: result.case,
    name: spec.name,
    value: measured !== undefined && Number.isFinite(measured.value) ? measured.value : null,
    unit: spec.unit,
    bound: boundText(result),
    alternative: alternative !== undefined && Number.isFinite(alternative.value) ? alternative : null,
    method: spec.method,
    ok: holds(result),
    spread: measured?.spread?.every(Number.isFinite) ? measured.spread : null,
  };
}

export const jsonLine = (result: Result): string => JSON.stringify(figureJson(result));

function row(result: Result): string[] {
  const { spec, measured } = result;
  const ok = holds(result);
  const bound = boundText(result);
  const spread = measured?.spread;
  return [
    spec.name,
    measured === undefined ? 'absent' : number(measured.value),
    spread === undefined ? '' : `${number(spread[0])} .. ${number(spread[1])}`,
    spec.unit,
    bound ?? '',
    !ok ? 'MISSED' : bound === null ? '' : 'ok',
    beside(result),
  ];
}

function beside({ spec, measured }: Result): string {
  const { alternative } = measured ?? {};
  if (alternative === undefined) return spec.alternative ? 'absent' : '';
  const { name, value, as } = alternative;
  return `${name}: ${number(value)}${as === undefined ? '' : ` ${as.unit}`}`;
}

const HEAD = ['figure', 'value', 'spread', 'unit', 'bound', '', 'beside'];
const RIGHT = new Set([1, 2]);

export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) =>
        RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const methods = results.map((result) => `  ${result.spec.name}: ${result.spec.method}`);
  return [...lines, '', 'How:', ...methods].join('\n');
}
