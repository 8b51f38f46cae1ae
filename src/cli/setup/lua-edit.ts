// SPDX-License-Identifier: MPL-2.0
// The line that dnsdist's Lua needs: put in, changed, taken out again. Pure: text to text.
import {
  blank,
  type Edit,
  edited,
  forPeople,
  fromPeople,
  lineStart,
  newlineOf,
  nextLine,
  refuse,
} from './text-edit.js';

export interface Bridge {
  script: string;
  directory: string;
  fail: string;
  decisions?: string;
  library?: string;
}

export interface LuaEdit {
  text: string;
  /** What stands there afterwards; undefined when there is no line of ours. */
  bridge?: Partial<Bridge>;
}

export const note = '-- NNOE: what each client may ask. Rules after this line see only what is allowed.';

const options = ['directory', 'fail', 'decisions', 'library'] as const;

/** As it is written, and as it is documented. */
export function luaCall({ script, ...given }: Bridge): string {
  const words = options.flatMap((name) =>
    given[name] === undefined ? [] : `${name} = ${quoted(given[name])}`,
  );
  return `dofile(${quoted(script)})({ ${words.join(', ')} })`;
}

/** JSON's escapes are Lua's too but for \u, which is not needed for bytes. */
const quoted = (text: string) => {
  if (/[\p{Cc}]/u.test(text)) throw new Error('a control character in a path');
  return fromPeople(JSON.stringify(text));
};

/** @throws NnoeError SETUP_TEXT */
export function addLine(file: string, text: string, usual: Bridge, wanted: Partial<Bridge> = {}): LuaEdit {
  const call = findCall(file, text);
  if (call !== undefined) return changedCall(text, call, wanted);
  const bridge = { ...usual, ...wanted };
  const newline = newlineOf(text);
  const at = afterHeading(text);
  const lines = [note, luaCall(bridge), ''].map((line) => line + newline).join('');
  return { text: edited(text, [{ offset: at, length: 0, text: lines }]), bridge };
}

/** The same text when there is none of ours. @throws NnoeError SETUP_TEXT */
export function removeLine(file: string, text: string): LuaEdit {
  const call = findCall(file, text);
  if (call === undefined) return { text };
  let start = lineStart(text, call.offset);
  const above = lineStart(text, start - 1);
  const noted = start > 0 && text.slice(above, start).trim() === note;
  if (noted) start = above;
  let end = nextLine(text, call.end);
  if (noted && /^[ \t]*\r?\n/.test(text.slice(end))) end = nextLine(text, end);
  return { text: edited(text, [{ offset: start, length: end - start, text: '' }]) };
}

/** Behind the comment that a file begins with, which is about the file. */
function afterHeading(text: string): number {
  const heading = /^(?:--(?!\[=*\[).*\r?\n)+(?:[ \t]*\r?\n)+/.exec(text);
  return heading?.[0].length ?? 0;
}

export interface Call {
  offset: number;
  end: number;
  /** As it stands there, without its quotes. */
  script: { offset: number; text: string };
  /** The table of options, with its braces. */
  table: { offset: number; text: string };
}

const whole =
  /^[ \t]*(?:return[ \t]+)?(dofile\s*\(\s*(["'])([^"'\r\n]*nnoe\.lua)\2\s*\)\s*\(\s*(\{[^{}]*\})\s*\))[ \t]*;?[ \t]*(?=\r?$)/gm;

/** @throws NnoeError SETUP_TEXT when our script is named, but not in a call that can be changed. */
export function findCall(file: string, text: string): Call | undefined {
  const code = withoutComments(text);
  const calls = [...code.matchAll(whole)];
  const [first] = calls;
  const named = [...code.matchAll(/nnoe\.lua/g)];
  const strange = named.find(
    ({ index }) => !calls.some((call) => call.index <= index && index < call.index + call[0].length),
  );
  const expected = 'dofile("…/nnoe.lua")({ … }) on lines of its own, once';
  if (strange !== undefined) refuse(file, text, strange.index, 'nnoe.lua in other words', expected);
  if (calls.length > 1) refuse(file, text, calls[1]?.index ?? 0, 'nnoe.lua a second time', expected);
  if (first === undefined) return undefined;
  const [, call = '', , script = '', table = ''] = first;
  const offset = first.index + first[0].indexOf(call);
  const from = offset + call.lastIndexOf(table);
  return {
    offset,
    end: offset + call.length,
    script: { offset: offset + call.indexOf(script), text: script },
    table: { offset: from, text: table },
  };
}

const option = (name: string) => new RegExp(`([{,;]\\s*${name}\\s*=\\s*)("[^"\\n]*"|'[^'\\n]*'|[\\w.]+)`);

export function changedCall(text: string, { script, table }: Call, wanted: Partial<Bridge>): LuaEdit {
  const now = forPeople(script.text);
  const bridge: Partial<Bridge> = { script: wanted.script ?? now };
  const edits: Edit[] = [];
  if (wanted.script !== undefined && wanted.script !== now)
    edits.push({
      offset: script.offset,
      length: script.text.length,
      text: quoted(wanted.script).slice(1, -1),
    });
  for (const name of options) {
    const [found, before = '', literal = ''] = option(name).exec(table.text) ?? [];
    const now = found === undefined ? undefined : forPeople(literal.replace(/^(["'])(.*)\1$/s, '$2'));
    const value = wanted[name] ?? now;
    if (value !== undefined) bridge[name] = value;
    if (value === now || value === undefined) continue;
    const at = table.text.search(option(name));
    if (found !== undefined)
      edits.push({ offset: table.offset + at + before.length, length: literal.length, text: quoted(value) });
    else edits.push({ offset: table.offset + 1, length: 0, text: ` ${name} = ${quoted(value)},` });
  }
  return { text: edited(text, edits), bridge };
}

/** As long as `text`; what stands in strings is no comment. */
function withoutComments(text: string): string {
  const token =
    /--\[(=*)\[[\s\S]*?(?:\]\1\]|$(?![\s\S]))|--[^\n]*|\[(=*)\[[\s\S]*?(?:\]\2\]|$(?![\s\S]))|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/g;
  return text.replace(token, (each) => (each.startsWith('--') ? blank(each) : each));
}
