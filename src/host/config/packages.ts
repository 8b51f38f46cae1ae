// SPDX-License-Identifier: MPL-2.0
// Plugins that are not of this release: from an npm package, or a path, that the configuration names.
import { readFileSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { join, resolve as resolvePath } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolve } from 'import-meta-resolve';
import { NnoeError, reasonOf } from '../errors.js';
import type { AnyPlugin } from '../plugin.js';
import { checkPlugins } from '../supervisor/declarations.js';
import { reservedKeys } from './effective.js';
import { isTable } from './paths.js';

/** A module that waits for something while it loads would keep the host from starting, s. */
const loadDeadline = 10;

export interface Places {
  /** Of the configuration file. */
  directory: string;
  pluginDirectory: string;
}

export type LoadResult = { plugin: AnyPlugin; from: string } | { reason: string };

/** Never throws: the reason is one line for the operator. */
export async function loadPackage(name: string, wanted: string, places: Places): Promise<LoadResult> {
  const found = find(wanted, places);
  if ('reason' in found) return found;
  const from = fileURLToPath(found.url);
  lendOurPackages();
  let module: Record<string, unknown>;
  try {
    module = await inTime(import(found.url) as Promise<Record<string, unknown>>);
  } catch (error) {
    return { reason: `${from} cannot be loaded: ${firstLine(reasonOf(error))}` };
  }
  const exported = [module.default, module.plugin].find((each) => isTable(each));
  const reason = refusal(exported, name, from);
  return reason === undefined ? { plugin: exported as unknown as AnyPlugin, from } : { reason };
}

function find(wanted: string, { directory, pluginDirectory }: Places): { url: string } | { reason: string } {
  try {
    if (/^\.{0,2}\//.test(wanted)) return { url: moduleAt(resolvePath(directory, wanted)) };
  } catch (error) {
    return { reason: `nothing to load: ${firstLine(reasonOf(error))}` };
  }
  const searched = [directory, pluginDirectory, fileURLToPath(new URL('../../../../', import.meta.url))];
  for (const from of searched) {
    try {
      return { url: resolve(wanted, pathToFileURL(`${join(from, 'nnoe.js')}`).href) };
    } catch (error) {
      // Found, but not to be used as it is: that is what has to be corrected.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND')
        return { reason: firstLine(reasonOf(error)) };
    }
  }
  const places = [...new Set(searched.map((each) => join(each, 'node_modules')))];
  return {
    reason: `no package ${wanted}; looked for in ${places.join(', ')} and the directories above each`,
  };
}

/** A module, or the main module of the package in a directory. @throws Error */
function moduleAt(path: string): string {
  if (!statSync(path).isDirectory()) return pathToFileURL(path).href;
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<string, unknown>;
  // Through its own name, so that `exports` counts.
  if (manifest.exports !== undefined && typeof manifest.name === 'string')
    return resolve(manifest.name, pathToFileURL(join(path, 'package.json')).href);
  const main = typeof manifest.main === 'string' ? manifest.main : 'index.js';
  return pathToFileURL(join(path, main)).href;
}

async function inTime<T>(loading: Promise<T>): Promise<T> {
  const late = wait(loadDeadline * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`it was not done within ${loadDeadline} s`);
  });
  return await Promise.race([loading, late]);
}

/** Why the host cannot run it; undefined when it can. */
function refusal(exported: unknown, name: string, from: string): string | undefined {
  if (!isTable(exported) || typeof exported.setup !== 'function')
    return `${from} exports no plugin: the default export, or one named plugin, has to be what definePlugin returns`;
  if (exported.api !== 1)
    return `${from} is made for contract ${String(exported.api)} of plugins, this host has 1`;
  if (exported.name !== name)
    return `${from} is the plugin ${String(exported.name)}; name the section [plugins.${String(exported.name)}]`;
  const parts = ['consumes', 'prefixes', 'metrics'].filter((part) => !isTable(exported[part]));
  if (parts.length > 0) return `${from} does not declare ${parts.join(', ')}`;
  const shape = (exported.config as { shape?: unknown } | undefined)?.shape;
  if (!isTable(exported.config) || !('_zod' in exported.config) || !isTable(shape))
    return `${from} declares a config that is no object schema of zod 4`;
  const reserved = Object.keys(shape).filter((key) => reservedKeys.includes(key));
  if (reserved.length > 0) return `${from} declares the key ${reserved.join(', ')}, which is the host’s`;
  try {
    checkPlugins([exported as unknown as AnyPlugin]);
  } catch (error) {
    return error instanceof NnoeError ? `${from} is refused: ${error.values.reason}` : reasonOf(error);
  }
  return undefined;
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';

let lent = false;

/** A plugin that stands beside no copy of `nnoe` or `zod` gets the host's; see lend.ts. */
function lendOurPackages(): void {
  if (lent) return;
  lent = true;
  register(new URL('./lend.js', import.meta.url));
}
