// SPDX-License-Identifier: MPL-2.0
// `nnoe setup dnsdist`: what is to be done, in Lua or in YAML with the Lua file that is read before it.
import { existsSync, type Stats } from 'node:fs';
import { extname } from 'node:path';
import type { LoadOptions } from '../../host/config/load.js';
import { type Change, readText, readTextIfThere } from './change.js';
import { addLine, type Bridge, type LuaEdit, removeLine } from './lua-edit.js';
import type { Plan } from './report.js';
import { accounts, statsOf, type Todo, writtenText } from './site.js';
import { addRule, removeRule } from './yaml-edit.js';

export interface DnsdistOptions {
  config?: string;
  fail?: string;
  tablesDirectory?: string;
  decisions?: string;
  script?: string;
  library?: string;
  program?: string;
  remove?: boolean;
}

const files = ['/etc/dnsdist/dnsdist.yml', '/etc/dnsdist/dnsdist.conf'] as const;
const tablesDefault = '/var/lib/nnoe/tables';
const decisionsDefault = '/run/nnoe/decisions';
const libraryDefault = '/usr/lib/nnoe/libnnoe_dnsdist.so';

/** @param host where nnoe.toml is. @throws NnoeError SETUP_FILE, SETUP_TEXT */
export function planDnsdist(options: DnsdistOptions, host: LoadOptions): Plan {
  const { remove = false } = options;
  const named = options.config ?? (existsSync(files[0]) ? files[0] : files[1]);
  const { path, text, like } = readText(named);
  const yaml = ['.yml', '.yaml'].includes(extname(path));
  const { usual, wanted } = bridges(options, host);
  const edit = (yaml ? rule : line)(path, text, usual, wanted, remove);
  const changes: Change[] = [{ path, before: text, after: edit.text, like }];
  if (yaml) changes.push(luaBeside(path, like, usual, wanted, remove));
  const changed = changes.some(({ before, after }) => before !== after);
  return {
    program: 'dnsdist',
    state: stateOf(path, changed, remove),
    changes,
    checker: {
      program: options.program ?? 'dnsdist',
      arguments: (file) => ['--check-config', '-C', file],
      tells: /[Ff]atal|[Ee]rror|NNOE/,
    },
    todo: [...(edit.bridge === undefined ? [] : around(edit.bridge, host)), ...restart(changed, remove)],
  };
}

type Editor = (
  file: string,
  text: string,
  usual: Bridge,
  wanted: Partial<Bridge>,
  remove: boolean,
) => LuaEdit;

const line: Editor = (file, text, usual, wanted, remove) =>
  remove ? removeLine(file, text) : addLine(file, text, usual, wanted);
const rule: Editor = (file, text, usual, wanted, remove) =>
  remove ? removeRule(file, text) : addRule(file, text, usual, wanted);

/** dnsdist reads it first: options are checked there, and tables loaded, before the first query. */
function luaBeside(
  yaml: string,
  like: Stats,
  usual: Bridge,
  wanted: Partial<Bridge>,
  remove: boolean,
): Change {
  const file = `${yaml.slice(0, -extname(yaml).length)}.lua`;
  const there = readTextIfThere(file);
  const { text } = line(file, there?.text ?? '', usual, wanted, remove);
  const after = text === '' && (remove || there === undefined) ? undefined : text;
  return { path: there?.path ?? file, before: there?.text, after, like: there?.like ?? like };
}

function bridges(options: DnsdistOptions, host: LoadOptions): { usual: Bridge; wanted: Partial<Bridge> } {
  const { fail, tablesDirectory: directory, decisions, script, library } = options;
  const configured = writtenText(['tables', 'decisions'], host);
  const usual: Bridge = {
    script: '/usr/share/nnoe/nnoe.lua',
    directory: writtenText(['tables', 'directory'], host) ?? tablesDefault,
    fail: 'open',
    ...(configured !== undefined && configured !== decisionsDefault && { decisions: configured }),
  };
  const wanted = Object.fromEntries(
    Object.entries({ script, directory, fail, decisions, library }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as Partial<Bridge>;
  return { usual, wanted };
}

function stateOf(path: string, changed: boolean, remove: boolean): string {
  if (remove) return changed ? `${path} without NNOE` : `${path} does not ask NNOE; nothing to do`;
  return changed ? `${path} with NNOE` : `${path} asks NNOE already; nothing to change`;
}

function restart(changed: boolean, remove: boolean): Todo[] {
  if (!changed) return [];
  const order = remove
    ? ''
    : ' What shall see every query, such as limits of rate, belongs above the line; move it where you want it.';
  return [
    {
      subject: 'restart',
      text: `dnsdist reads its configuration when it is started.${order}`,
      lines: ['systemctl restart dnsdist'],
    },
  ];
}

function around(bridge: Partial<Bridge>, host: LoadOptions): Todo[] {
  const library = bridge.library ?? libraryDefault;
  const directory = bridge.directory ?? tablesDefault;
  const decisions = bridge.decisions ?? decisionsDefault;
  const todo: Todo[] = [];
  if (!existsSync(library))
    todo.push({
      subject: 'library',
      text: `${library} is not there; until dnsdist is started with it, it does what fail says. Install nnoe-dnsdist, or name it with --library.`,
    });
  for (const [key, used, usual] of [
    ['directory', directory, tablesDefault],
    ['decisions', decisions, decisionsDefault],
  ] as const) {
    const configured = writtenText(['tables', key], host) ?? usual;
    if (configured !== used && used !== 'false')
      todo.push({
        subject: 'nnoe.toml',
        text: `The host has ${key} = ${JSON.stringify(configured)} in [tables]; dnsdist has another one.`,
        lines: ['[tables]', `${key} = ${JSON.stringify(used)}`],
      });
  }
  return [...todo, ...groupTodo(directory)];
}

/** dnsdist reads the tables and writes its decisions as a member of the group that they have. */
function groupTodo(directory: string): Todo[] {
  const { groupsOf, groupName } = accounts();
  const stats = statsOf(directory);
  const user = ['_dnsdist', 'dnsdist'].find((each) => groupsOf(each) !== undefined);
  if (stats === undefined || stats === 'denied' || user === undefined || groupsOf(user)?.includes(stats.gid))
    return [];
  const group = groupName(stats.gid);
  return [
    {
      subject: 'group',
      text: `dnsdist runs as ${user}, who is not in the group ${group} of ${directory}, so it could not read new tables.`,
      lines: group === 'root' ? [] : [`usermod -aG ${group} ${user}`],
    },
  ];
}
