// SPDX-License-Identifier: MPL-2.0
// Which compiled files and which npm packages a program needs, found from what they import.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';

export interface Closure {
  /** Compiled files, relative to the tree. */
  files: string[];
  /** Names of the packages that these import. */
  packages: string[];
}

/** Imports of every form, as the compiler writes them; then files that a URL names. */
const imports = /(?:^(?:import|export)\b[^;'"]*\bfrom\s+|\bimport\(\s*|^import\s+)'([^']+)'/gm;
const urls = /\bnew URL\('([^']+)', import\.meta\.url\)/g;

/** @param entries compiled files, relative to `root`. */
export function closureOf(root: string, entries: readonly string[]): Closure {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!/\.[cm]?js$/.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    const names = [...text.matchAll(imports)].map((match) => match[1] ?? '');
    for (const name of names) if (!name.startsWith('.')) packages.add(packageName(name));
    const beside = [...text.matchAll(urls)].map((match) => match[1] ?? '');
    for (const name of [...names.filter((each) => each.startsWith('.')), ...beside]) {
      const path = join(dirname(file), name);
      if (path.startsWith('dist/') && existsSync(join(root, path))) queue.push(path);
    }
  }
  for (const name of builtinModules) packages.delete(name);
  const outside = [...packages].filter((name) => !name.startsWith('node:') && name !== 'nnoe');
  return { files: [...files].sort(), packages: outside.sort() };
}

const packageName = (name: string): string => {
  const parts = name.split('/');
  return name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
};

interface Manifest {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Installed extends Manifest {
  /** Relative to the tree: node_modules/…; nested where npm put it so. */
  directory: string;
}

/** Needed to compile native parts, which come compiled. */
const buildOnly = new Set(['node-addon-api', 'node-gyp']);

/** These packages and all that they depend on, as npm installed them. @throws Error when one is missing. */
export function packagesBelow(root: string, names: readonly string[]): Installed[] {
  const found = new Map<string, Installed>();
  const add = (from: string, name: string, optional: boolean) => {
    if (buildOnly.has(name)) return;
    const directory = resolvePackage(root, from, name);
    if (directory === undefined) {
      // Optional ones are mostly programs for other platforms.
      if (optional) return;
      throw new Error(
        `the npm package ${name} is not installed (needed by ${from || 'the program'}): npm ci`,
      );
    }
    if (found.has(directory)) return;
    const manifest = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as Manifest;
    found.set(directory, { ...manifest, directory });
    const { dependencies = {}, optionalDependencies = {} } = manifest;
    for (const each of Object.keys(dependencies)) add(directory, each, each in optionalDependencies);
    for (const each of Object.keys(optionalDependencies)) add(directory, each, true);
  };
  for (const name of names) add('', name, false);
  return [...found.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

/** As Node.js looks: beside who asks, then further up. */
function resolvePackage(root: string, from: string, name: string): string | undefined {
  for (let at = from; ; at = dirname(at) === '.' ? '' : dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (at === '') return undefined;
  }
}
