// SPDX-License-Identifier: MPL-2.0
// From what an operator wrote to a configuration and the plugins that it names; or every fault at once.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { HostConfig } from '../config.js';
import { NnoeError, reasonOf } from '../errors.js';
import type { AnyPlugin } from '../plugin.js';
import { catalogue } from './catalogue.js';
import { type Document, emptyDocument, readDocument } from './document.js';
import { Effective } from './effective.js';
import { ConfigError, type Fault } from './faults.js';
import { type OverrideSources, readOverrides } from './overrides.js';
import { loadPackage } from './packages.js';
import { isTable, valueAt } from './paths.js';

export const defaultConfigFile = '/etc/nnoe/nnoe.toml';

export interface LoadOptions {
  /** As --config names it; else NNOE_CONFIG names one, else the default file is read if it is there. */
  file?: string | undefined;
  /** KEY=VALUE each, as --set gives them. */
  set?: readonly string[] | undefined;
  environment?: OverrideSources['environment'];
}

export interface Loaded {
  config: HostConfig;
  /** Those of the release, then those that packages brought, in the order of the file. */
  plugins: readonly AnyPlugin[];
  /** What there was before it was checked, for telling where a value comes from. */
  effective: Effective;
  /** Undefined when there was no file and none was named. */
  file: string | undefined;
  packages: readonly LoadedPackage[];
}

export interface LoadedPackage {
  name: string;
  /** Path of the module. */
  from: string;
}

/** @throws NnoeError CONFIG_MISSING; ConfigError with every fault. */
export async function loadConfig(released: readonly AnyPlugin[], options: LoadOptions = {}): Promise<Loaded> {
  const { set = [], environment = process.env } = options;
  const { document, file } = readFile(options.file ?? environment.NNOE_CONFIG);
  const sources = { environment, set };
  const before = catalogue(released);
  // Only to learn which packages are wanted; the faults come below, when the plugins' keys are known too.
  const first = new Effective(document, readOverrides(before, sources).list, before);
  const { plugins, packages, faults, unreadable } = await loadPackages(first, released, file);
  const all = catalogue(plugins);
  const overrides = readOverrides(all, sources, unreadable);
  const effective = new Effective(document, overrides.list, all);
  const config = effective.check(plugins, unreadable);
  const found = [...document.faults, ...overrides.faults, ...faults, ...effective.faults];
  if (config === undefined || found.length > 0) throw new ConfigError(found);
  return { config, plugins, effective, file, packages };
}

/**
 * What file, variables and flags give at `path`, as it stands there: nothing is checked. Undefined: nobody said
 * anything. @throws NnoeError CONFIG_MISSING; ConfigError when the file is not TOML and it may stand there.
 */
export function writtenValue(path: readonly string[], options: LoadOptions = {}): unknown {
  const { set = [], environment = process.env } = options;
  const { document } = readFile(options.file ?? environment.NNOE_CONFIG);
  const keys = catalogue([]);
  const { raw } = new Effective(document, readOverrides(keys, { environment, set }).list, keys);
  const value = valueAt(raw, path);
  // It may stand in what could not be read.
  if (value === undefined && document.broken) throw new ConfigError(document.faults);
  return value;
}

/** The configuration in `text` alone, for tests: nothing else is read. @throws ConfigError */
export function parseConfig(text: string, plugins: readonly AnyPlugin[], file = 'nnoe.toml'): HostConfig {
  const document = readDocument(new TextEncoder().encode(text), file);
  const effective = new Effective(document, [], catalogue(plugins));
  const config = effective.check(plugins, []);
  const found = [...document.faults, ...effective.faults];
  if (config === undefined || found.length > 0) throw new ConfigError(found);
  return config;
}

function readFile(named: string | undefined): { document: Document; file: string | undefined } {
  const file = named ?? defaultConfigFile;
  try {
    return { document: readDocument(readFileSync(file), file), file };
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      return { document: { ...emptyDocument, file }, file: undefined };
    throw new NnoeError('CONFIG_MISSING', { file, reason: reasonOf(error) }, error);
  }
}

interface Packages {
  plugins: AnyPlugin[];
  packages: LoadedPackage[];
  faults: Fault[];
  unreadable: string[];
}

async function loadPackages(first: Effective, released: readonly AnyPlugin[], file: string | undefined) {
  const result: Packages = { plugins: [...released], packages: [], faults: [], unreadable: [] };
  const sections = isTable(first.raw.plugins) ? first.raw.plugins : {};
  const directory = dirname(resolve(file ?? defaultConfigFile));
  const configured = first.raw['plugin-directory'];
  const pluginDirectory = typeof configured === 'string' ? configured : '/var/lib/nnoe/plugins';
  for (const [name, section] of Object.entries(sections)) {
    const wanted = isTable(section) ? section.package : undefined;
    if (typeof wanted !== 'string' || valueAt(section, ['enabled']) === false) continue;
    const refuse = (reason: string) => {
      const place = first.place(['plugins', name, 'package']);
      result.faults.push({ place, message: `plugins.${name}.package: ${reason}` });
      result.unreadable.push(name);
    };
    if (released.some((plugin) => plugin.name === name)) {
      refuse(`${name} is a plugin of this release; choose another name, or leave package out`);
      continue;
    }
    const loaded = await loadPackage(name, wanted, { directory, pluginDirectory });
    if ('reason' in loaded) refuse(loaded.reason);
    else {
      result.plugins.push(loaded.plugin);
      result.packages.push({ name, from: loaded.from });
    }
  }
  return result;
}
