// SPDX-License-Identifier: MPL-2.0
// The tree of commands. Each is in a file of its own, which registers it here.
import { readFileSync } from 'node:fs';
import * as bench from './commands/bench.js';
import * as check from './commands/check.js';
import * as completion from './commands/completion.js';
import * as config from './commands/config.js';
import * as host from './commands/host.js';
import * as leases from './commands/leases.js';
import * as lists from './commands/lists.js';
import * as plugins from './commands/plugins.js';
import * as policies from './commands/policies.js';
import * as resync from './commands/resync.js';
import * as roles from './commands/roles.js';
import * as setup from './commands/setup.js';
import * as status from './commands/status.js';
import * as store from './commands/store.js';
import * as top from './commands/top.js';
import * as why from './commands/why.js';
import { exitStatusRows } from './exit-status.js';
import type { Io } from './io.js';
import { row } from './text.js';
import { NnoeCommand } from './usage.js';

const commands = [
  host,
  check,
  status,
  leases,
  roles,
  lists,
  policies,
  why,
  top,
  store,
  resync,
  setup,
  plugins,
  config,
  bench,
  completion,
];

export function makeProgram(io: Io): NnoeCommand {
  const program = new NnoeCommand('nnoe')
    .description('Embedded plugin host for the data plane of DDI: runs it, and shows how it is.')
    .version(version(), '-V, --version', 'print the version')
    .option('--no-color', 'no colours; they are only for terminals anyway, see NO_COLOR and FORCE_COLOR')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .configureHelp({ showGlobalOptions: true, styleTitle: (text) => io.out.paint.bold(text) })
    .configureOutput({
      writeOut: (text) => void io.out.write(text),
      writeErr: (text) => void io.err.write(text),
      getOutHelpWidth: () => io.out.columns ?? 80,
      getErrHelpWidth: () => io.err.columns ?? 80,
      getOutHasColors: () => io.out.paint.isColorSupported,
      getErrHasColors: () => io.err.paint.isColorSupported,
    })
    .exitOverride()
    .example('nnoe status', 'How is everything?')
    .example('nnoe leases --watch', 'Who gets which address, as it happens.')
    .addHelpText('after', () => `\n${io.out.paint.bold('Exit status:')}\n${exitStatusText()}`)
    .on('option:no-color', () => {
      io.out.plain();
      io.err.plain();
    });
  for (const each of commands) each.register(program, io);
  return program;
}

const exitStatusText = () =>
  exitStatusRows.map(([status, meaning]) => row(['', String(status), meaning], [0, 3], 80)).join('\n');

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
