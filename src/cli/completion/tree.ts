// SPDX-License-Identifier: MPL-2.0
// The tree of commands as completion needs it.
import type { Argument, Option } from 'commander';
import type { NnoeCommand } from '../usage.js';

export interface Flag {
  /** `--json`, and `-j` when there is one. */
  names: string[];
  about: string;
  /** Undefined: takes none. */
  value?: Value;
}

export interface Value {
  name: string;
  /** Words to choose from; files when `file`. */
  words: readonly string[];
  file: boolean;
  /** Any number of it. */
  many?: boolean;
}

export interface Branch {
  name: string;
  about: string;
  flags: Flag[];
  values: Value[];
  branches: Branch[];
}

export async function branchOf(command: NnoeCommand): Promise<Branch> {
  const help = command.createHelp();
  const own = help.visibleOptions(command);
  const above = help.visibleGlobalOptions(command);
  const options = [...own, ...above.filter(({ long }) => !own.some((each) => each.long === long))];
  const commands = help.visibleCommands(command) as NnoeCommand[];
  const branches = await Promise.all(
    commands.map((each) => (each.name() === 'help' ? helpBranch(each, commands) : branchOf(each))),
  );
  return {
    name: command.name(),
    about: command.description(),
    flags: options.map(flagOf),
    values: await Promise.all(command.registeredArguments.map((each) => valueFor(command, each))),
    branches,
  };
}

/** Its argument is the name of another command. */
function helpBranch(help: NnoeCommand, commands: readonly NnoeCommand[]): Branch {
  const words = commands.filter((each) => each !== help).map((each) => each.name());
  const values = [{ name: 'command', words, file: false }];
  return { name: help.name(), about: help.description(), flags: [], values, branches: [] };
}

function flagOf(option: Option): Flag {
  const names = [option.long, option.short].filter((name) => name !== undefined);
  const flag = { names, about: option.description };
  if (!option.required && !option.optional) return flag;
  const name = /[<[]([^>\]]+)/.exec(option.flags)?.[1] ?? 'value';
  const file = name === 'file' || name === 'path';
  return { ...flag, value: { name, words: option.argChoices ?? [], file } };
}

async function valueFor(command: NnoeCommand, argument: Argument): Promise<Value> {
  const suggested = await command.words.get(argument.name())?.();
  const words = argument.argChoices ?? suggested ?? [];
  const value = { name: argument.name(), words, file: argument.name() === 'file' };
  return argument.variadic ? { ...value, many: true } : value;
}
