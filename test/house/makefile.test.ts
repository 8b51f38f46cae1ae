// SPDX-License-Identifier: MPL-2.0
// The commands people type.
import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, root, text } from './lib/tree.js';

const promised = [
  'build',
  'check',
  'test',
  'run',
  'stress',
  'stress-follow',
  'stress-policies',
  'stress-tables',
  'fuzz',
  'matrix',
  'deb',
  'test-packages',
  'bench',
  'gen',
  'clean',
  'help',
];
const makefile = text('Makefile');

test('make help names every target with a sentence', () => {
  const help = execFileSync('make', ['--no-print-directory', 'help'], { cwd: root, encoding: 'utf8' });
  const listed = [...help.matchAll(/^ {2}make (\S+) +(\S.*\.)$/gm)].map((match) => match[1] ?? '');
  assert.equal(listed.slice().sort(), promised.slice().sort());
});

test('make alone is make help', () => {
  assert.match(makefile, /^\.DEFAULT_GOAL := help$/m);
});

test('every script that a target names is there and can be run', () => {
  const scripts = [...makefile.matchAll(/tools\/[\w-]+\.sh/g)].map((match) => match[0]);
  const compiled = [...makefile.matchAll(/dist\/([\w/-]+)\.js/g)].map((match) => `${match[1]}.ts`);
  for (const file of [...scripts, ...compiled])
    assert.ok(files.includes(file), `${file} is named by the Makefile`);
  for (const file of [...scripts, '.ci/run']) execFileSync('test', ['-x', file], { cwd: root });
});

test('continuous integration calls make test', () => {
  assert.match(text('.ci/run'), /make .*\btest\b/);
});

test('shell scripts have no syntax errors', () => {
  for (const file of files.filter((each) => each.endsWith('.sh') || each === '.ci/run')) {
    execFileSync('bash', ['-n', file], { cwd: root });
  }
});

test.run();
