// SPDX-License-Identifier: MPL-2.0
// docs/cli.md, from the commands themselves.
import type { Argument, Option } from 'commander';
import { exitStatusRows } from '../../src/cli/exit-status.js';
import { processIo } from '../../src/cli/io.js';
import { makeProgram } from '../../src/cli/program.js';
import type { NnoeCommand } from '../../src/cli/usage.js';

const head = `# The command line

Made by \`make gen\` from the commands in \`src/cli/commands/\`; \`nnoe COMMAND --help\` prints the same.

Results go to standard output, everything else to standard error. Colours and progress appear on a terminal only;
\`NO_COLOR\`, \`FORCE_COLOR\` and \`--no-color\` are respected. Commands that ask the host find its control socket by
\`--socket\`, else by \`NNOE_CONTROL_SOCKET\`, else in the file that \`--config\` names, else in \`/etc/nnoe/nnoe.toml\`.

With \`--json\` a command prints one JSON document, or one object a line (NDJSON) where it streams, in the shapes of
\`src/host/control/api.ts\`. An error is then \`{"error":{"code","message","help"}}\` on standard error; a wrong command line
is told in one line of text all the same.

## Exit status
`;

/** @returns the whole file. */
export function cliPage(): string {
  const program = makeProgram(processIo());
  const commands = leaves(program);
  return `${[
    head,
    table(
      ['status', 'meaning'],
      exitStatusRows.map(([status, meaning]) => [`\`${status}\``, meaning]),
    ),
    '',
    '## Commands',
    '',
    table(
      ['command', 'what it does'],
      commands.map((each) => [`[\`${each.path}\`](#${anchor(each.path)})`, each.description()]),
    ),
    ...commands.flatMap(section),
  ].join('\n')}\n`;
}

/** Commands that do something, in the order of --help; \`help\` is not worth a section. */
export function leaves(command: NnoeCommand): NnoeCommand[] {
  const below = command.createHelp().visibleCommands(command) as NnoeCommand[];
  return below
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => {
      // A group that also does something by itself says what it prints.
      if (each.commands.length === 0) return each;
      return each.jsonIs === '' ? leaves(each) : [each, ...leaves(each)];
    });
}

const anchor = (path: string) => path.replaceAll(' ', '-');

function section(command: NnoeCommand): string[] {
  const { path, jsonIs, examples } = command;
  const rows = [...command.registeredArguments.map(argumentRow), ...visible(command).map(optionRow)];
  const shown = examples.map(({ line, what }) => `# ${what}\n${line}`).join('\n\n');
  return [
    '',
    `### ${path}`,
    '',
    command.description(),
    '',
    '```',
    `${path} ${command.usage()}`,
    '```',
    '',
    table(['argument', 'meaning'], rows),
    '',
    ...(jsonIs === '' ? [] : [`With \`--json\`: ${jsonIs}`, '']),
    '```sh',
    shown,
    '```',
  ];
}

const visible = (command: NnoeCommand): Option[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');

function argumentRow(argument: Argument): string[] {
  const name = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
  const choices = argument.argChoices === undefined ? '' : `: ${argument.argChoices.join(', ')}`;
  return [`\`${name}\``, `${argument.description}${choices}`];
}

const optionRow = (option: Option): string[] => [`\`${option.flags}\``, option.description];

function table(headings: string[], rows: string[][]): string {
  const escaped = [headings, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const wide = headings.map((_, i) => Math.max(...escaped.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(wide[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = escaped;
  return [line(head), line(wide.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
