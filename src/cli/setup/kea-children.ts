// SPDX-License-Identifier: MPL-2.0
// A member or element more, or one less, in JSON that people have laid out.
import type { Node } from 'jsonc-parser';
import type { KeaText } from './kea-text.js';
import { type Edit, indentAt, lineStart, newlineOf, nextLine } from './text-edit.js';

const usualIndent = '    ';

/**
 * In front of all others, so that no comment behind another one changes its place.
 * @param lines of what is inserted, without indentation; `unit` is one step of it.
 */
export function insertFirst(kea: KeaText, container: Node, lines: (unit: string) => string[]): Edit[] {
  const { text } = kea;
  const { offset, children: [first] = [] } = container;
  const newline = newlineOf(text);
  const outer = indentAt(text, offset);
  const ownLine =
    first !== undefined && text.slice(lineStart(text, first.offset), first.offset).trim() === '';
  const inner = ownLine ? indentAt(text, first.offset) : outer + usualIndent;
  const unit =
    inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : usualIndent;
  const body = (end: string) =>
    lines(unit)
      .map((line) => inner + line)
      .join(newline) + end;
  const next = lineAfter(kea, container);
  if (next !== undefined)
    return [{ offset: next, length: 0, text: body(first === undefined ? newline : `,${newline}`) }];
  if (first !== undefined) return [{ offset: offset + 1, length: 0, text: newline + body(',') }];
  const rest = /^\s*/.exec(kea.text.slice(offset + 1))?.[0].length ?? 0;
  return [{ offset: offset + 1, length: rest, text: newline + body(newline) + outer }];
}

/** Where the line after the opening bracket begins, when nothing but blanks and whole comments stand before. */
function lineAfter({ text, plain, comments }: KeaText, { offset, length }: Node): number | undefined {
  const next = nextLine(text, offset);
  if (next >= offset + length || plain.slice(offset + 1, next).trim() !== '') return undefined;
  return comments.some((comment) => comment.offset < next && comment.end > next) ? undefined : next;
}

/** With its comma, and with its lines when nothing else stands in them. */
export function removeChild(kea: KeaText, container: Node, child: Node): Edit[] {
  const { text, plain, comments } = kea;
  const { children = [] } = container;
  const at = children.indexOf(child);
  const end = child.offset + child.length;
  const comma = /^\s*,/.exec(plain.slice(end))?.[0].length ?? 0;
  const edits: Edit[] = [];
  const previous = children[at - 1];
  // The last one leaves a comma behind that belongs to the one before.
  if (comma === 0 && previous !== undefined) {
    const from = previous.offset + previous.length;
    edits.push({ offset: from + plain.slice(from).indexOf(','), length: 1, text: '' });
  }
  // A comment between it and its comma stays where it is.
  const own = comma === 0 || text.slice(end, end + comma).trim() === ',';
  if (!own) edits.push({ offset: end + comma - 1, length: 1, text: '' });
  const until = own ? end + comma : end;
  const start = lineStart(text, child.offset);
  const next = nextLine(text, until);
  const alone = text.slice(start, child.offset).trim() === '' && text.slice(until, next).trim() === '';
  if (alone && start > container.offset && next <= container.offset + container.length)
    return [...edits, { offset: start, length: next - start, text: '' }];
  const blanks = /\s*$/.exec(text.slice(container.offset + 1, child.offset))?.[0].length ?? 0;
  // What ends a comment in front of it is not taken with it.
  const kept = comments.some((comment) => comment.end === child.offset - blanks);
  const offset = kept ? child.offset : child.offset - blanks;
  return [...edits, { offset, length: until - offset, text: '' }];
}
