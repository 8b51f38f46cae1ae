// SPDX-License-Identifier: MPL-2.0
// `nnoe check`: would the host start with this configuration, on this machine, as this user?
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { ConfigError, placeText } from '../host/config/faults.js';
import { type Finding, inspectAddon, inspectNamed, inspectPlugins } from '../host/config/inspect.js';
import { type Loaded, loadConfig } from '../host/config/load.js';
import { exitCode, NnoeError, reasonOf } from '../host/errors.js';
import { plugins as released } from '../plugins/plugins.js';
import { type ConfigOptions, configOptions, leave, loadOptions } from './config-options.js';

export function registerCheck(program: Command): void {
  configOptions(program.command('check'))
    .description('Checks the configuration and what it names; starts nothing. Status 0: fine, 78: faults.')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nExamples:\n  nnoe check\n  sudo -u nnoe nnoe check --config /etc/nnoe/nnoe.toml\n  nnoe check --set log.level=debug --json',
    )
    .action(async (options: ConfigOptions & { json?: true }) => {
      const findings = await inspect(options);
      const status = findings.some(({ state }) => state === 'fault') ? 78 : 0;
      process.stdout.write(options.json ? json(findings, status) : people(findings));
      leave(status);
    });
}

async function inspect(options: ConfigOptions): Promise<Finding[]> {
  let loaded: Loaded;
  try {
    loaded = await loadConfig(released, loadOptions(options));
  } catch (error) {
    return [...refused(error), inspectAddon()];
  }
  const read: Finding = {
    state: 'ok',
    subject: 'configuration',
    message: loaded.file === undefined ? 'no file, all defaults' : `${loaded.file} is valid`,
    help: '',
  };
  return [read, ...inspectNamed(loaded), inspectAddon(), ...inspectPlugins(loaded)];
}

/** A finding for each fault. @throws what is no fault of the configuration. */
function refused(error: unknown): Finding[] {
  if (error instanceof ConfigError)
    return error.faults.map(({ place, message }) => ({
      state: 'fault',
      subject: placeText(place),
      message,
      help: '',
    }));
  if (!(error instanceof NnoeError) || exitCode(error) !== 78) throw error;
  return [{ state: 'fault', subject: 'configuration', message: reasonOf(error), help: error.help }];
}

const json = (findings: readonly Finding[], status: number) =>
  `${JSON.stringify({ status, user: userInfo().username, findings }, undefined, 2)}\n`;

function people(findings: readonly Finding[]): string {
  const lines = findings.map(({ state, subject, message, help }) => {
    const more = help === '' ? '' : `\n         ${help}`;
    return `${state.padEnd(6)} ${subject}: ${message}${more}\n`;
  });
  const count = (state: Finding['state']) => findings.filter((each) => each.state === state).length;
  const sum = `${count('fault')} faults, ${count('note')} notes, checked as user ${userInfo().username}\n`;
  return `${lines.join('')}${sum}`;
}
