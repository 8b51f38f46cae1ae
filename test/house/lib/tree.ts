// SPDX-License-Identifier: MPL-2.0
// The files of this repository: what git tracks or would track.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Top of the source tree, seen from dist/test/house/lib. */
export const root = resolve(import.meta.dirname, '../../../..');

const listed = execFileSync(
  'git',
  ['-c', 'safe.directory=*', 'ls-files', '-z', '-co', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
  },
);

export const files: readonly string[] = listed
  .split('\0')
  .filter((file) => file !== '' && existsSync(`${root}/${file}`))
  .sort();

export const text = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

const isGenerated = (file: string) => /(^|\/)gen\//.test(file) && !file.startsWith('tools/');

/** Written by people, in a language that compiles or runs. */
export const sources: readonly string[] = files.filter(
  (file) =>
    /(\.(ts|mts|js|mjs|cc|h|c|lua|sh|cmake|proto)|CMakeLists\.txt|Makefile|\.ci\/run)$/.test(file) &&
    !isGenerated(file),
);

/** Module specifiers that a TypeScript file imports, types included. */
export function imports(file: string): string[] {
  const found = text(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'|require\('([^']+)'\)/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
}
