// SPDX-License-Identifier: MPL-2.0
// Programs that a case runs to their end: drivers of bench/native, alone or under callgrind. Servers are
// started by test/daemons/lib, which also owns the temporary directory (TMPDIR chooses where it lies).
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { tree } from '../../test/daemons/lib/kea.js';
import { onCleanup, temporary } from '../../test/daemons/lib/workspace.js';

export function driver(name: string): string {
  const path = join(tree, 'build', 'bench', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: build the native parts first (make build)`);
  return path;
}

/** Calls `work` with a new directory, which is gone afterwards (journals are large). */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = temporary('bench');
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Calls of `works`, a few at a time; resolves to what they gave, in their order. For counts of instructions, which do not
 * depend on what else runs.
 */
export async function atOnce<T>(
  works: readonly (() => Promise<T>)[],
  width = availableParallelism(),
): Promise<T[]> {
  const found: T[] = [];
  const waiting = works.entries();
  const worker = async () => {
    for (const [i, work] of waiting) found[i] = await work();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return found;
}

const children = new Set<ChildProcess>();
onCleanup(() => {
  for (const child of children) child.kill('SIGKILL');
});

export function track<C extends ChildProcess>(child: C): C {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Resolves to standard output; a status other than 0 is an error that carries what the program said. */
export function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = track(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (status === 0) resolve(stdout);
      else reject(new Error(`${command} ended with ${status ?? signal}: ${(stderr || stdout).slice(-2000)}`));
    });
  });
}
