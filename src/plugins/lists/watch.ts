// SPDX-License-Identifier: MPL-2.0
// Tells when a file may have changed, whoever replaces it and however: the directory is watched, because a file that
// is renamed into place is another file. What the kernel does not tell (network file systems, links to elsewhere, a
// directory that is not there yet) is seen by looking at the file now and then, which is the caller's part.
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { denied } from '../../host/denied.js';
import type { NnoeError } from '../../host/plugin.js';

/** A file that is being written gets this much rest before it is read, ms; and at most that much. */
const rest = 100;
const longestRest = 2000;

export class Watches {
  readonly #directories = new Map<string, FSWatcher>();
  readonly #files = new Map<string, () => void>();
  readonly #timers = new Map<string, { timer: NodeJS.Timeout; since: number }>();
  readonly #failed: (directory: string, error: Error) => void;
  readonly #told = new Set<string>();

  /** @param failed a directory cannot be watched; called once for each until it can. */
  constructor(failed: (directory: string, error: Error) => void) {
    this.#failed = failed;
  }

  /** @param changed called when the file may have changed. */
  add(path: string, changed: () => void): void {
    this.#files.set(path, changed);
    this.#watch(dirname(path));
  }

  /** Watches what could not be watched so far, or is another directory by now. */
  renew(): void {
    for (const path of this.#files.keys()) this.#watch(dirname(path));
  }

  close(): void {
    for (const watcher of this.#directories.values()) watcher.close();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#directories.clear();
    this.#timers.clear();
    this.#files.clear();
  }

  #watch(directory: string): void {
    if (this.#directories.has(directory)) return;
    try {
      const watcher = watch(directory, { persistent: false }, (_, name) => this.#event(directory, name));
      watcher.on('error', (error) => this.#lost(directory, error));
      this.#directories.set(directory, watcher);
      this.#told.delete(directory);
    } catch (error) {
      this.#lost(directory, error as Error);
    }
  }

  #lost(directory: string, error: Error): void {
    this.#directories.get(directory)?.close();
    this.#directories.delete(directory);
    if (this.#told.has(directory)) return;
    this.#told.add(directory);
    this.#failed(directory, error);
  }

  #event(directory: string, name: string | null): void {
    // The directory itself was moved or removed: its name stands for another one from now on.
    if (name === null || name === basename(directory)) {
      this.#forget(directory);
      this.#watch(directory);
    }
    for (const path of this.#files.keys())
      if (dirname(path) === directory && (name === null || name === basename(path))) this.#soon(path);
  }

  #forget(directory: string): void {
    this.#directories.get(directory)?.close();
    this.#directories.delete(directory);
  }

  #soon(path: string): void {
    const now = performance.now();
    const before = this.#timers.get(path);
    clearTimeout(before?.timer);
    const since = before?.since ?? now;
    const pause = Math.max(0, Math.min(rest, since + longestRest - now));
    const timer = setTimeout(() => {
      this.#timers.delete(path);
      this.#files.get(path)?.();
    }, pause);
    this.#timers.set(path, { timer, since });
  }
}

/** Changes with every change of the file. Rejects as `stat` does. */
export async function signatureOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Why a file cannot be read, with its path once. */
export function fileReason(path: string, error: unknown): string {
  const { code, message, values } = error as Error & { code?: string; values?: NnoeError['values'] };
  // The reader names the path itself.
  if (code === 'TABLES_LIST' && values !== undefined) return String(values.reason);
  const words: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: `no permission to read it${denied(error)}`,
    ENOTDIR: 'a part of its path is no directory',
  };
  return `${path}: ${words[code ?? ''] ?? message}`;
}
