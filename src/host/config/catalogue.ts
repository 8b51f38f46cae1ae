// SPDX-License-Identifier: MPL-2.0
// Every key that there is, as a list: what the schema of the host and those of the plugins say, in words. The
// reference, the sample, variables, flags, suggestions and `nnoe check` go by it.
import { z } from 'zod';
import { hostSchema, pluginKeys } from '../config.js';
import type { AnyPlugin } from '../plugin.js';
import { isTable, type Path, type Table } from './paths.js';

/** A JSON Schema, with the metadata of config.ts in it. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  propertyNames?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  examples?: unknown[];
  unit?: string;
  range?: string;
  shown?: string;
  names?: 'file' | 'secret' | 'journal' | 'directory' | 'kept';
}

export interface Key {
  /** `*` stands for a name that the operator gives. */
  path: readonly string[];
  schema: JsonSchema;
  description: string;
  /** 'text', 'number', 'list of text', ... */
  type: string;
  /** What it may be, in words; empty when anything of the type. */
  range: string;
  unit: string;
  required: boolean;
  /** Undefined when there is none, or when it is `shown` because it differs from machine to machine. */
  default: unknown;
  /** The default in words. */
  shown: string | undefined;
}

export interface Section {
  path: readonly string[];
  description: string;
  keys: Key[];
}

/** The sections in the order of the schema, outer before inner; the first has no name. */
export type Catalogue = readonly Section[];

/** What `z.toJSONSchema` makes of it, plugins included; types beyond JSON become 'anything'. */
export function jsonSchema(plugins: readonly AnyPlugin[]): JsonSchema {
  const host = toJson(hostSchema);
  const own = toJson(pluginKeys).properties ?? {};
  const { package: _, ...released } = own;
  const sections = plugins.map((plugin): [string, JsonSchema] => {
    const { properties, required } = toJson(plugin.config);
    const schema: JsonSchema = {
      description: plugin.summary,
      type: 'object',
      properties: {
        ...released,
        ...(plugin.optIn && { enabled: { ...released.enabled, default: false } }),
        ...properties,
      },
      additionalProperties: false,
    };
    return [plugin.name, required === undefined ? schema : { ...schema, required }];
  });
  const section = host.properties?.plugins;
  const others: JsonSchema = {
    type: 'object',
    description: 'A plugin that is not of this release; its other keys are its own.',
    properties: own,
    required: ['package'],
  };
  if (section !== undefined) {
    section.properties = Object.fromEntries(sections);
    section.additionalProperties = others;
  }
  return host;
}

const toJson = (schema: z.core.$ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema: made }) => {
      // Such a default is this machine's.
      if (made.shown !== undefined) delete made.default;
    },
  }) as JsonSchema;

export function catalogue(plugins: readonly AnyPlugin[]): Catalogue {
  return [...sectionsOf(jsonSchema(plugins), [])];
}

function* sectionsOf(schema: JsonSchema, path: readonly string[]): Generator<Section> {
  const { properties = {}, additionalProperties, required = [] } = schema;
  const inner = Object.entries(properties).filter(([, each]) => isSection(each));
  const keys = Object.entries(properties)
    .filter(([, each]) => !isSection(each))
    .map(([name, each]) => keyOf([...path, name], each, required.includes(name)));
  const { description = '' } = schema;
  yield { path, description, keys };
  for (const [name, each] of inner) yield* sectionsOf(each, [...path, name]);
  if (isTable(additionalProperties)) yield* sectionsOf(additionalProperties as JsonSchema, [...path, '*']);
}

const isSection = ({ type, properties, additionalProperties }: JsonSchema): boolean =>
  type === 'object' &&
  (properties !== undefined ||
    (isTable(additionalProperties) && (additionalProperties as JsonSchema).properties !== undefined));

