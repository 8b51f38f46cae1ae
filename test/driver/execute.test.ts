// SPDX-License-Identifier: MPL-2.0
// The driver must not miss a test file that crashes, hangs or leaves something behind.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Job } from './discover.js';
import { execute } from './execute.js';
import { Unmade } from './leftovers.js';

const summary = 'console.log("  Total:     2\\n  Passed:    2\\n  Skipped:   0\\n");';

const script = (code: string, limit = 20): Job => ({
  name: 'script',
  command: [process.execPath, '-e', `const { spawn } = require('node:child_process'); ${code}`],
  cwd: process.cwd(),
  env: {},
  limit,
  lane: 'fast',
  form: 'uvu',
});

/** Whether the process that a script announced as `pid N` still runs; one that nobody has reaped yet does not. */
function alive(output: string): boolean {
  const pid = /^pid (\d+)$/m.exec(output)?.[1];
  assert.ok(pid, `no pid in ${output}`);
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a clean file has what it counted', async () => {
  const { passed, failed, trouble } = await execute(script(summary));
  assert.equal([passed, failed, trouble], [2, 0, undefined]);
});

test('a file that crashes after its summary has failed', async () => {
  const { passed, failed, trouble } = await execute(
    script(`${summary} process.on('exit', () => process.abort())`),
  );
  assert.equal([passed, failed], [2, 1]);
  assert.match(trouble ?? '', 'SIGABRT');
});

test('an exit status counts even when every test passed', async () => {
  const { failed, trouble } = await execute(script(`${summary} process.exitCode = 3`));
  assert.is(failed, 1);
  assert.match(trouble ?? '', 'exit status 3');
});

test('a file beyond its time is ended, with the processes it started elsewhere', async () => {
  const code = `const c = spawn('sleep', ['60'], { detached: true }); console.log('pid ' + c.pid); setInterval(() => {}, 1000)`;
  const { failed, trouble, output, seconds } = await execute(script(code, 1));
  assert.is(failed, 1);
  assert.match(trouble ?? '', 'longer than its 1 s');
  assert.not(alive(output));
  assert.ok(seconds < 10);
});

test('a process left behind is a failure, and is ended', async () => {
  const code = `const c = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); c.unref(); console.log('pid ' + c.pid); ${summary}`;
  const { failed, trouble, output } = await execute(script(code));
  assert.is(failed, 1);
  assert.match(trouble ?? '', /left process \d+ running: sleep 60/);
  assert.not(alive(output));
});

test('a file left in the temporary directory is a failure', async () => {
  const code = `require('node:fs').writeFileSync(require('node:os').tmpdir() + '/forgotten', ''); ${summary}`;
  const { failed, trouble } = await execute(script(code));
  assert.is(failed, 1);
  assert.match(trouble ?? '', 'forgotten');
});

test('a place of an installed host that a test makes is told, once; one that was there is not', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-unmade-'));
  const [there, late] = [join(directory, 'store'), join(directory, 'tables')];
  mkdirSync(there);
  const unmade = new Unmade([there, late]);
  assert.equal(unmade.made(), []);
  mkdirSync(late);
  assert.equal(unmade.made(), [late]);
  assert.equal(unmade.made(), []);
  rmSync(directory, { recursive: true });
});

test.run();
