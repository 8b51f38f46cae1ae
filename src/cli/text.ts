// SPDX-License-Identifier: MPL-2.0
// Text for people: tables, wrapped paragraphs, numbers and times. What came from outside passes `printable`.

/** Clients choose their names: control and formatting characters must not reach a terminal. */
export const printable = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);

export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 lease`, `2 leases`. */
export const counted = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param seconds 0 or more; the two largest units. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const parts: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const at = parts.findIndex(([each]) => seconds >= each);
  const [[large, name], [small, less] = [1, '']] = parts.slice(at) as [[number, string], [number, string]?];
  if (at === 3) return `${Math.round(seconds)} s`;
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${name}${rest > 0 && at < 2 ? ` ${rest} ${less}` : ''}`;
}

/** At blanks; a word that is too long stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

const ellipsis = '…';

export function crop(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}${ellipsis}`;
}

/** Least width of each column that takes every row; the last one takes what is left. */
export function widths(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
}

const gap = 2;

/**
 * One row, padded, its last cell wrapped within `columns` (undefined: not).
 * @param paint colours a cell, which has its final width by then.
 */
export function row(
  cells: readonly string[],
  wide: readonly number[],
  columns: number | undefined,
  paint: (cell: string, column: number) => string = (cell) => cell,
): string {
  const last = cells.length - 1;
  const before = wide.slice(0, last).reduce((sum, each) => sum + each + gap, 0);
  const head = cells.slice(0, last).map((cell, i) => paint(cell.padEnd(wide[i] ?? 0), i) + ' '.repeat(gap));
  const tail = cells[last] ?? '';
  const lines = columns === undefined ? [tail] : wrap(tail, Math.max(20, columns - before));
  const text = lines.map((line) => paint(line, last)).join(`\n${' '.repeat(before)}`);
  return (head.join('') + text).trimEnd();
}
