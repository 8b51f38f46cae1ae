// SPDX-License-Identifier: MPL-2.0
// One number of a journal's, in a file beside its cursors.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, sayError } from '../log.js';

export interface NoteOptions {
  directory: string;
  journalId: string;
  log: Logger;
}

export class Note {
  readonly #o: NoteOptions;
  readonly #file: string;
  readonly #what: string;
  #complained = false;

  /** @param name of the file; @param what it is, for people. */
  constructor(options: NoteOptions, name: string, what: string) {
    this.#o = options;
    this.#file = join(options.directory, 'cursors', name);
    this.#what = what;
  }

  /** Undefined: there is none, or one of another journal, or a damaged one, which is removed. */
  read(): number | undefined {
    try {
      const [id, text] = readFileSync(this.#file, 'utf8').trim().split(' ');
      const value = Number(text);
      if (id === this.#o.journalId && Number.isSafeInteger(value)) return value;
      this.remove();
    } catch {
      return undefined;
    }
    return undefined;
  }

  /** Whether it could be written; says once that it could not. */
  write(value: number): boolean {
    const { directory, journalId, log } = this.#o;
    try {
      // Renamed into place: a kill leaves the old one or the new one.
      writeFileSync(`${this.#file}.new`, `${journalId} ${value}\n`);
      renameSync(`${this.#file}.new`, this.#file);
      this.#complained = false;
      return true;
    } catch (error) {
      if (this.#complained) return false;
      this.#complained = true;
      const details = { consumer: this.#what, directory, reason: reasonOf(error) };
      sayError(log, new NnoeError('JOURNAL_CURSOR', details, error));
      return false;
    }
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
