// SPDX-License-Identifier: MPL-2.0
// The manual pages nnoe(1) and nnoe.toml(5), and the completions, from the commands and the schemas themselves.
//   node dist/tools/package/manual.js DIRECTORY
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Option } from 'commander';
import { bashScript } from '../../src/cli/completion/bash.js';
import { branchOf } from '../../src/cli/completion/tree.js';
import { zshScript } from '../../src/cli/completion/zsh.js';
import { exitStatusRows } from '../../src/cli/exit-status.js';
import { processIo } from '../../src/cli/io.js';
import { makeProgram } from '../../src/cli/program.js';
import type { NnoeCommand } from '../../src/cli/usage.js';
import { catalogue, choicesOf, type Key, type Section } from '../../src/host/config/catalogue.js';
import { tomlValue } from '../../src/host/config/reference.js';
import { otherVariables, variableOf } from '../../src/host/config/variables.js';
import { plugins } from '../../src/plugins/plugins.js';
import { leaves } from '../gen/cli.js';

const [directory = ''] = process.argv.slice(2);
if (directory === '') throw new Error('usage: manual.js DIRECTORY');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Text as roff reads it: no command at the start of a line, no escape, no hyphen that becomes a dash. */
const plain = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/gm, '\\&');
/** Prose with `code` in it. */
const prose = (text: string) => plain(text).replace(/`([^`]*)`/g, '\\fB$1\\fR');
const bold = (text: string) => `\\fB${plain(text)}\\fR`;
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const item = (term: string, ...lines: string[]) => ['.TP', term, ...lines].join('\n');
const literal = (lines: string) => `.nf\n${plain(lines)}\n.fi`;
const page = (name: string, section: number, parts: string[]) =>
  `${[`.TH ${name.toUpperCase()} ${section} "" "NNOE ${version}" "NNOE"`, ...parts].join('\n')}\n`;

function commandPage(program: NnoeCommand): string {
  const commands = leaves(program);
  return page('nnoe', 1, [
    '.SH NAME',
    'nnoe \\- runs the host of NNOE, and shows how it is',
    '.SH SYNOPSIS',
    '.B nnoe',
    '.I command',
    '[\\fIarguments\\fR]',
    '.SH DESCRIPTION',
    prose(program.description()),
    prose(
      'Results go to standard output, everything else to standard error. With `--json` a command prints one JSON document, or one object a line where it streams.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandPart),
    '.SH EXIT STATUS',
    ...exitStatusRows.map(([status, meaning]) => item(String(status), prose(meaning))),
    '.SH FILES',
    item('/etc/nnoe/nnoe.toml', 'The configuration; see nnoe.toml(5).'),
    item('/var/lib/nnoe', 'What is kept: the store, the journals of Kea, the tables of dnsdist.'),
    item('/run/nnoe', 'The control socket, and what each dnsdist says that it decided.'),
    '.SH SEE ALSO',
    '.BR nnoe.toml (5),',
    '.BR systemctl (1)',
  ]);
}

function commandPart(command: NnoeCommand): string[] {
  const { path, examples } = command;
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  return [
    `.SS ${quoted(plain(path))}`,
    `\\fB${plain(path)}\\fR ${plain(command.usage())}`,
    '.PP',
    prose(command.description()),
    ...command.registeredArguments.map((each: Argument) =>
      item(`\\fI${plain(each.name())}\\fR`, prose(each.description)),
    ),
    ...options.map((each: Option) => item(bold(each.flags), prose(each.description))),
    ...examples.flatMap(({ line, what }) => ['.PP', prose(what), '.PP', '.RS 4', literal(line), '.RE']),
  ];
}

function configurationPage(): string {
  const sections = catalogue(plugins).filter(({ keys }) => keys.length > 0);
  const own = Object.entries(otherVariables).filter(([, help]) => !/^(Build|Tests|Setup|make)/.test(help));
  return page('nnoe.toml', 5, [
    '.SH NAME',
    'nnoe.toml \\- configuration of the host of NNOE',
    '.SH DESCRIPTION',
    prose(
      '`nnoe host` reads `/etc/nnoe/nnoe.toml` (TOML 1.0), or what `--config` or `NNOE_CONFIG` names. Every key has a default or may be left out. A key is taken from the first that has it: `--set KEY=VALUE`, its environment variable, the file, the default. `nnoe check` tells every fault with its place and starts nothing.',
    ),
    ...sections.flatMap(sectionPart),
    '.SH ENVIRONMENT',
    ...own.map(([name, help]) => item(bold(name), prose(help))),
    '.SH SEE ALSO',
    '.BR nnoe (1)',
  ]);
}

function sectionPart({ path, description, keys }: Section): string[] {
  const name = path.length === 0 ? 'KEYS AT THE TOP' : `[${path.join('.').replace('*', 'NAME')}]`;
  const said = description === '' ? [] : [prose(description)];
  return [`.SH ${quoted(plain(name))}`, ...said, ...keys.map(keyPart)];
}

function keyPart(key: Key): string {
  const unit = (text: string) => (key.unit === '' || text === '' ? text : `${text} ${key.unit}`);
  const choices = choicesOf(key.schema).map(tomlValue).join(', ');
  const standard = key.required
    ? 'required'
    : key.default === undefined
      ? (key.shown ?? 'none')
      : tomlValue(key.default);
  const facts = [
    `Type: ${key.type}.`,
    choices === '' && key.range === '' ? '' : `Expected: ${choices === '' ? unit(key.range) : choices}.`,
    key.required ? 'Required.' : `Default: ${unit(standard)}.`,
    `Variable: ${variableOf(key)}.`,
  ];
  return item(
    bold(key.path.at(-1) ?? ''),
    prose(key.description),
    '.br',
    plain(facts.filter(Boolean).join(' ')),
  );
}

const program = makeProgram(processIo());
const tree = await branchOf(program);
mkdirSync(directory, { recursive: true });
for (const [name, content] of Object.entries({
  'nnoe.1': commandPage(program),
  'nnoe.toml.5': configurationPage(),
  'nnoe.bash': bashScript(tree),
  'nnoe.zsh': zshScript(tree),
}))
  writeFileSync(join(directory, name), content);
