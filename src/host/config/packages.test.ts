// SPDX-License-Identifier: MPL-2.0
// Plugins from packages, as they come from npm: directories with a package.json, found by name or by path.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, faultLine } from './faults.js';
import { loadConfig } from './load.js';
import { samplePlugin } from './test-support.js';

const top = mkdtempSync(join(tmpdir(), 'nnoe-packages-'));
test.after(() => rmSync(top, { recursive: true }));

function write(path: string, text: string): string {
  const file = join(top, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Imports what the host lends: nothing is installed beside it. */
const source = (name: string, change = '') => `
import { definePlugin } from 'nnoe/plugin';
import { z } from 'zod';
const plugin = definePlugin({
  api: 1, name: '${name}', stability: 'experimental', summary: 'For tests.',
  config: z.object({ site: z.string().min(2).default('here').meta({ description: 'Where.' }) }),
  consumes: {}, prefixes: {}, metrics: {},
  setup: () => ({ health: () => ({ state: 'ok' }) }),
});
${change}
`;

function install(
  at: string,
  name: string,
  code: string,
  manifest: object = { exports: './index.js' },
): string {
  write(`${at}/node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', ...manifest }));
  return write(`${at}/node_modules/${name}/index.js`, code);
}

async function load(toml: string, environment: Record<string, string> = {}) {
  const file = write('etc/nnoe.toml', `plugin-directory = "${join(top, 'lib')}"\n${toml}`);
  return await loadConfig([samplePlugin], { file, environment });
}

/** Without the name of the file. */
async function refused(toml: string, environment: Record<string, string> = {}): Promise<string[]> {
  try {
    await load(toml, environment);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.faults.map((fault) => faultLine(fault).replace(`${join(top, 'etc/nnoe.toml')}:`, ''));
    throw error;
  }
  return [];
}

const section = (name: string, wanted: string, more = '') =>
  `[plugins.${name}]\npackage = "${wanted}"\n${more}`;

test('by name beside the configuration, then in plugin-directory', async () => {
  const near = install('etc', 'nnoe-plugin-near', source('near', 'export default plugin;'));
  install('lib', 'nnoe-plugin-near', source('other', 'export default plugin;'));
  const far = install('lib', '@site/far', source('far', 'export { plugin };'));
  const { plugins, packages, config } = await load(
    section('near', 'nnoe-plugin-near', 'site = "a1"\n') + section('far', '@site/far'),
  );
  assert.equal(packages, [
    { name: 'near', from: near },
    { name: 'far', from: far },
  ]);
  assert.equal(
    plugins.map((plugin) => plugin.name),
    ['sample', 'near', 'far'],
  );
  assert.equal(config.plugins.near, { enabled: true, package: 'nnoe-plugin-near', config: { site: 'a1' } });
  assert.equal(config.plugins.far, { enabled: true, package: '@site/far', config: { site: 'here' } });
});

test('by path, relative to the configuration: a module, or a directory with a package', async () => {
  const module = write('etc/own/module.mjs', source('own', 'export default plugin;'));
  write(
    'etc/packed/package.json',
    '{"name":"packed","type":"module","exports":{".":{"import":"./dist/main.js"}}}',
  );
  const packed = write('etc/packed/dist/main.js', source('packed', 'export default plugin;'));
  const { packages } = await load(
    section('own', './own/module.mjs') + section('packed', join(top, 'etc/packed')),
  );
  assert.equal(
    packages.map(({ from }) => from),
    [module, packed],
  );
});

test('variables reach the keys of such a plugin, and can name it', async () => {
  const environment = {
    NNOE_PLUGINS_BY_NAME_PACKAGE: 'nnoe-plugin-by-name',
    NNOE_PLUGINS_BY_NAME_SITE: 'b2',
  };
  install('etc', 'nnoe-plugin-by-name', source('by-name', 'export default plugin;'));
  const { config } = await load('', environment);
  assert.equal(config.plugins['by-name'], {
    enabled: true,
    package: 'nnoe-plugin-by-name',
    config: { site: 'b2' },
  });
  assert.equal(await refused('', { ...environment, NNOE_PLUGINS_BY_NAME_SIDE: 'x' }), [
    'NNOE_PLUGINS_BY_NAME_SIDE: no such variable; did you mean NNOE_PLUGINS_BY_NAME_SITE?',
  ]);
});

test('its keys are checked as those of the release', async () => {
  install('etc', 'nnoe-plugin-keys', source('keys', 'export default plugin;'));
  assert.equal(await refused(section('keys', 'nnoe-plugin-keys', 'site = "x"\nsiet = "y"\n')), [
    '4:8: plugins.keys.site: found "x", expected at least 2 characters',
    '5:1: plugins.keys.siet: unknown key; did you mean site?',
  ]);
});

test('one that is switched off is not loaded', async () => {
  const { plugins } = await load(section('off', 'not-there', 'enabled = false\nwhatever = 1\n'));
  assert.is(plugins.length, 1);
});

const at = (name: string) => join(top, 'etc/node_modules', name, 'index.js');
const bad: [what: string, name: string, code: string, reason: string][] = [
  [
    'exports no plugin',
    'nothing',
    'export const a = 1;',
    'exports no plugin: the default export, or one named plugin, has to be what definePlugin returns',
  ],
  [
    'has another name',
    'renamed',
    source('other', 'export default plugin;'),
    'is the plugin other; name the section [plugins.other]',
  ],
  [
    'is of another contract',
    'future',
    source('future', 'export default { ...plugin, api: 2 };'),
    'is made for contract 2 of plugins, this host has 1',
  ],
  [
    'throws while it loads',
    'throws',
    'throw new Error("no licence\\nat all")',
    'cannot be loaded: no licence',
  ],
  ['is no JavaScript', 'syntax', 'export default {', 'cannot be loaded: Unexpected end of input'],
  [
    'misses a dependency',
    'needy',
    'import "not-installed";',
    `cannot be loaded: Cannot find package 'not-installed' imported from ${at('nnoe-plugin-needy')}`,
  ],
  [
    'declares no metrics',
    'bare',
    source('bare', 'export default { ...plugin, metrics: undefined };'),
    'does not declare metrics',
  ],
  [
    'has a schema of something else',
    'schema',
    source('schema', 'export default { ...plugin, config: {} };'),
    'declares a config that is no object schema of zod 4',
  ],
  [
    'takes a key of the host',
    'greedy',
    source('greedy', 'export default { ...plugin, config: z.object({ enabled: z.string() }) };'),
    'declares the key enabled, which is the host’s',
  ],
  [
    'declares a wrong prefix',
    'prefix',
    source('prefix', 'export default { ...plugin, prefixes: { a: { prefix: "/x", access: "read" } } };'),
    'is refused: prefixes.a.prefix: a prefix is like dhcp/leases/',
  ],
];

for (const [what, name, code, reason] of bad)
  test(`refused: a package that ${what}`, async () => {
    install('etc', `nnoe-plugin-${name}`, code);
    assert.equal(await refused(section(name, `nnoe-plugin-${name}`, 'key-of-its-own = 1\n')), [
      `3:11: plugins.${name}.package: ${at(`nnoe-plugin-${name}`)} ${reason}`,
    ]);
  });

test('refused: what is not installed, with where it was looked for', async () => {
  const [line = '', ...more] = await refused(section('absent', 'nnoe-plugin-absent'));
  assert.is(more.length, 0);
  assert.match(line, '3:11: plugins.absent.package: no package nnoe-plugin-absent; looked for in ');
  for (const place of ['etc', 'lib']) assert.match(line, join(top, place, 'node_modules'));
  assert.match((await refused(section('gone', './gone.js')))[0] ?? '', 'nothing to load: ENOENT');
});

test('refused: a package for a plugin of this release, and a plugin without one', async () => {
  assert.equal(await refused(section('sample', 'nnoe-plugin-near')), [
    '3:11: plugins.sample.package: sample is a plugin of this release; choose another name, or leave package out',
  ]);
  assert.match((await refused('[plugins.near]\n'))[0] ?? '', '2:1: plugins.near: no such plugin; ');
});

test.run();
