// SPDX-License-Identifier: MPL-2.0
// What environment variables and `--set` put over the file. Texts become what the key's type wants; whether the
// value is right is checked together with the file's.
import { type Catalogue, type JsonSchema, keyAt, keysOf, namesIn } from './catalogue.js';
import { readDocument } from './document.js';
import type { Fault, FaultPlace } from './faults.js';
import { nearest, suggestion } from './nearest.js';
import { dotted } from './paths.js';
import { otherVariables, pathOfVariable, variableOf } from './variables.js';

export interface Override {
  path: string[];
  value: unknown;
  place: FaultPlace;
}

export interface Overrides {
  /** Weakest first: variables, then flags in their order. */
  list: Override[];
  faults: Fault[];
}

export interface OverrideSources {
  environment: Readonly<Record<string, string | undefined>>;
  /** `KEY=VALUE` each. */
  set: readonly string[];
}

/** @param unreadable plugins whose keys cannot be known because they did not load; theirs are passed over. */
export function readOverrides(
  all: Catalogue,
  { environment, set }: OverrideSources,
  unreadable: readonly string[] = [],
): Overrides {
  const list: Override[] = [];
  const faults: Fault[] = [];
  const isUnreadable = (path: readonly string[]) =>
    path[0] === 'plugins' && unreadable.includes(path[1] ?? '');
  const skipped = unreadable.map((name) => `${variableOf({ path: ['plugins', name] })}_`);
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith('NNOE_') || Object.hasOwn(otherVariables, variable))
      continue;
    const path = pathOfVariable(all, variable);
    const place = { variable };
    if (path !== undefined) list.push({ path, value: typed(keyAt(all, path)?.schema ?? {}, text), place });
    else if (!skipped.some((each) => variable.startsWith(each)))
      faults.push({ place, message: unknownVariable(all, variable) });
  }
  for (const each of set) {
    const [name = '', ...rest] = each.split('=');
    const place = { flag: `--set ${name}` };
    const path = name.trim().split('.');
    const key = keyAt(all, path);
    if (rest.length === 0)
      faults.push({ place: { flag: '--set' }, message: 'wants KEY=VALUE, as store.kind=etcd' });
    else if (key !== undefined) list.push({ path, value: typed(key.schema, rest.join('=')), place });
    else if (!isUnreadable(path)) faults.push({ place, message: unknownKey(all, path) });
  }
  return { list, faults };
}

function unknownVariable(all: Catalogue, variable: string): string {
  const known = [...keysOf(all).map(variableOf), ...Object.keys(otherVariables)];
  const near = nearest(variable, known);
  return `no such variable; ${near === undefined ? 'see `nnoe config reference` for the keys' : `did you mean ${near}?`}`;
}

function unknownKey(all: Catalogue, path: string[]): string {
  const inside = namesIn(all, path);
  if (inside.length > 0) return `is a section; set one of its keys: ${inside.join(', ')}`;
  const known = keysOf(all).map((key) => dotted(key.path).replace('"*"', 'NAME'));
  return `no such key; ${suggestion(dotted(path), known).replace(/^known here:.*/, 'see `nnoe config reference`')}`;
}

/** The text as a value of that type; as it is when it is none, which the check then reports. */
export function typed(schema: JsonSchema, text: string): unknown {
  const kinds = kindsOf(schema);
  if (kinds.has('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  if ((kinds.has('number') || kinds.has('integer')) && text.trim() !== '' && !Number.isNaN(Number(text)))
    return Number(text);
  if (kinds.has('array')) return listOf(schema, text);
  if (kinds.has('string')) return text;
  return tomlValue(text) ?? text;
}

function kindsOf({ type, const: only, enum: several, anyOf }: JsonSchema): Set<string> {
  if (type !== undefined) return new Set([type]);
  const values = several ?? (only === undefined ? [] : [only]);
  return new Set([
    ...values.map((value) => typeof value),
    ...(anyOf ?? []).flatMap((each) => [...kindsOf(each)]),
  ]);
}

function listOf(schema: JsonSchema, text: string): unknown {
  if (text.trimStart().startsWith('[')) return tomlValue(text) ?? text;
  if (text.trim() === '') return [];
  return text.split(',').map((each) => typed(schema.items ?? { type: 'string' }, each.trim()));
}

/** Undefined when it is no TOML value. */
function tomlValue(text: string): unknown {
  const { value, broken } = readDocument(new TextEncoder().encode(`value = ${text}`), '');
  return broken || Object.keys(value).length > 1 ? undefined : value.value;
}
