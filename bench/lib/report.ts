// SPDX-License-Identifier: MPL-2.0
// Results on stdout: a table for people, or one JSON object a line and figure for programs.
import { boundText, holds, type Result } from './figures.js';

/** Three significant digits below a thousand, thousands separated above. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return Number(value.toPrecision(3)).toString();
}

export function jsonLine(result: Result): string {
  const { spec, measured } = result;
  const value = measured !== undefined && Number.isFinite(measured.value) ? measured.value : null;
  return JSON.stringify({
    case: result.case,
    name: spec.name,
    value,
    unit: spec.unit,
    bound: boundText(spec),
    alternative: measured?.alternative ?? null,
    method: spec.method,
    ok: holds(spec, measured),
    spread: measured?.spread ?? null,
  });
}

function row(result: Result): string[] {
  const { spec, measured } = result;
  const verdict =
    spec.bound === undefined && measured !== undefined ? '' : holds(spec, measured) ? 'ok' : 'MISSED';
  const spread = measured?.spread;
  return [
    spec.name,
    measured === undefined ? 'absent' : number(measured.value),
    spread === undefined ? '' : `${number(spread[0])} .. ${number(spread[1])}`,
    spec.unit,
    boundText(spec) ?? '',
    verdict,
    measured?.alternative === undefined
      ? ''
      : `${measured.alternative.name}: ${number(measured.alternative.value)}`,
  ];
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
