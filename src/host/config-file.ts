// SPDX-License-Identifier: MPL-2.0
// Reads nnoe.toml and refuses it with every fault at once: file, key, what was found, what was expected.
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { type HostConfig, hostSchema, journalName, type PluginConfig } from './config.js';
import { NnoeError, reasonOf } from './errors.js';
import type { AnyPlugin } from './plugin.js';

export const defaultConfigFile = '/etc/nnoe/nnoe.toml';

interface Fault {
  key: string;
  found: string;
  expected: string;
}

/** @throws NnoeError CONFIG_MISSING, CONFIG_SYNTAX or CONFIG_INVALID. */
export function loadConfig(file: string, plugins: readonly AnyPlugin[]): HostConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new NnoeError('CONFIG_MISSING', { file, reason: reasonOf(error) }, error);
  }
  return parseConfig(text, plugins, file);
}

/** @param file only named in errors. */
export function parseConfig(text: string, plugins: readonly AnyPlugin[], file = 'nnoe.toml'): HostConfig {
  let raw: Record<string, unknown>;
  try {
    raw = parse(text);
  } catch (error) {
    throw new NnoeError('CONFIG_SYNTAX', { file, reason: placed(error) }, error);
  }
  const host = hostSchema.safeParse(raw);
  const faults = host.success ? [] : host.error.issues.flatMap((issue) => faultsOf(issue, raw, []));
  if (isTable(raw.journal))
    for (const name of Object.keys(raw.journal).filter((each) => !journalName.test(each)))
      faults.push({
        key: `journal.${name}`,
        found: 'that name',
        expected: 'one of a-z, 0-9 and -, as dhcp4',
      });
  const sections = parsePlugins(raw.plugins, plugins, faults);
  if (!host.success || faults.length > 0)
    throw new NnoeError('CONFIG_INVALID', { file, faults: faults.map(describe).join('\n') });
  return { ...host.data, plugins: sections };
}

function parsePlugins(raw: unknown, plugins: readonly AnyPlugin[], faults: Fault[]) {
  const sections: Record<string, PluginConfig> = {};
  const given = isTable(raw) ? raw : {};
  const known = plugins.map((plugin) => plugin.name);
  for (const name of Object.keys(given))
    if (!known.includes(name))
      faults.push({
        key: `plugins.${name}`,
        found: 'a plugin that this host does not have',
        expected: known.length > 0 ? `one of ${known.join(', ')}` : 'nothing',
      });
  for (const plugin of plugins) {
    const section = given[plugin.name] ?? {};
    if (!isTable(section)) continue; // the host's schema says so already
    const { enabled = true, ...own } = section;
    const path = ['plugins', plugin.name];
    if (typeof enabled !== 'boolean')
      faults.push({ key: [...path, 'enabled'].join('.'), found: show(enabled), expected: 'true or false' });
    if (enabled === false) {
      sections[plugin.name] = { enabled: false, config: {} };
      continue;
    }
    const result = z.safeParse(plugin.config.strict(), own);
    if (result.success) sections[plugin.name] = { enabled: true, config: result.data };
    else faults.push(...result.error.issues.flatMap((issue) => faultsOf(issue, own, path)));
  }
  return sections;
}

const placed = (error: unknown) =>
  error instanceof TomlError
    ? `line ${error.line}, column ${error.column}: ${error.message.split('\n', 1)[0]}`
    : reasonOf(error);

const describe = ({ key, found, expected }: Fault) => `  ${key}: found ${found}, expected ${expected}`;

function faultsOf(issue: z.core.$ZodIssue, raw: unknown, above: string[]): Fault[] {
  const path = issue.path.map(String);
  const key = [...above, ...path].join('.');
  const found = show(valueAt(raw, path));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => ({
      key: key === '' ? name : `${key}.${name}`,
      found: 'a key that is not known here',
      expected: 'it to be left out (is it spelled right?)',
    }));
  return [{ key, found, expected: expectation(issue) }];
}

const typeNames: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section',
  record: 'a section',
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return limit(issue.origin, `at least ${issue.minimum}`);
    case 'too_big':
      return limit(issue.origin, `at most ${issue.maximum}`);
    case 'invalid_union':
      return oneOf(issue.errors.flatMap((each) => each.flatMap((e) => ('values' in e ? e.values : []))));
    default:
      return issue.message;
  }
}

function limit(origin: string, bound: string): string {
  if (origin === 'string') return `${bound} character${bound.endsWith(' 1') ? '' : 's'}`;
  if (origin === 'array') return `${bound} of them`;
  return bound;
}

const oneOf = (values: readonly unknown[]) =>
  values.length === 1
    ? JSON.stringify(values[0])
    : `one of ${values.map((v) => JSON.stringify(v)).join(', ')}`;

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(value: unknown, path: string[]): unknown {
  let here = value;
  for (const step of path) here = (here as Record<string, unknown> | undefined)?.[step];
  return here;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
