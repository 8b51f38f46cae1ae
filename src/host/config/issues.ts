// SPDX-License-Identifier: MPL-2.0
// What zod finds, all of it and in words.
import type { z } from 'zod';
import { isTable, type Path, pathId, type Table, valueAt } from './paths.js';

export type Issue = z.core.$ZodIssue;

/**
 * Checks what a schema says of single values and of values together. The latter zod leaves out when there is
 * any fault; so what is at fault is taken out, and the rest checked again.
 */
export function validate(schema: z.ZodType, raw: Table): { data?: Table; issues: Issue[] } {
  const issues: Issue[] = [];
  const gone = new Set<string>();
  const left = structuredClone(raw);
  // Each round takes something out; the bound is for schemas that refuse whatever they are given.
  for (let round = 0; round < 20; round++) {
    const result = schema.safeParse(left);
    if (result.success) return issues.length === 0 ? { data: result.data as Table, issues } : { issues };
    issues.push(...result.error.issues.filter((issue) => !gone.has(pathId(issue.path as Path))));
    const removed = result.error.issues.map((issue) => takeOut(left, issue, gone));
    if (!removed.includes(true)) break;
  }
  return { issues };
}

/** Whether there was something to take out. */
function takeOut(raw: Table, issue: Issue, gone: Set<string>): boolean {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => remove(raw, [...path, key], gone)).includes(true);
  // A list is taken as a whole: its elements would move.
  const list = path.findIndex((step) => typeof step === 'number');
  for (let length = list === -1 ? path.length : list; length > 0; length--)
    if (remove(raw, path.slice(0, length), gone)) {
      gone.add(pathId(path));
      return true;
    }
  return false;
}

function remove(raw: Table, path: Path, gone: Set<string>): boolean {
  gone.add(pathId(path));
  const above = valueAt(raw, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (!isTable(above) || !Object.hasOwn(above, last)) return false;
  delete above[last];
  return true;
}

const typeNames: Record<string, string> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in brackets',
  object: 'a section',
  record: 'a section',
};

/** @param unit of the key, if it has one. @param limits its range in words. */
export function expectation(issue: Issue, unit: string, limits: string): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
    case 'too_big':
      return limits === '' ? bound(issue) : `${limits}${unit === '' ? '' : ` ${unit}`}`;
    case 'invalid_union':
      return choices(issue) ?? limits;
    case 'invalid_key':
      return issue.issues.map((each) => each.message).join(', ');
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return issue.message;
  }
}

function bound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  return issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
}

function choices(issue: Extract<Issue, { code: 'invalid_union' }>): string | undefined {
  const values = issue.errors.flatMap((each) => each.flatMap((e) => ('values' in e ? e.values : [])));
  return values.length > 0 ? oneOf(values) : undefined;
}

const oneOf = (values: readonly unknown[]) =>
  values.length === 1
    ? JSON.stringify(values[0])
    : `one of ${values.map((v) => JSON.stringify(v)).join(', ')}`;

/** Names of keys whose value is shown nowhere, should somebody give a secret to one instead of to a file. */
const secretName = /(^|[-_])(password|passphrase|passwd|secret|token|credential|private-key|api-key)s?$/i;

export const isSecretName = (name: string | number | undefined): boolean =>
  secretName.test(String(name ?? ''));

/** A value as messages show it: never what may be a secret, and not at length. */
export function show(value: unknown, hidden: boolean): string {
  if (value === undefined) return 'nothing';
  if (hidden)
    return typeof value === 'string' ? 'a text that is not shown here' : 'a value that is not shown here';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'number') return String(value);
  const text = (JSON.stringify(value) ?? String(value)).replace(/(:\/\/)[^@/"]*@/g, '$1…@');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
