// SPDX-License-Identifier: MPL-2.0
// `nnoe config`: what is in effect, and what may be configured.
import { type Command, Option } from 'commander';
import { type Catalogue, catalogue, type Key, keyText } from '../host/config/catalogue.js';
import { loadConfig } from '../host/config/load.js';
import { suggestion } from '../host/config/nearest.js';
import { markdownReference, sampleFile, schemaFile, textReference } from '../host/config/reference.js';
import { shownValues, tomlShown } from '../host/config/show.js';
import { variableOf } from '../host/config/variables.js';
import { exitCode, reasonOf } from '../host/errors.js';
import type { AnyPlugin } from '../host/plugin.js';
import { plugins as released } from '../plugins/plugins.js';
import { type ConfigOptions, configOptions, leave, loadOptions } from './config-options.js';

export function registerConfig(program: Command): void {
  const config = program.command('config').description('Shows the configuration and explains its keys.');
  configOptions(config.command('show'))
    .description('Prints what is in effect as TOML, with where each value comes from.')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExamples:\n  nnoe config show\n  nnoe config show --set log.level=debug --json')
    .action(async (options: ConfigOptions & { json?: true }) => leave(await show(options)));
  configOptions(config.command('reference'))
    .description('Explains a key, a section, or everything that may be configured.')
    .argument('[key]', 'a key such as store.root, or a section such as journal')
    .addOption(
      new Option('--format <format>', 'how').choices(['text', 'toml', 'schema', 'markdown']).default('text'),
    )
    .option('--json', 'for programs: every key with its type, default, unit, range and meaning')
    .addHelpText(
      'after',
      '\nExamples:\n  nnoe config reference store\n  nnoe config reference --format toml > nnoe.toml',
    )
    .action(async (key: string | undefined, options: ReferenceOptions) =>
      leave(await reference(key, options)),
    );
}

async function show(options: ConfigOptions & { json?: true }): Promise<number> {
  try {
    const rows = shownValues(await loadConfig(released, loadOptions(options)));
    const json = () => rows.map(({ path, value, from }) => ({ key: path.join('.'), value, from }));
    process.stdout.write(options.json ? `${JSON.stringify(json(), undefined, 2)}\n` : tomlShown(rows));
    return 0;
  } catch (error) {
    process.stderr.write(`nnoe: ${reasonOf(error)}\n`);
    return exitCode(error);
  }
}

interface ReferenceOptions extends ConfigOptions {
  format: 'text' | 'toml' | 'schema' | 'markdown';
  json?: true;
}

async function reference(named: string | undefined, options: ReferenceOptions): Promise<number> {
  const plugins = await installed(options);
  const all = catalogue(plugins);
  const chosen = named === undefined ? all : part(all, named);
  if (chosen.length === 0) {
    const known = all.flatMap(({ path, keys }) => [keyText({ path }), ...keys.map(keyText)]).filter(Boolean);
    const near = suggestion(named ?? '', known).replace(
      /^known here:.*/,
      '`nnoe config reference` lists all',
    );
    process.stderr.write(`nnoe: there is no key or section ${named}; ${near}\n`);
    return 64;
  }
  process.stdout.write(options.json ? jsonReference(chosen) : formatted(options.format, chosen, plugins));
  return 0;
}

/** With the plugins that the configuration names; a configuration with faults must not keep it from being explained. */
async function installed(options: ConfigOptions): Promise<readonly AnyPlugin[]> {
  try {
    return (await loadConfig(released, loadOptions(options))).plugins;
  } catch {
    process.stderr.write(
      'nnoe: the configuration has faults (nnoe check); only plugins of this release are shown\n',
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

function jsonReference(chosen: Catalogue): string {
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
  return `${JSON.stringify(
    chosen.flatMap((section) => section.keys.map(row)),
    undefined,
    2,
  )}\n`;
}
