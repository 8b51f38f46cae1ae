// SPDX-License-Identifier: MPL-2.0
// The protected names of the configuration and of its file, which is read again when it changes.
import { readFile, stat } from 'node:fs/promises';
import type { ListsContext } from './declaration.js';
import { canonicalName, ProtectedNames, usuallyProtected } from './domain.js';
import { say } from './messages.js';
import { fileReason, signatureOf } from './watch.js';

/** The file is small: names that somebody chose. */
const mostBytes = 4 << 20;

export class Guard {
  names: ProtectedNames;
  /** Why the file is not, or not wholly, followed. */
  failed: string | undefined;
  readonly #ctx: ListsContext;
  readonly #configured: readonly string[];
  #signature: string | undefined;

  constructor(ctx: ListsContext) {
    this.#ctx = ctx;
    const { protected: own, 'protect-usual': usual } = ctx.config;
    const named = own.map((text) => canonicalName(text)).filter((name) => name !== undefined);
    this.#configured = [...named, ...(usual ? usuallyProtected : [])];
    this.names = new ProtectedNames(this.#configured);
  }

  get path(): string | undefined {
    return this.#ctx.config['protected-file'];
  }

  /** Reads the file if it is another one than last time; whether the names are others now. */
  async look(): Promise<boolean> {
    const { path } = this;
    if (path === undefined) return false;
    try {
      const signature = await signatureOf(path);
      if (signature === this.#signature) return false;
      this.#signature = undefined;
      const { size } = await stat(path);
      if (size > mostBytes) throw new Error(`it has ${size} bytes, ${mostBytes} at most`);
      const { names, wrong } = namesOf(await readFile(path, 'utf8'));
      this.#signature = signature;
      this.#fail(wrong === undefined ? undefined : `${path}: ${wrong}`);
      return this.#use(names);
    } catch (error) {
      this.#fail(fileReason(path, error));
      return false;
    }
  }

  #use(names: readonly string[]): boolean {
    const before = this.names.names.join();
    this.names = new ProtectedNames([...this.#configured, ...names]);
    return this.names.names.join() !== before;
  }

  #fail(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.failed)
      say(this.#ctx.log, 'LISTS_PROTECTED_FAILED', { reason });
    this.failed = reason;
  }
}

/** One name a line; `wrong` names the first line that is none. */
export function namesOf(text: string): { names: string[]; wrong: string | undefined } {
  const names: string[] = [];
  let wrong: string | undefined;
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const row = line.replace(/(^|\s)#.*$/, '').trim();
    if (row === '') continue;
    const name = canonicalName(row);
    if (name !== undefined) names.push(name);
    else wrong ??= `line ${i + 1}: found ${JSON.stringify(row).slice(0, 80)}, expected a domain name`;
  }
  return { names, wrong };
}
