// SPDX-License-Identifier: MPL-2.0
// What else there is on this machine that has to fit: NNOE's own configuration, users and groups, AppArmor.
import { existsSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type LoadOptions, writtenValue } from '../../host/config/load.js';

/** What is left for a person to do, and what to type or write for it. */
export interface Todo {
  subject: string;
  text: string;
  lines?: string[];
}

export interface JournalSection {
  name: string;
  directory: string;
}

/** The journals of that family in nnoe.toml; undefined when there is no such file or nobody may read it. */
export function journalsOf(family: 4 | 6, options: LoadOptions): JournalSection[] | undefined {
  const sections = written(['journal'], options);
  if (sections === undefined) return undefined;
  return Object.entries((sections ?? {}) as Record<string, Record<string, unknown>>).flatMap(
    ([name, each]) =>
      Number(each?.family) === family && typeof each?.directory === 'string'
        ? [{ name, directory: each.directory }]
        : [],
  );
}

export function writtenText(path: readonly string[], options: LoadOptions): string | undefined {
  const value = written(path, options);
  return typeof value === 'string' ? value : undefined;
}

function written(path: readonly string[], options: LoadOptions): unknown {
  try {
    return writtenValue(path, options) ?? null;
  } catch {
    // `nnoe check` tells what is wrong with it.
    return undefined;
  }
}

/** The first directory on the way up that is there; undefined where we may not look. */
export function existing(path: string): { path: string; stats: Stats } | undefined {
  for (let at = path; ; at = dirname(at)) {
    const stats = statsOf(at);
    if (stats === 'denied') return undefined;
    if (stats !== undefined) return { path: at, stats };
    if (at === dirname(at)) return undefined;
  }
}

export function statsOf(path: string): Stats | 'denied' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return 'denied';
  }
}

export interface Accounts {
  /** Groups, those of the account itself included, by name of user; undefined: there is no such user. */
  groupsOf(user: string): number[] | undefined;
  userName(uid: number): string;
  groupName(gid: number): string;
}

/** Those of the machine itself, which is where servers have theirs. */
export function accounts(): Accounts {
  const rows = (file: string) =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .map((line) => line.split(':'))
      : [];
  const users = rows('/etc/passwd');
  const groups = rows('/etc/group');
  const nameOf = (table: string[][], id: number) =>
    table.find((row) => row[2] === String(id))?.[0] ?? String(id);
  return {
    groupsOf(user) {
      const own = users.find(([name]) => name === user)?.[3];
      if (own === undefined) return undefined;
      const more = groups.filter(([, , , members = '']) => members.split(',').includes(user));
      return [Number(own), ...more.map((row) => Number(row[2]))];
    },
    userName: (uid) => nameOf(users, uid),
    groupName: (gid) => nameOf(groups, gid),
  };
}

/** Tells the journal whether the machine was restarted. */
const bootId = '@{PROC}/sys/kernel/random/boot_id r,';

/** What AppArmor's profile of a program of Kea lacks for a journal there. @param root of the profiles. */
export function appArmorTodo(program: string, journal: string, root = '/etc/apparmor.d'): Todo[] {
  const profile = join(root, `usr.sbin.${program}`);
  if (!existsSync(profile)) return [];
  const directory = dirname(journal);
  const rules = [`${directory}/ rw,`, `${directory}/** rwk,`, bootId];
  const local = join(root, 'local', `usr.sbin.${program}`);
  const text = [profile, local, ...belowDirectories(root, program)].map(readIfThere).join('\n');
  const both = journal.replace(/[46]$/, '[46]');
  if ([directory, journal, both].some((each) => text.includes(`${each}/**`))) return [];
  const includes = new RegExp(`include (if exists )?<local/usr.sbin.${program}>`).test(readIfThere(profile));
  const where = includes ? `to ${local}` : `before the last brace of ${profile}, which has no local include,`;
  return [
    {
      subject: 'AppArmor',
      text: `The profile of ${program} does not let it write its journal. Add these lines ${where} and run apparmor_parser -r ${profile}.`,
      lines: rules,
    },
  ];
}

/** Files that a profile includes by directory: of its own, and of an abstraction that Kea's profiles have in Debian. */
function belowDirectories(root: string, program: string): string[] {
  return [`usr.sbin.${program}.d`, 'abstractions/mysql.d']
    .map((each) => join(root, each))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((each) => join(directory, each)));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
