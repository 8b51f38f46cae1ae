// SPDX-License-Identifier: MPL-2.0
// `nnoe check`: would the host start with this configuration, on this machine, as this user?
import { userInfo } from 'node:os';
import { ConfigError, placeText } from '../../host/config/faults.js';
import { type Finding, inspectAddon, inspectNamed, inspectPlugins } from '../../host/config/inspect.js';
import { type Loaded, type LoadOptions, loadConfig } from '../../host/config/load.js';
import { exitCode, NnoeError, reasonOf } from '../../host/errors.js';
import { plugins as released } from '../../plugins/plugins.js';
import { type ConfigOptions, configOption, jsonOption, loadOptions, setOption } from '../configured.js';
import { exitStatus } from '../exit-status.js';
import type { Io, Out } from '../io.js';
import { counted, wrap } from '../text.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  (program.command('check') as NnoeCommand)
    .description('Checks the configuration and what it names; starts nothing.')
    .addOption(configOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .json(
      'one document: `status`, the `user` who checked, and `findings` with `state` (ok, note or fault), `subject`, `message` and `help`.',
    )
    .example('nnoe check', 'Would the host start? Ends with 0 when it would, else with 78.')
    .example('nnoe check --config ./nnoe.toml', 'Another file.')
    .example('nnoe check --set log.level=debug --json', 'For programs, with a key changed.')
    .action(async (options: ConfigOptions & { json?: true }) => {
      const findings = await inspect(loadOptions(options, io.env));
      const faults = findings.some(({ state }) => state === 'fault');
      io.status = faults ? exitStatus.configuration : exitStatus.ok;
      const { username: user } = userInfo();
      if (options.json) await io.out.json({ status: io.status, user, findings });
      else await people(findings, user, io.out);
    });
}

async function inspect(options: LoadOptions): Promise<Finding[]> {
  let loaded: Loaded;
  try {
    loaded = await loadConfig(released, options);
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

async function people(findings: readonly Finding[], user: string, out: Out): Promise<void> {
  const { paint } = out;
  const colour = { ok: paint.green, note: paint.yellow, fault: paint.red };
  for (const { state, subject, message, help } of findings) {
    await out.line(`${colour[state](state.padEnd(6))} ${subject}: ${message}`);
    for (const line of wrap(help, (out.columns ?? 80) - 9)) await out.line(`         ${line}`);
  }
  const number = (state: Finding['state']) =>
    counted(findings.filter((each) => each.state === state).length, state);
  await out.line(`${number('fault')}, ${number('note')}, checked as user ${user}`);
}
