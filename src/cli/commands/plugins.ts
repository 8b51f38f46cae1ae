// SPDX-License-Identifier: MPL-2.0
// `nnoe plugins`.
import { type PluginInfo, type PluginList, routes, type StatusReport } from '../../host/control/api.js';
import { NnoeError } from '../../host/errors.js';
import type { ControlClient } from '../client.js';
import {
  type ConfigOptions,
  clientFor,
  configOption,
  jsonOption,
  loadOptions,
  type SocketOptions,
  socketOption,
} from '../configured.js';
import type { Io } from '../io.js';
import { type ShownPlugin, showPlugin, showPlugins } from '../plugin-view.js';
import { Progress } from '../progress.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  const command = (program.command('plugins') as NnoeCommand)
    .description('Lists what the plugins can do; with a name, all that one declares.')
    .argument('[name]', 'a plugin')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json(
      'one document: `running` (whether a host was asked, or the configuration) and `plugins`, each a `PluginInfo` with `status`, a `PluginReport`, when it runs.',
    )
    .suggest('name', async () => (await import('../../plugins/plugins.js')).plugins.map(({ name }) => name))
    .example('nnoe plugins', 'All of them; with their state when the host runs.')
    .example('nnoe plugins leases', 'Configuration keys, prefixes and metrics of one.')
    .action(async (name: string | undefined, options: SocketOptions & { json?: boolean }) => {
      const progress = new Progress(io, 'asking the host');
      const found = await look(options, io).finally(() => progress.end());
      const { running } = found;
      const plugins = name === undefined ? found.plugins : [pick(found.plugins, name, command)];
      if (options.json) return await io.out.json({ running, plugins });
      const [first] = plugins;
      const text = name !== undefined && first ? showPlugin(first, io.out) : showPlugins(plugins, io.out);
      await io.out.write(text);
      if (!running && io.err.terminal)
        await io.err.line(io.err.paint.dim('no host runs; this is from the configuration'));
    });
}

interface Found {
  running: boolean;
  plugins: ShownPlugin[];
}

/** From the host when one answers, else from the configuration. */
async function look(options: SocketOptions, io: Io): Promise<Found> {
  try {
    return { running: true, plugins: await fromHost(clientFor(options, io.env)) };
  } catch (error) {
    const absent = error instanceof NnoeError && error.code === 'CONTROL_UNREACHABLE';
    if (!absent || options.socket !== undefined) throw error;
    return { running: false, plugins: await fromConfiguration(options, io) };
  }
}

async function fromHost(client: ControlClient): Promise<ShownPlugin[]> {
  const { plugins } = await client.get<PluginList>(routes.plugins);
  const report = await client.get<StatusReport>(routes.status);
  return plugins.map((plugin) => {
    const status = report.plugins[plugin.name];
    return status === undefined ? plugin : { ...plugin, status };
  });
}

async function fromConfiguration(options: ConfigOptions, io: Io): Promise<PluginInfo[]> {
  const [released, { loadConfig }, { capabilities }] = await Promise.all([
    import('../../plugins/plugins.js'),
    import('../../host/config/load.js'),
    import('../../host/capabilities.js'),
  ]);
  const { config, plugins } = await loadConfig(released.plugins, loadOptions(options, io.env));
  return capabilities(plugins, config.plugins);
}

function pick(plugins: readonly ShownPlugin[], name: string, command: NnoeCommand): ShownPlugin {
  const found = plugins.find((plugin) => plugin.name === name);
  if (found !== undefined) return found;
  const names = plugins.map((plugin) => plugin.name);
  return command.wrong('argument <name>', name, names);
}
