// SPDX-License-Identifier: MPL-2.0
// What is said of a path that was denied: the first thing in the way, and who has to change what.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { denied } from './denied.js';
import { reasonOf } from './errors.js';

/** Root is above permissions. */
const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

const made: string[] = [];
test.after(() => {
  for (const directory of made) {
    chmodSync(join(directory, 'outer'), 0o755);
    rmSync(directory, { recursive: true });
  }
});

function place(): { outer: string; file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-denied-'));
  made.push(directory);
  chmodSync(directory, 0o755);
  const outer = join(directory, 'outer');
  mkdirSync(outer);
  const file = join(outer, 'file');
  writeFileSync(file, '');
  return { outer, file };
}

/** What somebody without privileges is told when calling `call` of node:fs with these. */
function told(call: string, ...args: unknown[]): string {
  const script = `
    import * as fs from 'node:fs';
    import { reasonOf } from ${JSON.stringify(import.meta.resolve('./errors.js'))};
    try { fs[${JSON.stringify(call)}](...${JSON.stringify(args)}); console.log('allowed'); }
    catch (error) { console.log(reasonOf(error)); }`;
  const [command = '', ...rest] = [...nobody, process.execPath, '--input-type=module', '-e', script];
  const { stdout, stderr, status } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
  assert.is(status, 0, stderr);
  return stdout.trim();
}

test('a directory that may not be entered is named, not what is in it', () => {
  const { outer, file } = place();
  chmodSync(outer, isRoot ? 0o700 : 0o600);
  const text = told('readFileSync', file);
  assert.match(text, /^EACCES: permission denied, open /);
  assert.match(text, `': ${outer} is `);
  assert.match(
    text,
    isRoot ? /0700, and this process runs as nobody, which has to own it/ : /to enter it|let the owner enter/,
  );
});

test('a file that may not be read, and a directory that may not be written', () => {
  const { outer, file } = place();
  chmodSync(file, isRoot ? 0o600 : 0);
  assert.match(told('readFileSync', file), new RegExp(`: ${file} is .*(right to read|owner read) it$`));
  chmodSync(outer, 0o555);
  const text = told('mkdirSync', join(outer, 'new'));
  assert.match(text, new RegExp(`: ${outer} is .* 0555, .*(right to write|owner write) it$`));
});

test('a group that has the right is what the user has to be in', () => {
  if (!isRoot) return; // files cannot be given away
  const { outer } = place();
  chownSync(outer, 1, 12345);
  chmodSync(outer, 0o2770);
  assert.match(
    told('mkdirSync', join(outer, 'new')),
    `: ${outer} is daemon:12345 2770, and this process runs as nobody, which has to be in the group 12345, and be started anew`,
  );
});

test('what owner and mode allow is for AppArmor and systemd to allow; of other errors nothing is said', () => {
  const { file } = place();
  const error = (code: string, more: object) => Object.assign(new Error(code), { code, ...more });
  assert.match(denied(error('EACCES', { path: file, syscall: 'open' })), /AppArmor profile .* sandbox/);
  assert.match(denied(error('EROFS', { path: file, syscall: 'mkdir' })), /ReadWritePaths=/);
  // As net.Server says it.
  assert.match(denied(error('EACCES', { address: file, syscall: 'listen' })), /AppArmor/);
  assert.is(denied(error('ENOENT', { path: file })), '');
  assert.is(denied(error('EACCES', {})), '');
  assert.is(denied(error('EACCES', { address: '127.0.0.1' })), '');
  assert.is(reasonOf(new Error('as it is')), 'as it is');
  for (const each of [undefined, null, 'EACCES', 7]) assert.is(denied(each), '');
});

test.run();
