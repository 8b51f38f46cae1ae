#!/usr/bin/env node
// SPDX-License-Identifier: MPL-2.0
// The `nnoe` command.
import { Command } from 'commander';
import { defaultConfigFile } from '../host/config-file.js';
import { runHost } from './host.js';

const program = new Command('nnoe')
  .description('Embedded plugin host for the data plane of DDI.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 64));

program
  .command('host')
  .description('Runs the host until it is told to stop (SIGTERM or SIGINT).')
  .option('--config <file>', 'configuration', defaultConfigFile)
  .action(async ({ config }: { config: string }) => {
    // Explicitly: what a plugin left behind must not keep the process.
    process.exit(await runHost(config));
  });

await program.parseAsync();
