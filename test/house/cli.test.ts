// SPDX-License-Identifier: MPL-2.0
// The command line is documented: every command has help with an example that is a command line of its own, and
// stands in docs/cli.md; every error it can end with has a status that is explained.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exitStatus, exitStatusRows } from '../../src/cli/exit-status.js';
import { processIo } from '../../src/cli/io.js';
import { makeProgram } from '../../src/cli/program.js';
import { type ErrorSpec, errors } from '../../src/host/errors.js';
import { leaves } from '../../tools/gen/cli.js';
import { inProcess } from '../lib/cli.js';
import { text } from './lib/tree.js';

const program = makeProgram(processIo());
const commands = leaves(program);
const page = text('docs/cli.md');

test('there are the commands that people are told of', () => {
  const paths = commands.map(({ path }) => path);
  for (const name of ['host', 'status', 'leases', 'resync', 'plugins', 'completion'])
    assert.ok(paths.includes(`nnoe ${name}`), name);
});

for (const command of commands) {
  test(`${command.path} is explained, with an example, in help and in docs/cli.md`, async () => {
    const { status, out } = await inProcess([...command.path.split(' ').slice(1), '--help']);
    assert.is(status, 0);
    assert.match(out, command.description().split(' ').slice(0, 3).join(' '));
    assert.ok(command.examples.length > 0, 'an example');
    for (const { line } of command.examples) {
      assert.match(out, line);
      assert.match(page, line);
      assert.match(line, command.path);
    }
    for (const line of out.split('\n')) assert.ok(line.length <= 80, `wider than 80: ${line}`);
    assert.match(page, `### ${command.path}\n`);
    assert.ok(command.description().endsWith('.'), 'a sentence');
  });

  test(`${command.path} has --json, and says what it prints`, () => {
    assert.ok(command.options.some(({ long }) => long === '--json'));
    assert.ok(command.jsonIs.endsWith('.'));
  });

  test(`${command.path}: every option and argument says what it is`, () => {
    for (const { flags, description } of command.options) {
      assert.ok(description.length > 5, flags);
      assert.match(page, flags.replaceAll('|', '\\|'));
    }
    for (const argument of command.registeredArguments) assert.ok(argument.description.length > 5);
  });

  test(`the examples of ${command.path} are command lines that it takes`, () => {
    const known = new Set(command.options.flatMap(({ long, short }) => [long, short]));
    for (const { line } of command.examples)
      for (const [option] of line.split('|')[0]?.matchAll(/(?<=\s)--?[a-z][\w-]*/g) ?? [])
        assert.ok(known.has(option), `${option} in: ${line}`);
  });
}

test('every status that an error ends with is explained, in help too', async () => {
  const explained = new Set(exitStatusRows.map(([status]) => status));
  const { out } = await inProcess(['--help']);
  for (const status of Object.values(exitStatus)) {
    assert.ok(explained.has(status), String(status));
    assert.match(out, new RegExp(`^ +${status} +\\w`, 'm'));
    assert.match(page, new RegExp(`^\\| \`${status}\` +\\| \\w`, 'm'));
  }
  for (const [code, { exit }] of Object.entries<ErrorSpec>(errors))
    assert.ok(exit === undefined || explained.has(exit), `${code} ends with ${exit}`);
});

test.run();
