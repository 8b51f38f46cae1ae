// SPDX-License-Identifier: MPL-2.0
// limit: 240 s
// The npm package: what it holds, what of it others can import, and a plugin that knows nothing but that.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkout, link, pack, run, temporary, unpack } from '../lib/npm.js';
import { tree } from '../lib/tree.js';

const name = 'nnoe-plugin-first-seen';
const home = temporary('package');
const tarball = pack(tree, home);
const nnoe = unpack(tarball, home, 'nnoe');
const manifest = JSON.parse(readFileSync(join(nnoe, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  exports: Record<string, unknown>;
};
const files = readdirSync(nnoe, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(nnoe, join(entry.parentPath, entry.name)))
  .sort();

test('it holds what runs, what describes it, and the native part built and in source', () => {
  const promised = [
    'LICENSE',
    'README.md',
    'docs/plugins.md',
    'binding.gyp',
    'build/Release/nnoe_native.node',
  ];
  for (const file of [
    ...promised,
    'dist/src/cli/nnoe.js',
    'dist/src/host/plugin.d.ts',
    'dist/src/host/testing.d.ts',
  ])
    assert.ok(files.includes(file), file);
  const strange = /\.test\.|test-support|(^|\/)(test|bench|tools|examples|node_modules)\/|\.(ts|map)$/;
  assert.equal(
    files.filter((file) => strange.test(file.replace(/\.d\.ts$/, ''))),
    [],
  );
});

test('every source that binding.gyp names is in it', () => {
  const named = [...readFileSync(join(nnoe, 'binding.gyp'), 'utf8').matchAll(/"(native\/[^"]+\.cc)"/g)];
  assert.ok(named.length > 5);
  for (const [, file = ''] of named) assert.ok(files.includes(file), file);
});

test('whatever its modules and types import is in it or a dependency', () => {
  const missing: string[] = [];
  for (const file of files.filter((each) => /\.(js|d\.ts)$/.test(each)))
    for (const to of importsOf(readFileSync(join(nnoe, file), 'utf8')))
      if (!provided(file, to)) missing.push(`${file} imports ${to}`);
  assert.equal(missing, []);
});

function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const statements = /^(?:import|export) (?:[^'";]*? from )?'([^']+)';$/gm;
  return [...code.matchAll(statements), ...code.matchAll(/\bimport\("([^"]+)"\)/g)].map(
    (match) => match[1] ?? '',
  );
}

function provided(file: string, to: string): boolean {
  if (!to.startsWith('.')) {
    const name = to.split('/', to.startsWith('@') ? 2 : 1).join('/');
    return name in manifest.dependencies || to.startsWith('node:') || builtinModules.includes(to);
  }
  const path = normalize(join(dirname(file), to));
  return files.includes(file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path);
}

test('nothing but the contract and the harness can be imported', async () => {
  assert.equal(Object.keys(manifest.exports), ['./plugin', './testing', './package.json']);
  const names = (which: string) => {
    const script = `console.log(Object.keys(await import('nnoe/${which}')).sort().join(' '))`;
    return run(home, process.execPath, '--input-type=module', '-e', script).trim().split(' ');
  };
  link(home, ...Object.keys(manifest.dependencies));
  const enums = ['LeaseType', 'Operation', 'Origin'];
  const helpers = [
    'addressText',
    'colonHex',
    'counter',
    'definePlugin',
    'gauge',
    'histogram',
    'named',
    'parseAddress',
    'z',
  ];
  assert.equal(names('plugin'), [...enums, ...helpers].sort());
  const tools = ['MemoryStore', 'harness', 'hwaddr', 'ipv4', 'ipv6', 'leaseEvent'];
  assert.equal(names('testing'), [...enums, ...tools].sort());
  assert.throws(() => names('dist/src/host/host.js'), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

test('a third party’s plugin compiles against nothing but nnoe, zod and Node.js, and passes its tests', () => {
  const place = checkout(join(tree, 'examples', name), name);
  unpack(tarball, place, 'nnoe');
  link(place, 'typescript', 'uvu', '@types/node', 'zod');
  const listed = run(place, join(place, 'node_modules/.bin/tsc'), '--listFiles').split('\n');
  assert.ok(listed.some((file) => file.endsWith('node_modules/nnoe/dist/src/host/plugin.d.ts')));
  assert.equal(
    listed.filter((file) => /node_modules\/(pino|prom-client|etcd3|lmdb|@grpc)\//.test(file)),
    [],
  );

  link(place, ...Object.keys(manifest.dependencies));
  const told = run(place, 'npm', 'test');
  assert.match(told, /Passed:\s+3/);
  unpack(pack(place, home), home, name);
  const script = `const { default: plugin } = await import('${name}');
    const { harness } = await import('nnoe/testing');
    await (await harness(plugin)).stop();
    console.log(plugin.name)`;
  assert.is(run(home, process.execPath, '--input-type=module', '-e', script).trim(), 'first-seen');
});

test.run();