function keyOf(path: readonly string[], schema: JsonSchema, required: boolean): Key {
  return {
    path,
    schema,
    description: schema.description ?? '',
    type: typeOf(schema),
    range: rangeOf(schema),
    unit: schema.unit ?? '',
    required,
    default: schema.default,
    shown: schema.shown,
  };
}

const types: Record<string, string> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'section',
};

function typeOf(schema: JsonSchema): string {
  const { type, anyOf, items } = schema;
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeOf(items)}`;
  if (type === undefined && anyOf !== undefined) {
    const each = [...new Set(anyOf.map(typeOf))];
    // The literals of a union are written as numbers.
    return each.join(' or ');
  }
  return types[type ?? ''] ?? 'anything';
}

/** zod bounds whole numbers by what a double counts exactly; nobody has to read that. */
const bounded = (limit: number | undefined) =>
  limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : undefined;

function rangeOf(schema: JsonSchema): string {
  const { range, items, minItems, maxItems, minLength, maxLength, pattern } = schema;
  if (range !== undefined) return range;
  const choices = choicesOf(schema);
  if (choices.length > 0) return choices.map((each) => JSON.stringify(each)).join(', ');
  if (items !== undefined)
    return [counted(minItems, maxItems, 'of them'), rangeOf(items)].filter(Boolean).join(': ');
  if (pattern !== undefined) return `like ${pattern}`;
  if (schema.type === 'string') return counted(minLength, maxLength, 'characters');
  return counted(
    bounded(schema.minimum ?? schema.exclusiveMinimum),
    bounded(schema.maximum ?? schema.exclusiveMaximum),
    '',
  );
}

/** The values of a key that has few. */
export const choicesOf = ({ const: only, enum: several, anyOf }: JsonSchema): unknown[] =>
  several ?? (only !== undefined ? [only] : (anyOf ?? []).flatMap(choicesOf));

function counted(least: number | undefined, most: number | undefined, of: string): string {
  if (least === undefined && most === undefined) return '';
  const words =
    most === undefined
      ? `at least ${least}`
      : least === undefined
        ? `at most ${most}`
        : `${least} to ${most}`;
  return of === '' ? words : `${words} ${of}`;
}

/** `journal.NAME.family` */
export const keyText = ({ path }: { path: readonly string[] }): string => path.join('.').replace('*', 'NAME');

export const keysOf = (all: Catalogue): Key[] => all.flatMap((section) => section.keys);

/** The key at `path`, where names that the operator gives match `*`; a name of its own comes first. */
export function keyAt(all: Catalogue, path: Path): Key | undefined {
  const fits = keysOf(all).filter(
    (key) => key.path.length === path.length && key.path.every((step, i) => step === '*' || step === path[i]),
  );
  return fits.find((key) => !key.path.includes('*')) ?? fits[0];
}

/** What may stand directly in a section: its keys and its sections. */
export function namesIn(all: Catalogue, path: Path): string[] {
  const at = (each: readonly string[]) => path.every((step, i) => each[i] === '*' || each[i] === step);
  const below = all.flatMap((section) => [section.path, ...section.keys.map((key) => key.path)]);
  const literal = below.filter((each) => path.every((step, i) => each[i] === step));
  const names = (literal.length > 1 ? literal : below.filter(at))
    .filter((each) => each.length > path.length)
    .map((each) => each[path.length] ?? '');
  return [...new Set(names)].filter((name) => name !== '*');
}

/** All its values with their places, `*` replaced by the names that `value` has there. */
export function* expanded(key: Key, value: Table): Generator<string[]> {
  function* walk(done: string[], rest: readonly string[], here: unknown): Generator<string[]> {
    const [step, ...others] = rest;
    if (step === undefined) yield done;
    else if (step !== '*') yield* walk([...done, step], others, isTable(here) ? here[step] : undefined);
    else
      for (const name of isTable(here) ? Object.keys(here) : [])
        yield* walk([...done, name], others, (here as Table)[name]);
  }
  yield* walk([], key.path, value);
}
