// SPDX-License-Identifier: MPL-2.0
// Kea's JSON: comments of three kinds, includes, commas too many. What is not JSON is overlaid, character by
// character, so that places in the overlaid text are places in the file.
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { blank, refuse } from './text-edit.js';

export interface Span {
  offset: number;
  end: number;
}

export interface KeaText {
  file: string;
  text: string;
  /** As long as `text`, without comments; where an include stands there is a number. */
  plain: string;
  comments: Span[];
  includes: Span[];
  root: Node;
}

const string = /"(?:[^"\\\n]|\\.)*"/y;
const include = /<\?\s*include\s+"[^"\n]+"\s*\?>/y;

/** @throws NnoeError SETUP_TEXT */
export function readKea(file: string, text: string): KeaText {
  const overlaid = new Overlay(file, text).run();
  const errors: ParseError[] = [];
  const root = parseTree(overlaid.plain, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const why = first === undefined ? '' : ` (${printParseErrorCode(first.error)})`;
    const offset = first?.offset ?? 0;
    return refuse(file, text, offset, sample(text, offset), `JSON as Kea reads it${why}`);
  }
  return { file, text, ...overlaid, root };
}

const sample = (text: string, offset: number) => {
  const rest = /[^\r\n]{0,30}/.exec(text.slice(offset).trimStart())?.[0] ?? '';
  return rest === '' ? 'the end of the file' : JSON.stringify(rest);
};

class Overlay {
  readonly #comments: Span[] = [];
  readonly #includes: Span[] = [];
  readonly #parts: string[] = [];
  readonly #open: string[] = [];
  #at = 0;
  /** The last character that means something. */
  #before = '';

  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  run() {
    while (this.#at < this.text.length) this.#step();
    return { plain: this.#parts.join(''), comments: this.#comments, includes: this.#includes };
  }

  #step(): void {
    const { text } = this;
    const at = this.#at;
    const two = text.slice(at, at + 2);
    if (text[at] === '"') this.#take(this.#match(string, 'a string without its end', 'the end of it'));
    else if (text[at] === '#' || two === '//') this.#comment(/$/m.exec(text.slice(at))?.index ?? 0);
    else if (two === '/*') this.#long();
    else if (two === '<?') this.#include(this.#match(include, 'another directive', '<?include "FILE"?>'));
    else this.#take(text[at] as string);
  }

  #long(): void {
    const at = this.#at;
    const end = this.text.indexOf('*/', at + 2);
    if (end === -1) refuse(this.file, this.text, at, 'a comment without its end', '*/');
    this.#comment(end + 2 - at);
  }

  #match(pattern: RegExp, found: string, expected: string): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text)?.[0] ?? refuse(this.file, this.text, this.#at, found, expected);
  }

  #take(part: string): void {
    if (part === '{' || part === '[') this.#open.push(part);
    if (part === '}' || part === ']') this.#open.pop();
    if (part.trim() !== '') this.#before = part[0] as string;
    this.#pass(part, part.length);
  }

  #comment(length: number): void {
    this.#comments.push({ offset: this.#at, end: this.#at + length });
    this.#pass(blank(this.text.slice(this.#at, this.#at + length)), length);
  }

  /** Whatever it brings, it stands here for a member, an element or a value. */
  #include(directive: string): void {
    const member = this.#open.at(-1) === '{' && /[{,]/.test(this.#before);
    this.#includes.push({ offset: this.#at, end: this.#at + directive.length });
    this.#before = '0';
    this.#pass((member ? '"":0' : '0').padEnd(directive.length), directive.length);
  }

  #pass(part: string, length: number): void {
    this.#parts.push(part);
    this.#at += length;
  }
}
