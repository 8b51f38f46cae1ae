// SPDX-License-Identifier: MPL-2.0
// A TOML file as values with their places. What is not TOML is reported line by line, as far as one can go on
// after it; the rest is read, so that its faults are found in the same run.
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { reasonOf } from '../errors.js';
import type { Fault } from './faults.js';
import { type Path, pathId, put, type Table, valueAt } from './paths.js';

/** Both from 1; the column counts UTF-16 units, as editors do. */
export interface Position {
  line: number;
  column: number;
}

export interface Document {
  /** As named in faults. */
  file: string;
  value: Table;
  /** Where values, their keys and sections stand, by `pathId`. */
  places: ReadonlyMap<string, Place>;
  faults: Fault[];
  /** Something could not be read, so that what seems to be missing may well be there. */
  broken: boolean;
}

export interface Place {
  /** The key, or the header of a section. */
  key: Position;
  value: Position;
}

/** Syntax faults reported of one file; somebody who named the wrong file need not see thousands. */
const mostSyntaxFaults = 20;

/** Sections whose header could not be read get a name like this, and are dropped. */
const lost = 'nnoe lost section ';

export const emptyDocument: Document = {
  file: '',
  value: {},
  places: new Map(),
  faults: [],
  broken: false,
};

/** @param bytes the file; must be UTF-8, as TOML wants it. Never throws. */
export function readDocument(bytes: Uint8Array, file: string): Document {
  const decoded = decode(bytes);
  const faults: Fault[] = [];
  const report = (position: Position, message: string) =>
    faults.push({ place: { file, ...position }, message });
  if (typeof decoded !== 'string') {
    report(decoded, 'not UTF-8');
    return { ...emptyDocument, file, faults, broken: true };
  }
  const builder = new Builder(report);
  try {
    const program = readProgram(decoded, report);
    for (const node of program?.body[0].body ?? []) builder.statement(node);
  } catch (error) {
    // Nested so deeply that the parser ran out of stack, or a fault of the parser.
    report({ line: 1, column: 1 }, `not TOML that can be read: ${reasonOf(error)}`);
  }
  return { file, value: builder.value, places: builder.places, faults, broken: faults.length > 0 };
}

/** The text without its byte order mark, or where it stops being UTF-8. */
function decode(bytes: Uint8Array): string | Position {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const readable = new TextDecoder('utf-8').decode(bytes).split('\ufffd', 1)[0] ?? '';
    const lines = readable.split('\n');
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  }
}

type Report = (position: Position, message: string) => void;

const parse = (text: string) => parseTOML(text, { tomlVersion: '1.0' });

