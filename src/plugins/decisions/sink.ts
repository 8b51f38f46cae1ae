// SPDX-License-Identifier: MPL-2.0
// Decisions as JSON lines in a file, which somebody else may rename (logrotate): then the next line begins a new one.
import { type FileHandle, open, stat } from 'node:fs/promises';

export class Sink {
  readonly #path: string;
  #file: FileHandle | undefined;
  #inode = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws when the file cannot be written; the next call opens it anew. */
  async write(lines: readonly string[]): Promise<void> {
    try {
      const file = await this.#current();
      await file.appendFile(`${lines.join('\n')}\n`);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  async #current(): Promise<FileHandle> {
    const there = await stat(this.#path).catch(() => undefined);
    if (this.#file !== undefined && there?.ino === this.#inode) return this.#file;
    await this.close();
    // Names and addresses of clients are nobody else's business.
    this.#file = await open(this.#path, 'a', 0o640);
    this.#inode = (await this.#file.stat()).ino;
    return this.#file;
  }
}
