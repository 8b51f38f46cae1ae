// SPDX-License-Identifier: MPL-2.0
// The options of every command that reads the configuration.
import type { Command } from 'commander';
import { defaultConfigFile, type LoadOptions } from '../host/config/load.js';

export interface ConfigOptions {
  config?: string;
  set?: string[];
}

export const configOptions = (command: Command): Command =>
  command
    .option(
      '--config <file>',
      `configuration (default: NNOE_CONFIG, else ${defaultConfigFile} if it is there)`,
    )
    .option(
      '--set <key=value>',
      'a key, over the file and over variables; may be repeated',
      (value: string, all: string[] = []) => [...all, value],
    );

export const loadOptions = ({ config, set }: ConfigOptions): LoadOptions => ({ file: config, set });

/** Ends the process when what was printed has been taken: a module of a plugin may keep it alive otherwise. */
export function leave(status: number): void {
  process.stdout.write('', () => process.exit(status));
}
