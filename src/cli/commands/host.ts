// SPDX-License-Identifier: MPL-2.0
// `nnoe host`.
import { type ConfigOptions, configOption, jsonOption, loadOptions, setOption } from '../configured.js';
import type { Io } from '../io.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  (program.command('host') as NnoeCommand)
    .description('Runs the host until it is told to stop (SIGTERM or SIGINT).')
    .addOption(configOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .json('what is always written: the log, one object a line.')
    .example('nnoe host', 'Runs with /etc/nnoe/nnoe.toml, as the service does.')
    .example('nnoe host --config ./nnoe.toml', 'Runs with another configuration.')
    .action(async (options: ConfigOptions) => {
      const { runHost } = await import('../host.js');
      // Explicitly: what a plugin left behind must not keep the process.
      process.exit(await runHost(loadOptions(options, io.env)));
    });
}
