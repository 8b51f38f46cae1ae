// SPDX-License-Identifier: MPL-2.0
// Files of another program, from what they are to what they shall be: shown, checked by that program, put in place.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { NnoeError, reasonOf } from '../../host/errors.js';
import { forPeople } from './text-edit.js';

export interface Change {
  /** Without symbolic links. */
  path: string;
  /** Undefined: there is no such file. Bytes, one a character. */
  before: string | undefined;
  /** Undefined: there shall be no such file. */
  after: string | undefined;
  /** Whose owner and mode it has. */
  like: Stats;
}

export interface Applied {
  /** Where what the file was is now. */
  backup?: string;
  /** Earlier backups that held what the file is again; they are gone. */
  spent?: string[];
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** @throws NnoeError SETUP_FILE */
export function readText(file: string): { path: string; text: string; like: Stats } {
  try {
    const path = realpathSync(file);
    return { path, text: readFileSync(path, 'latin1'), like: statSync(path) };
  } catch (error) {
    throw new NnoeError('SETUP_FILE', { file, reason: reasonOf(error) }, error);
  }
}

/** Undefined when there is none. @throws NnoeError SETUP_FILE */
export function readTextIfThere(file: string): ReturnType<typeof readText> | undefined {
  try {
    return readText(file);
  } catch (error) {
    if (codeOf((error as Error).cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Those that change anything. */
export const real = (changes: readonly Change[]) => changes.filter(({ before, after }) => before !== after);

/** Unified; for `patch` it ends with a newline. */
export function diffOf({ path, before, after }: Change): string {
  const [from, to] = [before, after].map((text) => (text === undefined ? '/dev/null' : path)) as [
    string,
    string,
  ];
  const texts = [before, after].map((text) => forPeople(text ?? '')) as [string, string];
  return createTwoFilesPatch(from, to, ...texts, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

let number = 0;

/** Copies of all files with what shall be in them, under one other stem, as a program reads files beside its own. */
export class Staged {
  private constructor(
    readonly changes: readonly Change[],
    readonly copies: ReadonlyMap<Change, string>,
    /** Whether they can be put in place from where they are. */
    readonly beside: boolean,
  ) {}

  /** @param which text of each file. @throws NnoeError SETUP_UNWRITTEN */
  static make(changes: readonly Change[], which: 'before' | 'after'): Staged {
    const [first] = changes;
    if (first === undefined) throw new Error('nothing to stage');
    const own = dirname(first.path);
    try {
      return Staged.#in(own, changes, which, true);
    } catch (error) {
      if (!['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? ''))
        throw new NnoeError('SETUP_UNWRITTEN', { file: own, reason: reasonOf(error) }, error);
      // Who may only read can still be shown what would change, and have it checked.
      return Staged.#in(tmpdir(), changes, which, false);
    }
  }

  static #in(
    directory: string,
    changes: readonly Change[],
    which: 'before' | 'after',
    beside: boolean,
  ): Staged {
    const copies = new Map<Change, string>();
    const stem = `nnoe-setup-${process.pid}-${number++}`;
    try {
      for (const change of changes) {
        const text = change[which];
        if (text === undefined) continue;
        const ending = extname(change.path);
        const copy = join(directory, `${basename(change.path, ending)}.${stem}${ending}`);
        copies.set(change, copy);
        write(copy, text, beside ? change.like : undefined);
      }
    } catch (error) {
      for (const copy of copies.values()) rmSync(copy, { force: true });
      throw error;
    }
    return new Staged(changes, copies, beside);
  }

  /** Where the copy of the first file is. */
  get main(): string {
    return [...this.copies.values()][0] as string;
  }

  /** Paths of copies become those of the files. */
  named(text: string): string {
    return [...this.copies].reduce((all, [{ path }, copy]) => all.replaceAll(copy, path), text);
  }

  remove(): void {
    for (const copy of this.copies.values()) rmSync(copy, { force: true });
  }

  /**
   * In place of the files, each at once; those that were there stay beside, unless a file becomes again what an earlier
   * backup holds, which goes then, or had nothing in it but ours.
   * @returns by path. @throws NnoeError SETUP_CHANGED, SETUP_UNWRITTEN
   */
  apply(): Map<string, Applied> {
    const applied = new Map<string, Applied>();
    for (const change of [...real(this.changes)].reverse()) {
      const { path, before, after } = change;
      if (readTextIfThere(path)?.text !== before) throw new NnoeError('SETUP_CHANGED', { file: path });
      try {
        if (!this.beside) throw new Error('no permission to write beside it');
        const spent =
          after === undefined ? [] : backupsOf(path).filter((each) => readText(each).text === after);
        const backup =
          before === undefined || after === undefined || spent.length > 0
            ? undefined
            : backUp(path, change.like);
        if (after === undefined) rmSync(path);
        else renameSync(this.copies.get(change) as string, path);
        for (const each of spent) rmSync(each);
        applied.set(path, { ...(backup !== undefined && { backup }), ...(spent.length > 0 && { spent }) });
        syncDirectory(dirname(path));
      } catch (error) {
        throw new NnoeError('SETUP_UNWRITTEN', { file: path, reason: reasonOf(error) }, error);
      }
    }
    return applied;
  }
}

/** Synced, with owner and mode of `like` before anybody else can read it. */
function write(file: string, text: string, like: Stats | undefined): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeSync(fd, Buffer.from(text, 'latin1'));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (like !== undefined) own(file, like);
}

function own(file: string, { uid, gid, mode }: Stats): void {
  const now = statSync(file);
  if (now.uid !== uid || now.gid !== gid) chownSync(file, uid, gid);
  chmodSync(file, mode & 0o7777);
}

const backupName = (path: string, number: number) => `${path}.before-nnoe${number === 1 ? '' : `.${number}`}`;

function backupsOf(path: string): string[] {
  const found: string[] = [];
  for (let number = 1; existsSync(backupName(path, number)); number++) found.push(backupName(path, number));
  return found;
}

/** Never in place of an older one. */
function backUp(path: string, like: Stats): string {
  for (let number = 1; ; number++) {
    const backup = backupName(path, number);
    try {
      copyFileSync(path, backup, constants.COPYFILE_EXCL);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      throw error;
    }
    own(backup, like);
    return backup;
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