/** Takes out the statement that cannot be read and tries again, while it is sure where that statement ends. */
function readProgram(text: string, report: Report): AST.TOMLProgram | undefined {
  const lines = text.split('\n');
  for (let count = 1; ; count++) {
    const parsed = attempt(lines);
    if (!(parsed instanceof ParseError)) return parsed;
    let error = parsed;
    const begin = statementBegin(lines, Math.min(error.lineNumber, lines.length));
    const first = lines[begin - 1] ?? '';
    // The parser may notice only at the next line that a statement of one line is incomplete.
    const again = goesOn(first) ? undefined : attempt(lines.slice(0, begin));
    if (again instanceof ParseError) error = again;
    // The end of the file may be named as a line after the last.
    const line = Math.min(error.lineNumber, lines.length);
    report(
      { line, column: error.column + 1 },
      words(error, lines[line - 1] ?? '', begin === line ? undefined : begin),
    );
    const instead = /^\s*\[/.test(first) ? `["${lost}${count}"]` : '';
    if (begin !== line || goesOn(first) || first === instead || count >= mostSyntaxFaults)
      return parse(before(lines, begin));
    lines[begin - 1] = instead;
  }
}

function attempt(lines: readonly string[]): AST.TOMLProgram | ParseError {
  try {
    return parse(lines.join('\n'));
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

const before = (lines: readonly string[], line: number) => lines.slice(0, line - 1).join('\n');

/** First line of the statement that `line` is part of: what stands before it can be read. */
function statementBegin(lines: readonly string[], line: number): number {
  for (let begin = line; begin > 1; begin--)
    if (!(attempt(lines.slice(0, begin - 1)) instanceof ParseError)) return begin;
  return 1;
}

/** Whether a statement that begins in this line may end in another; a header never does. */
function goesOn(line: string): boolean {
  if (/^\s*\[/.test(line)) return false;
  const bare = line.replace(/"(\\.|[^"\\])*"|'[^']*'/g, '');
  const count = (character: string) => bare.split(character).length;
  return count('[') > count(']') || count('{') > count('}') || /"""|'''/.test(line);
}

function words(error: ParseError, line: string, begin: number | undefined): string {
  const [first = '', ...rest] = error.message;
  const said = first.toLowerCase() + rest.join('');
  const since = begin === undefined ? '' : `, in what begins in line ${begin}`;
  if (said.startsWith('defining a key')) {
    const name = /^[\w-]+|^"[^"]*"|^'[^']*'/.exec(line.slice(error.column))?.[0] ?? 'this key';
    return `${name} is there twice${since}`;
  }
  const value = /=\s*$/.test(line.slice(0, error.column)) && /^[A-Za-z/.]/.test(line.slice(error.column));
  const bareText = value || /=\s*[A-Za-z/.][\w/.]*$/.test(line.slice(0, error.column));
  return `not TOML: ${said}${since}${bareText ? ' (texts stand in quotes)' : ''}`;
}

/** Makes values of the syntax tree, and notes where each stands. */
class Builder {
  readonly value: Table = {};
  readonly places = new Map<string, Place>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  statement(node: AST.TOMLKeyValue | AST.TOMLTable): void {
    if (node.type === 'TOMLKeyValue') {
      this.#keyValue([], node);
      return;
    }
    const path = node.resolvedKey;
    if (String(path[0]).startsWith(lost) || this.#refused(path, node.key)) return;
    const position = begin(node);
    this.#sections(path, path.length, () => position);
    for (const each of node.body) this.#keyValue(path, each);
  }

  #keyValue(above: Path, node: AST.TOMLKeyValue): void {
    const path = [...above, ...node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value))];
    if (this.#refused(path, node.key)) return;
    const at = (index: number) => begin(node.key.keys[index - above.length] ?? node.key);
    this.#sections(path, path.length - 1, (index) => at(Math.max(index, above.length)));
    this.places.set(pathId(path), { key: at(path.length - 1), value: begin(node.value) });
    put(this.value, path, this.#valueOf(path, node.value));
  }

  /** The sections on the way to `path`, its first `count` steps. */
  #sections(path: Path, count: number, at: (index: number) => Position): void {
    for (let i = 1; i <= count; i++) {
      const section = path.slice(0, i);
      const position = at(i - 1);
      if (!this.places.has(pathId(section)))
        this.places.set(pathId(section), { key: position, value: position });
      put(this.value, section, typeof path[i] === 'number' ? [] : {}, true);
    }
  }

  #valueOf(path: Path, node: AST.TOMLContentNode): unknown {
    if (node.type === 'TOMLValue') return this.#scalar(node);
    if (node.type === 'TOMLArray')
      return node.elements.map((element, index) => {
        const position = begin(element);
        this.places.set(pathId([...path, index]), { key: position, value: position });
        return this.#valueOf([...path, index], element);
      });
    put(this.value, path, {});
    for (const each of node.body) this.#keyValue(path, each);
    return valueAt(this.value, path);
  }

  #scalar(node: AST.TOMLValue): unknown {
    if (node.kind === 'integer' && BigInt.asIntN(64, node.bigint) !== node.bigint)
      this.#report(begin(node), 'a whole number of more than 64 bits');
    return node.value;
  }

  /** No key of ours has such a name, and in JavaScript it would reach what every object shares. */
  #refused(path: Path, key: AST.TOMLKey): boolean {
    const refused = path.includes('__proto__');
    if (refused) this.#report(begin(key), '__proto__ is no name for a key');
    return refused;
  }
}

const begin = ({ loc }: { loc: AST.SourceLocation }): Position => ({
  line: loc.start.line,
  column: loc.start.column + 1,
});
