// SPDX-License-Identifier: MPL-2.0
// `nnoe setup kea`: what is to be done, for one of Kea's servers.
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadOptions } from '../../host/config/load.js';
import { readText } from './change.js';
import { addHook, hookName, type KeaEdit, type KeaHook, removeHook } from './kea-edit.js';
import type { Plan } from './report.js';
import { type Accounts, accounts, appArmorTodo, existing, journalsOf, type Todo } from './site.js';

export interface KeaOptions {
  family: 4 | 6;
  config?: string;
  journalDirectory?: string;
  library?: string;
  program?: string;
  remove?: boolean;
}

const toldBy = /ERROR|FATAL|[Ee]rror encountered|Syntax check failed/;

/** @param host where nnoe.toml is. @throws NnoeError SETUP_FILE, SETUP_TEXT */
export function planKea(options: KeaOptions, host: LoadOptions): Plan {
  const { family, remove = false } = options;
  const program = `kea-dhcp${family}`;
  const { path, text, like } = readText(options.config ?? `/etc/kea/${program}.conf`);
  const edit = remove ? removeHook(path, text, family) : added(path, text, options, host);
  const change = { path, before: text, after: edit.text, like };
  const changed = edit.text !== text;
  return {
    program,
    state: stateOf(path, edit, changed, remove),
    changes: [change],
    checker: {
      program: options.program ?? program,
      arguments: (file) => ['-t', file],
      tells: toldBy,
    },
    todo: [
      ...(edit.hook === undefined ? [] : around(program, family, edit.hook, host)),
      ...restart(program, changed),
    ],
  };
}

function added(path: string, text: string, options: KeaOptions, host: LoadOptions): KeaEdit {
  const { family, journalDirectory, library } = options;
  const wanted: Partial<KeaHook> = {
    ...(journalDirectory !== undefined && { journalDirectory }),
    ...(library !== undefined && { library }),
  };
  const usual = {
    library: `${hooksDirectory()}/${hookName}`,
    journalDirectory: journalsOf(family, host)?.[0]?.directory ?? usualJournal(family),
  };
  return addHook(path, text, family, usual, wanted);
}

/** The hook's own default where the packages made it for Kea; else where Debian's Kea may write anyway. */
function usualJournal(family: 4 | 6): string {
  const packaged = `/var/lib/nnoe/journal/dhcp${family}`;
  return existsSync(packaged) ? packaged : `/var/lib/kea/nnoe/dhcp${family}`;
}

/** That of the Kea that is installed; Debian's, by the architecture's name, when none is. */
function hooksDirectory(): string {
  const all = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  const found = all.map((each) => `/usr/lib/${each}/kea/hooks`).find((each) => existsSync(each));
  return found ?? '/usr/lib/x86_64-linux-gnu/kea/hooks';
}

function stateOf(path: string, { hook }: KeaEdit, changed: boolean, remove: boolean): string {
  if (remove)
    return changed ? `${path} without ${hookName}` : `${path} does not name ${hookName}; nothing to do`;
  return changed
    ? `${path} with ${hook?.library}`
    : `${path} names ${hook?.library} already; nothing to change`;
}

const restart = (program: string, changed: boolean): Todo[] =>
  changed
    ? [
        {
          subject: 'restart',
          text: 'Kea reads its configuration when it is started, or told to by config-reload.',
          lines: [`systemctl restart ${program}-server`],
        },
      ]
    : [];

function around(
  program: string,
  family: 4 | 6,
  hook: NonNullable<KeaEdit['hook']>,
  host: LoadOptions,
): Todo[] {
  const directory = hook.journalDirectory ?? `/var/lib/nnoe/journal/dhcp${family}`;
  return [
    ...journalTodo(family, directory, host),
    ...directoryTodo(directory, accounts()),
    ...appArmorTodo(program, directory),
  ];
}

function journalTodo(family: 4 | 6, directory: string, host: LoadOptions): Todo[] {
  const sections = journalsOf(family, host);
  if (sections?.some((each) => each.directory === directory)) return [];
  const lines = [`[journal.dhcp${family}]`, `directory = ${JSON.stringify(directory)}`, `family = ${family}`];
  const file = host.file ?? host.environment?.NNOE_CONFIG ?? '/etc/nnoe/nnoe.toml';
  const [other] = sections ?? [];
  const what =
    other === undefined
      ? `${file} has no section for this journal, so the host does not read it. Add`
      : `${file} has the host read ${other.directory}, below [journal.${other.name}]. It has to be`;
  return [{ subject: 'nnoe.toml', text: `${what} this, and start the host again.`, lines }];
}

/** Kea makes the last parts of the path, so whoever it runs as has to be able to write there. */
function directoryTodo(directory: string, { groupsOf, userName, groupName }: Accounts): Todo[] {
  const user = ['_kea', 'kea'].find((each) => groupsOf(each) !== undefined);
  const groups = user === undefined ? undefined : groupsOf(user);
  if (user === undefined || groups === undefined) return [];
  const there = existing(directory);
  if (there === undefined) return [];
  const { path, stats } = there;
  const may = userName(stats.uid) === user ? 0o300 : groups.includes(stats.gid) ? 0o030 : 0o003;
  const todo: Todo[] = [];
  if ((stats.mode & may) !== may) {
    const make = path === directory ? directory : dirname(directory);
    todo.push({
      subject: 'directory',
      text: `Kea runs as ${user}, who may not write in ${path}, so it could not make its journal.`,
      lines: [`install -d -o ${user} -g ${groupName(groups[0] ?? 0)} -m 2770 ${make}`],
    });
  }
  // Where it is there its group counts; what Kea makes has Kea's.
  const group = path === directory ? stats.gid : (groups[0] ?? 0);
  const host = groupsOf('nnoe');
  if (host !== undefined && !host.includes(group))
    todo.push({
      subject: 'group',
      text: 'The host reads the journal and keeps its cursors in it, so its user has to be in the group of it.',
      lines: [`usermod -aG ${groupName(group)} nnoe`],
    });
  return todo;
}
