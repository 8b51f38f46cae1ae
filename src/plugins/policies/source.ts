// SPDX-License-Identifier: MPL-2.0
// What a policy's text says, as far as it has to be known before Cerbos reads it: which rules there are for whom, and
// every CEL expression in it.
import { LRUCache } from 'lru-cache';
import { parse } from 'yaml';

export interface Rule {
  actions: string[];
  /** '*' is everybody. */
  roles: string[];
  derivedRoles: string[];
}

export interface CelText {
  cel: string;
  /** Where it stands, such as `rules[0].condition.match.expr`. */
  path: string;
}

export interface PolicySource {
  id: string;
  /** resourcePolicy, derivedRoles, …; '' when it is none of Cerbos' kinds. */
  kind: string;
  /** Of the resource, role, principal or set of definitions. */
  name: string;
  version: string;
  scope: string;
  /** Rules for dns_query, or definitions of derived roles. */
  rules: Rule[];
  /** Derived roles to the roles that they derive from. */
  derived: Map<string, string[]>;
  /** Resources that a role policy names with wildcards. */
  patterns: string[];
  /** Of a role policy: roles whose rules hold for its role, too, as far as it allows. */
  parentRoles: string[];
  expressions: CelText[];
  /** Whether a rule denies, or a condition has `none`: negations that stand outside of a CEL expression. */
  negates: boolean;
  numericConstants: boolean;
  /** Constants that are no lists or maps. */
  scalars: string[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
const kinds = [
  'resourcePolicy',
  'derivedRoles',
  'rolePolicy',
  'principalPolicy',
  'exportVariables',
  'exportConstants',
];

const object = (of: Json | undefined): Record<string, Json> =>
  typeof of === 'object' && of !== null && !Array.isArray(of) ? of : {};
const list = (of: Json | undefined): Json[] => (Array.isArray(of) ? of : []);
const texts = (of: Json | undefined): string[] => list(of).filter((each) => typeof each === 'string');
const text = (of: Json | undefined): string => (typeof of === 'string' ? of : '');

/**
 * Takes what it knows; whether the rest is right is Cerbos' to say.
 * @throws Error when it is neither YAML nor JSON, or more than one document
 */
export function parseSource(id: string, yaml: string): PolicySource {
  const key = `${id}\0${yaml}`;
  const source = parsed.get(key) ?? readSource(id, yaml);
  parsed.set(key, source);
  return source;
}

/** The same few policies are looked at again and again. */
const parsed = new LRUCache<string, PolicySource>({ max: 200 });

function documentOf(yaml: string): Json {
  // JSON is YAML, and much faster read as what it is.
  if (yaml.trimStart().startsWith('{')) {
    try {
      return JSON.parse(yaml) as Json;
    } catch {
      // YAML in braces.
    }
  }
  // An alias may stand for itself many times over: 100 are enough for people.
  return parse(yaml, { maxAliasCount: 100 }) as Json;
}

function readSource(id: string, yaml: string): PolicySource {
  const document = object(documentOf(yaml));
  const kind = kinds.find((each) => each in document) ?? '';
  const body = object(document[kind]);
  const source: PolicySource = {
    id,
    kind,
    name: text(body.resource) || text(body.role) || text(body.principal) || text(body.name),
    version: text(body.version),
    scope: text(body.scope),
    rules: [],
    derived: new Map(),
    parentRoles: texts(body.parentRoles),
    patterns: [],
    expressions: [],
    negates: false,
    numericConstants: false,
    scalars: [],
  };
  walk(body, '', source);
  rules(body, source);
  constants(
    {
      ...object(object(body.constants).local),
      ...(kind === 'exportConstants' ? object(body.definitions) : {}),
    },
    source,
    '',
  );
  return source;
}

function rules(body: Record<string, Json>, source: PolicySource): void {
  // What a role policy does not allow it denies, also where it has no rule at all.
  if (source.kind === 'rolePolicy') source.negates = true;
  for (const each of list(body.rules).map(object)) {
    if (each.effect === 'EFFECT_DENY') source.negates = true;
    if (source.kind === 'rolePolicy') {
      const resource = text(each.resource);
      if (/[*?[{\\]/.test(resource)) source.patterns.push(resource);
      const actions = resource === 'dns_query' ? texts(each.allowActions) : [];
      source.rules.push({ actions, roles: [source.name], derivedRoles: [] });
    } else
      source.rules.push({
        actions: texts(each.actions),
        roles: texts(each.roles),
        derivedRoles: texts(each.derivedRoles),
      });
  }
  if (source.kind === 'derivedRoles') {
    for (const each of list(body.definitions).map(object))
      source.derived.set(text(each.name), texts(each.parentRoles));
  }
}

/** Expressions stand under `expr`, in variables, and in outputs. */
function walk(of: Json | undefined, path: string, source: PolicySource): void {
  if (Array.isArray(of)) of.forEach((each, i) => void walk(each, `${path}[${i}]`, source));
  if (typeof of !== 'object' || of === null || Array.isArray(of)) return;
  for (const [key, value] of Object.entries(of)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (key === 'none' && /\.?match$|\]$/.test(path)) source.negates = true;
    const isVariable =
      /^variables\.local$/.test(path) || (source.kind === 'exportVariables' && path === 'definitions');
    const isOutput = /\.output(\.when)?$/.test(path);
    if (typeof value === 'string' && (key === 'expr' || isVariable || isOutput))
      source.expressions.push({ cel: value, path: at });
    else if (key !== 'constants') walk(value, at, source);
  }
}

/** @param name undefined inside of a list */
function constants(of: Json, source: PolicySource, name: string | undefined): void {
  if (typeof of === 'number') source.numericConstants = true;
  if (Array.isArray(of)) for (const each of of) constants(each, source, undefined);
  else if (typeof of === 'object' && of !== null) {
    for (const [key, value] of Object.entries(of)) {
      constants(value, source, name === undefined ? undefined : name === '' ? key : `${name}.${key}`);
    }
  } else if (name !== undefined) source.scalars.push(name);
}

/** What a set of policies has in common. */
export interface Facts {
  notsInside: boolean;
  numericConstants: boolean;
  /** Actions that rules name, without wildcards. */
  actions: string[];
  /** Roles that rules name. */
  roles: string[];
}

export function factsOf(sources: readonly PolicySource[]): Facts {
  return {
    notsInside: !sources.some((each) => each.negates),
    numericConstants: sources.some((each) => each.numericConstants),
    actions: [...new Set(sources.flatMap((each) => each.rules.flatMap((rule) => rule.actions)))].filter(
      (a) => !a.includes('*'),
    ),
    roles: [...new Set(sources.flatMap((each) => each.rules.flatMap((rule) => rule.roles)))],
  };
}
