// SPDX-License-Identifier: MPL-2.0
// Dependencies point one way: native/shm <- hook, bridge, addon; src/host <- src/plugins <- nothing.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, imports, text } from './lib/tree.js';

interface Edge {
  from: string;
  to: string;
}

const typescript = files.filter((file) => file.endsWith('.ts'));
const edges: Edge[] = typescript.flatMap((from) =>
  imports(from).map((to) => ({ from, to: to.startsWith('.') ? posix.join(posix.dirname(from), to) : to })),
);
const forbidden = (matches: (edge: Edge) => boolean) =>
  edges.filter(matches).map(({ from, to }) => `${from} -> ${to}`);
/** Also what several tests share. */
const isTest = (file: string) => /(\.test|\/conformance|\/test-support)\.ts$/.test(file);

test('imports are seen', () => {
  assert.ok(edges.some(({ from, to }) => from === 'test/run.ts' && to === 'test/driver/execute.js'));
});

test('the host names no plugin but in plugins.ts', () => {
  const allowed = new Set(['src/plugins.ts', 'src/plugins/plugins.ts', 'src/host/plugins.ts']);
  const wrong = ({ from, to }: Edge) =>
    from.startsWith('src/host/') && !allowed.has(from) && to.startsWith('src/plugins');
  assert.equal(forbidden(wrong), []);
});

test('plugins do not import each other', () => {
  const room = (path: string) => /^src\/plugins\/([^/]+)\//.exec(path)?.[1];
  const wrong = ({ from, to }: Edge) =>
    room(from) !== undefined && room(to) !== undefined && room(from) !== room(to);
  assert.equal(forbidden(wrong), []);
});

test('the product imports nothing from tests, bench or tools', () => {
  const wrong = ({ from, to }: Edge) =>
    from.startsWith('src/') && !isTest(from) && /^(test|bench|tools)\//.test(to);
  assert.equal(forbidden(wrong), []);
});

test('only the host talks to a store by its client library', () => {
  const wrong = ({ from, to }: Edge) =>
    to === 'etcd3' && !/^src\/host\/store\//.test(from) && !/^(bench|test)\//.test(from);
  assert.equal(forbidden(wrong), []);
});

test('every package that is imported is a dependency, and every dependency is used', () => {
  const manifest = JSON.parse(text('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const name = (to: string) => to.split('/', to.startsWith('@') ? 2 : 1).join('/');
  const outside = edges.filter(
    ({ to }) =>
      !/^((src|test|bench|tools|examples|nnoe)\/|node:|\.\.|\$)/.test(to) && !builtinModules.includes(to),
  );
  const named = (from: RegExp) =>
    new Set(outside.filter((edge) => from.test(edge.from)).map(({ to }) => name(to)));
  const product = typescript.filter((file) => file.startsWith('src/') && !isTest(file));
  const runtime = new Set(outside.filter(({ from }) => product.includes(from)).map(({ to }) => name(to)));
  assert.equal(
    [...runtime].filter((each) => !(each in manifest.dependencies)),
    [],
    'imported by the product',
  );
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  assert.equal(
    [...named(/./)].filter((each) => !(each in all)),
    [],
    'imported anywhere',
  );
  // Packages that are programs or headers are used from scripts and native code.
  const scripts = files
    .filter(
      (file) =>
        /(\.sh|\.gyp|\.json|\.ts|Makefile|CMakeLists\.txt|\.cmake)$/.test(file) &&
        !/package(-lock)?\.json$/.test(file),
    )
    .map(text)
    .join('\n');
  const programs: Record<string, RegExp> = {
    '@biomejs/biome': /bin\/biome/,
    cerbos: /cerbos\/package\.json/,
    'clang-format': /bin\/clang-format/,
    'cmake-js': /bin\/cmake-js/,
    'node-addon-api': /node-addon-api/,
    'node-gyp': /node-gyp/,
    typescript: /bin\/tsc/,
  };
  const used = named(/./);
  const unused = Object.keys(all).filter(
    (each) =>
      !used.has(each) &&
      !used.has(each.replace(/^@types\//, '')) &&
      each !== '@types/node' &&
      !programs[each]?.test(scripts),
  );
  assert.equal(unused, [], 'not used');
});

test('the lock file names the optional packages of every platform, which newer versions of npm insist on', () => {
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (each) => !packages[`node_modules/${each}`] && !packages[`${at}/node_modules/${each}`],
    ),
  );
  assert.equal(missing, []);
});

test('native/shm includes nothing from hook, bridge, addon or Kea', () => {
  const native = files.filter((file) => /^native\/.*\.(cc|h)$/.test(file));
  const includes = native.flatMap((from) =>
    [...text(from).matchAll(/^#include\s+["<]([^">]+)[">]/gm)].map((match) => ({ from, to: match[1] ?? '' })),
  );
  const shm = includes.filter(({ from }) => from.startsWith('native/shm/'));
  const outside = /^(kea|dhcp|hooks|cc\/|asiolink|kea-hook|dnsdist-bridge|addon|napi|node|uv|v8)|\.\.\//;
  assert.ok(shm.length > 0);
  assert.equal(
    shm.filter(({ to }) => outside.test(to)).map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
  const rooms = ['kea-hook', 'dnsdist-bridge', 'addon'];
  const room = (path: string) => rooms.find((each) => path.includes(`${each}/`));
  const across = includes.filter(({ from, to }) => room(from) && room(to) && room(from) !== room(to));
  assert.equal(
    across.map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
});

test.run();
