// SPDX-License-Identifier: MPL-2.0
// Packages as npm would install them, without a registry: packed by `npm pack`, unpacked into node_modules, and what
// they depend on linked from this tree's node_modules, where the lock file put it.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporary } from '../daemons/lib/workspace.js';
import { tree } from './tree.js';

export { temporary };

/** Runs a program that needs to succeed; gives what it printed. */
export function run(cwd: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`);
  }
}

/** The tarball of a package, as `npm pack` makes it in `destination`. */
export function pack(directory: string, destination: string): string {
  const printed = run(directory, 'npm', 'pack', '--ignore-scripts', '--pack-destination', destination);
  return join(destination, printed.trim().split('\n').at(-1) ?? '');
}

/** What `npm install <tarball>` unpacks. */
export function unpack(tarball: string, directory: string, name: string): string {
  const place = join(directory, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  run(place, 'tar', '-xzf', tarball, '--strip-components=1');
  return place;
}

/** Links packages of this tree, and the programs that they bring. */
export function link(directory: string, ...packages: string[]): void {
  for (const name of packages) {
    const place = join(directory, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    if (!existsSync(place)) symlinkSync(join(tree, 'node_modules', name), place);
    const program = join(tree, 'node_modules/.bin', name === 'typescript' ? 'tsc' : basename(name));
    if (!existsSync(program)) continue;
    const bin = join(directory, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, basename(program)))) symlinkSync(program, join(bin, basename(program)));
  }
}

/** A package's directory as its author has it: what git would give, without what was built or installed there. */
export function checkout(from: string, name: string): string {
  const place = join(temporary(name), name);
  const kept = (path: string) => !/\/(node_modules|dist)(\/|$)/.test(path.slice(tree.length));
  cpSync(from, place, { recursive: true, filter: kept });
  return place;
}
