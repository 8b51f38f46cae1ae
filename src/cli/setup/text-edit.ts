// SPDX-License-Identifier: MPL-2.0
// Changes of a text that leave every other byte of it as it was. Texts are bytes, one a character (latin1): what a
// file holds beside ASCII comes out as it went in.
import { NnoeError } from '../../host/errors.js';

export interface Edit {
  offset: number;
  length: number;
  text: string;
}

/** @param edits that do not overlap, in any order. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { offset, length, text: inserted } of [...edits].sort((a, b) => b.offset - a.offset))
    result = result.slice(0, offset) + inserted + result.slice(offset + length);
  return result;
}

export const fromPeople = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
export const forPeople = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** After the newline; at the end of the text when there is none. */
export function nextLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
}

/** Blanks that the line of `offset` begins with. */
export const indentAt = (text: string, offset: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';

export const newlineOf = (text: string): string => (/\r?\n/.exec(text) ?? ['\n'])[0];

export const blank = (text: string): string => text.replace(/[^\r\n]/g, ' ');

/** This place cannot be changed. @throws NnoeError SETUP_TEXT */
export function refuse(file: string, text: string, offset: number, found: string, expected: string): never {
  throw new NnoeError('SETUP_TEXT', { file, line: lineOf(text, offset), found, expected });
}
