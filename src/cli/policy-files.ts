// SPDX-License-Identifier: MPL-2.0
// Files of policies, as Cerbos finds them in a directory.
import { readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

export interface PolicyFile {
  /** As it was named, or below the directory that was. */
  path: string;
  /** Undefined: it is not UTF-8. */
  text: string | undefined;
}

/** What was named cannot be used. */
export class NoPolicies extends Error {
  /** @param expected what was, with the reason */
  constructor(
    readonly found: string,
    readonly expected: string,
  ) {
    super(`${found}: expected ${expected}`);
  }
}

const suffix = /\.(ya?ml|json)$/;
/** Cerbos' tests, and what belongs to them. */
const besides = /^\.|^_schemas$|^testdata$|_test\.(ya?ml|json)$/;

/** Files of these, and of directories all that are policies; each once. @throws NoPolicies */
export function policyFiles(paths: readonly string[]): PolicyFile[] {
  const seen = new Set<string>();
  return paths.flatMap((path) => {
    const files = filesOf(path).filter((file) => {
      const real = realpathSync(file);
      return !seen.has(real) && seen.add(real);
    });
    return files.map((file) => ({ path: file, text: textOf(file) }));
  });
}

function filesOf(path: string): string[] {
  const is = about(path);
  if (is.isFile()) return [path];
  if (!is.isDirectory()) throw new NoPolicies(path, 'a file or a directory: it is neither');
  const files = below(path);
  if (files.length === 0)
    throw new NoPolicies(path, 'a directory with policies: no .yaml, .yml or .json is in it');
  return files;
}

function below(directory: string): string[] {
  const entries = attempt(directory, () => readdirSync(directory, { withFileTypes: true }));
  return entries
    .filter(({ name }) => !besides.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return below(path);
      return suffix.test(entry.name) && about(path).isFile() ? [path] : [];
    });
}

const about = (path: string): Stats => attempt(path, () => statSync(path));

function textOf(path: string): string | undefined {
  const bytes = attempt(path, () => readFileSync(path));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reason = { ENOENT: 'there is none', EACCES: 'no permission' }[code] ?? code;
    throw new NoPolicies(path, `a file or a directory: ${reason}`);
  }
}
