// SPDX-License-Identifier: MPL-2.0
// What zod finds, all of it and in words.
import type { z } from 'zod';
import { isTable, type Path, pathId, put, type Table, valueAt } from './paths.js';

export type Issue = z.core.$ZodIssue;

/**
 * Checks what a schema says of single values and of values together. The latter zod leaves out when there is
 * any fault; so what is at fault is taken out, and the rest checked again.
 */
export function validate(schema: z.ZodType, raw: Table): { data?: Table; issues: Issue[] } {
  const issues: Issue[] = [];
  const left = new Remainder(raw);
  // Each round takes something out; the bound is for schemas that refuse whatever they are given.
  for (let round = 0; round < 20; round++) {
    const result = schema.safeParse(left.value);
    if (result.success) return issues.length === 0 ? { data: result.data as Table, issues } : { issues };
    issues.push(...result.error.issues.flatMap((issue) => left.fresh(issue)));
    const removed = result.error.issues.map((issue) => left.takeOut(issue));
    if (!removed.includes(true)) break;
  }
  return { issues };
}

/** What is left of a configuration when everything that was at fault is taken out of it. */
class Remainder {
  readonly value: Table;
  readonly #gone = new Set<string>();
  /** Sections whose name is at fault go on under another one, so that what is in them is checked. */
  readonly #renamed = new Map<string, string>();

  constructor(raw: Table) {
    this.value = structuredClone(raw);
  }

  /** The issue with its path in the configuration, unless it is about something that was taken out. */
  fresh(issue: Issue): Issue[] {
    if (this.#gone.has(pathId(issue.path as Path))) return [];
    return [{ ...issue, path: issue.path.map((step) => this.#renamed.get(String(step)) ?? step) }];
  }

  /** Whether there was something to take out. */
  takeOut(issue: Issue): boolean {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => this.#remove([...path, key])).includes(true);
    if (issue.code === 'invalid_key') return this.#rename(path);
    this.#gone.add(pathId(path));
    // A list is taken as a whole: its elements would move.
    const list = path.findIndex((step) => typeof step === 'number');
    for (let length = list === -1 ? path.length : list; length > 0; length--)
      if (this.#remove(path.slice(0, length))) return true;
    return false;
  }

  #remove(path: Path): boolean {
    this.#gone.add(pathId(path));
    const above = valueAt(this.value, path.slice(0, -1));
    const last = path.at(-1) ?? '';
    if (!isTable(above) || !Object.hasOwn(above, last)) return false;
    delete above[last];
    return true;
  }

  #rename(path: Path): boolean {
    const name = String(path.at(-1));
    const section = valueAt(this.value, path);
    if (!this.#remove(path) || this.#renamed.has(name)) return false;
    const free = `x${this.#renamed.size}-${name.toLowerCase().replace(/[^a-z0-9]/g, '-')}`;
    this.#renamed.set(free, name);
    put(this.value, [...path.slice(0, -1), free], section);
    return true;
  }
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
  // What is in a section may be a secret.
  if (isTable(value)) return 'a section';
  if (Array.isArray(value) && value.some((each) => typeof each === 'object'))
    return 'a list of sections or lists';
  const text = (JSON.stringify(value) ?? String(value)).replace(/(:\/\/)[^@/"]*@/g, '$1…@');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
