// SPDX-License-Identifier: MPL-2.0
// A command with what --help and docs/cli.md say beyond commander: examples, the shape of --json; and with its
// usage errors in one line that names the argument, what was found, and what was expected.
import { Command, type ErrorOptions } from 'commander';
import { printable, wrap } from './text.js';

/** Where texts of ours in help are wrapped. */
const helpColumns = 78;

/** The command line is wrong; `message` is one line. */
export class UsageError extends Error {}

export interface Example {
  line: string;
  what: string;
}

export class NnoeCommand extends Command {
  readonly examples: Example[] = [];
  /** What --json prints; one sentence. */
  jsonIs = '';
  /** Words that an argument may have, for completion; others are taken as well. */
  readonly words = new Map<string, () => Promise<readonly string[]>>();

  override createCommand(name?: string): NnoeCommand {
    return new NnoeCommand(name);
  }

  example(line: string, what: string): this {
    if (this.examples.length === 0) this.addHelpText('after', () => this.#more());
    this.examples.push({ line, what });
    return this;
  }

  json(what: string): this {
    this.jsonIs = what;
    return this;
  }

  suggest(argument: string, words: () => Promise<readonly string[]>): this {
    this.words.set(argument, words);
    return this;
  }

  /** `nnoe config show`. */
  get path(): string {
    return this.parent === null ? this.name() : `${(this.parent as NnoeCommand).path} ${this.name()}`;
  }

  override error(message: string, options?: ErrorOptions): never {
    throw new UsageError(usageLine(this, message, options?.code ?? ''));
  }

  /** What stands there is none of what there is. */
  wrong(what: string, found: string, names: readonly string[]): never {
    return this.error(`${what}: found ${quote(found)}, expected ${oneOf(names)}`);
  }

  #more(): string {
    const lines = this.examples.map(({ line, what }) => `  ${line}\n      ${what}`);
    const json = this.jsonIs === '' ? [] : ['', ...wrap(`With --json: ${this.jsonIs}`, helpColumns)];
    return ['', this.createHelp().styleTitle('Examples:'), ...lines, ...json].join('\n');
  }
}

/** @param code of commander's error; `message` is its text, from which the names are taken. */
function usageLine(command: NnoeCommand, message: string, code: string): string {
  const text = message.replace(/^error: /, '');
  const where = printable(sentence(command, text, code));
  return `${command.path}: ${where}; see ${command.path} --help`;
}

/** Values in these texts may hold anything, quotes and newlines included. */
const patterns: Record<string, RegExp> = {
  'commander.unknownCommand': /^unknown command '(.*?)'(?:\n|$)/s,
  'commander.unknownOption': /^unknown option '(.*?)'(?:\n|$)/s,
  'commander.missingArgument': /^missing required argument '(.*)'/s,
  'commander.optionMissingArgument': /^option '(.*)' argument missing/s,
  'commander.conflictingOption': /^option '(.*?)' cannot be used with option '(.*?)'/,
  'commander.invalidArgument':
    /^(?:option '(?<option>[^']*)' argument '(?<given>.*)' is invalid|command-argument value '(?<value>.*)' is invalid for argument '(?<argument>[^']*)')\. ?(?<hint>.*)$/s,
};

function sentence(command: NnoeCommand, text: string, code: string): string {
  const found = patterns[code]?.exec(text);
  const guess = /\n\(Did you mean (?:one of )?([^()]+)\?\)$/.exec(text)?.[1];
  const mean = guess === undefined ? '' : `; did you mean ${guess}?`;
  const name = found?.[1] ?? '';
  switch (code) {
    case 'commander.unknownCommand':
      return `command: found ${quote(name)}, expected ${oneOf(commandNames(command))}${mean}`;
    case 'commander.unknownOption':
      return `option: found ${quote(name)}, expected ${oneOf(optionNames(command))}${mean}`;
    case 'commander.missingArgument':
      return `argument <${name}>: found nothing, expected ${describeArgument(command, name)}`;
    case 'commander.optionMissingArgument':
      return `option ${name}: found nothing, expected a value`;
    case 'commander.conflictingOption':
      return `option ${name}: found ${found?.[2]} beside it, expected one of them`;
    case 'commander.excessArguments':
      return excess(command);
    case 'commander.invalidArgument':
      return invalid(found?.groups ?? {});
    default:
      return text.replaceAll('\n', ' ');
  }
}

function invalid({ option, given, value, argument, hint = '' }: Record<string, string | undefined>): string {
  const expected = hint.replace(/^Allowed choices are (.*)\.$/s, 'one of $1');
  return option === undefined
    ? `argument <${argument}>: found ${quote(value ?? '')}, expected ${expected}`
    : `option ${option}: found ${quote(given ?? '')}, expected ${expected}`;
}

function excess(command: NnoeCommand): string {
  const most = command.registeredArguments.length;
  const found = command.args.slice(most).map(quote).join(' ');
  return `argument: found ${found}, expected ${most === 0 ? 'none' : `${most} at most`}`;
}

function describeArgument(command: NnoeCommand, name: string): string {
  const argument = command.registeredArguments.find((each) => each.name() === name);
  if (argument?.argChoices !== undefined) return oneOf(argument.argChoices);
  return argument?.description.replace(/\.$/, '') ?? 'a value';
}

const commandNames = (command: NnoeCommand) =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name());

const optionNames = (command: NnoeCommand) =>
  command
    .createHelp()
    .visibleOptions(command)
    .map((option) => option.long ?? option.flags);

const quote = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);

const oneOf = (names: readonly string[]) =>
  names.length === 1 ? (names[0] ?? '') : `one of ${names.join(', ')}`;
