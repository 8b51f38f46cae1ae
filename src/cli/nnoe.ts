#!/usr/bin/env node
// SPDX-License-Identifier: MPL-2.0
// The `nnoe` command.
import { Command } from 'commander';
import { registerCheck } from './check.js';
import { registerConfig } from './config.js';
import { type ConfigOptions, configOptions, loadOptions } from './config-options.js';

const program = new Command('nnoe')
  .description('Embedded plugin host for the data plane of DDI.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 64));

configOptions(program.command('host'))
  .description('Runs the host until it is told to stop (SIGTERM or SIGINT).')
  .action(async (options: ConfigOptions) => {
    // Only now: other commands need none of what the host runs on.
    const { runHost } = await import('./host.js');
    // Explicitly: what a plugin left behind must not keep the process.
    process.exit(await runHost(loadOptions(options)));
  });
registerCheck(program);
registerConfig(program);

await program.parseAsync();
