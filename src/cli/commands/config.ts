// SPDX-License-Identifier: MPL-2.0
// `nnoe config`: what is in effect, and what may be configured.
import { Option } from 'commander';
import { type Catalogue, catalogue, type Key, keyText } from '../../host/config/catalogue.js';
import { loadConfig } from '../../host/config/load.js';
import { nearest } from '../../host/config/nearest.js';
import { markdownReference, sampleFile, schemaFile, textReference } from '../../host/config/reference.js';
import { shownValues, tomlShown } from '../../host/config/show.js';
import { variableOf } from '../../host/config/variables.js';
import type { AnyPlugin } from '../../host/plugin.js';
import { plugins as released } from '../../plugins/plugins.js';
import { type ConfigOptions, configOption, jsonOption, loadOptions, setOption } from '../configured.js';
import type { Io } from '../io.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  const config = (program.command('config') as NnoeCommand)
    .description('Shows the configuration and explains its keys.')
    .example('nnoe config show', 'What is in effect, and where each value comes from.');
  (config.command('show') as NnoeCommand)
    .description('Prints what is in effect as TOML, with where each value comes from.')
    .addOption(configOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .json('one document: a list of `key`, `value` and `from`.')
    .example('nnoe config show', 'What the host would run with.')
    .example('nnoe config show --set log.level=debug --json', 'With a key changed, for programs.')
    .action(async (options: ConfigOptions & { json?: true }) => {
      const rows = shownValues(await loadConfig(released, loadOptions(options, io.env)));
      const json = rows.map(({ path, value, from }) => ({ key: path.join('.'), value, from }));
      if (options.json) await io.out.json(json);
      else await io.out.write(tomlShown(rows));
    });
  const command = (config.command('reference') as NnoeCommand)
    .description('Explains a key, a section, or everything that may be configured.')
    .argument('[key]', 'a key such as store.root, or a section such as journal')
    .addOption(configOption())
    .addOption(setOption())
    .addOption(
      new Option('--format <format>', 'what it is printed as')
        .choices(['text', 'toml', 'schema', 'markdown'])
        .default('text'),
    )
    .addOption(jsonOption())
    .json('one document: a list of keys, each with type, range, unit, default, meaning and variable.')
    .suggest('key', async () => names(catalogue(released)))
    .example('nnoe config reference store', 'A section.')
    .example(
      'nnoe config reference --format toml > nnoe.toml',
      'A file to begin with: every key, commented out.',
    )
    .action((key: string | undefined, options: ReferenceOptions) => reference(key, options, command, io));
}

const names = (all: Catalogue) =>
  all.flatMap(({ path, keys }) => [keyText({ path }), ...keys.map(keyText)]).filter(Boolean);

interface ReferenceOptions extends ConfigOptions {
  format: 'text' | 'toml' | 'schema' | 'markdown';
  json?: true;
}

async function reference(
  named: string | undefined,
  options: ReferenceOptions,
  command: NnoeCommand,
  io: Io,
): Promise<void> {
  const plugins = await installed(options, io);
  const all = catalogue(plugins);
  const chosen = named === undefined ? all : part(all, named);
  if (chosen.length === 0) {
    const near = nearest(named ?? '', names(all));
    const sections = [...new Set(all.flatMap(({ path: [first = ''] }) => first).filter(Boolean))];
    command.wrong('argument <key>', named ?? '', near === undefined ? sections : [near]);
  }
  if (options.json) await io.out.json(jsonReference(chosen));
  else await io.out.write(formatted(options.format, chosen, plugins));
}

/** With the plugins that the configuration names; a configuration with faults must not keep it from being explained. */
async function installed(options: ConfigOptions, io: Io): Promise<readonly AnyPlugin[]> {
  try {
    return (await loadConfig(released, loadOptions(options, io.env))).plugins;
  } catch {
    await io.err.line(
      'nnoe: the configuration has faults (nnoe check); only plugins of this release are shown',
    );
    return released;
  }
}

/** What is at `named` or below it; a name given by the operator matches NAME. */
function part(all: Catalogue, named: string): Catalogue {
  const wanted = named.replace(/^\[|\]$/g, '').split('.');
  const fits = (path: readonly string[]) =>
    wanted.length <= path.length && wanted.every((step, i) => path[i] === step || path[i] === '*');
  return all
    .map((section) => ({
      ...section,
      // The sentence of a section that is only passed on the way to a key is not asked for.
      description: fits(section.path) ? section.description : '',
      keys: section.keys.filter((key) => fits(key.path)),
    }))
    .filter((section) => section.keys.length > 0);
}

function formatted(
  format: ReferenceOptions['format'],
  chosen: Catalogue,
  plugins: readonly AnyPlugin[],
): string {
  if (format === 'toml') return sampleFile(chosen);
  if (format === 'markdown') return markdownReference(chosen);
  // The schema is one document: a part of it would be of no use to an editor.
  return format === 'schema' ? schemaFile(plugins) : textReference(chosen);
}

function jsonReference(chosen: Catalogue) {
  const row = (key: Key) => ({
    key: keyText(key),
    type: key.type,
    range: key.range,
    unit: key.unit,
    required: key.required,
    default: key.default ?? null,
    description: key.description,
    variable: variableOf(key),
  });
  return chosen.flatMap((section) => section.keys.map(row));
}
