// SPDX-License-Identifier: MPL-2.0
// tools/setup.sh and tools/node.sh, as people without root or without the right Node.js meet them.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './lib/tree.js';

let directory = '';
test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'nnoe-setup-'));
  chmodSync(directory, 0o755);
  cpSync(join(root, 'tools'), join(directory, 'tools'), { recursive: true });
});
test.after(() => rmSync(directory, { recursive: true }));

const unprivileged =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

function call(words: string[], env: Record<string, string> = {}) {
  const [program = '', ...args] = words;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: directory,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A directory with the tools a script may use and none besides, then these scripts over them. */
function path(name: string, scripts: Record<string, string>, without: RegExp): string {
  const bin = join(directory, name);
  mkdirSync(bin);
  for (const from of ['/bin', '/usr/bin', '/usr/sbin']) {
    for (const tool of readdirSync(from)) {
      if (!without.test(tool) && !(tool in scripts)) {
        try {
          symlinkSync(join(from, tool), join(bin, tool));
        } catch {
          // /bin and /usr/bin are often one directory
        }
      }
    }
  }
  for (const [tool, body] of Object.entries(scripts))
    writeFileSync(join(bin, tool), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  return bin;
}

test('nothing missing: silent, and quick', () => {
  const started = performance.now();
  assert.equal(call(['tools/setup.sh', 'build', 'run', 'test']), { status: 0, stdout: '', stderr: '' });
  assert.ok(performance.now() - started < 2000);
});

test('an unknown purpose is refused, with those there are', () => {
  const { status, stderr } = call(['tools/setup.sh', 'everything']);
  assert.is(status, 2);
  assert.match(stderr, "no purpose 'everything'");
  assert.match(stderr, 'build run test');
});

test('what cannot be installed is named, with the command to give', () => {
  // No package counts as installed, and there is no sudo.
  const bin = path('nosudo', { 'dpkg-query': 'exit 1' }, /^sudo$/);
  const { status, stderr } = call([...unprivileged, 'tools/setup.sh', 'run'], { PATH: bin });
  assert.is(status, 1);
  for (const name of ['kea-dhcp4-server', 'etcd-server', 'g++']) assert.match(stderr, name);
  assert.match(stderr, /sudo \S*tools\/setup\.sh run/);
});

test('a sudo that refuses is said, and the packages are named', () => {
  const bin = path(
    'badsudo',
    { 'dpkg-query': 'exit 1', sudo: 'echo "a password is required" >&2; exit 1' },
    /^$/,
  );
  const { status, stderr } = call([...unprivileged, 'tools/setup.sh', 'run'], { PATH: bin });
  assert.is(status, 1);
  assert.match(stderr, 'sudo failed');
  assert.match(stderr, 'kea-dhcp6-server');
});

test('a Node.js that is too old is named with its version, and what to do', () => {
  const bin = path('oldnode', { node: 'echo 18.19.0' }, /^(nodejs|npm)$/);
  const script =
    'cd "$0" && sed "s, /usr/local/bin/node /usr/bin/node /usr/bin/nodejs /opt/node[^;]*;,;," tools/node.sh >only-path.sh && bash only-path.sh';
  const { status, stderr } = call(['bash', '-c', script, directory], { PATH: bin, NODE: '' });
  assert.is(status, 1);
  assert.match(stderr, 'Node.js 20 or later');
  assert.is(stderr.split('18.19.0').length, 2, 'named once');
  assert.match(stderr, 'make NODE=');
});

test('make says that Node.js is too old before it installs anything', () => {
  const bin = path('oldest', { node: 'echo 18.19.0', 'dpkg-query': 'exit 1' }, /^(nodejs|npm|sudo)$/);
  const there = join(directory, 'tree');
  cpSync(join(root, 'tools'), join(there, 'tools'), { recursive: true });
  cpSync(join(root, 'Makefile'), join(there, 'Makefile'));
  assert.is(call(['sed', '-i', 's, /usr/local/bin/node [^;]*;,;,', 'tree/tools/node.sh']).status, 0);
  const env = { PATH: bin, NODE: '' };
  const { status, stderr } = call([...unprivileged, 'make', '-C', 'tree', 'run'], env);
  assert.is(status, 2);
  assert.match(stderr, 'Node.js 20 or later; found: ');
  assert.not.match(stderr, 'Debian packages');
});

test('a Node.js that is new enough is found without a PATH to it', () => {
  const { status, stdout } = call(['tools/node.sh'], { NODE: process.execPath });
  assert.is(status, 0);
  assert.match(stdout, /^\/.*\n$/);
});

test.run();
