// SPDX-License-Identifier: MPL-2.0
// Runs one test file as its own process, within its time, and sees to it that nothing of it stays.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Count, count } from './count.js';
import type { Job } from './discover.js';
import { endAll, marked, Unmade } from './leftovers.js';

export interface Result extends Count {
  job: Job;
  output: string;
  /** Wall time, s. */
  seconds: number;
}

const OUTPUT_LIMIT = 4 << 20; // bytes; the end is kept
const GRACE = 3_000; // ms between asking and killing, and for children to follow their parent

/** The processes and files of running jobs; `endEverything` is for a driver that is being stopped. */
const running = new Map<string, string>();

export async function endEverything(): Promise<void> {
  for (const [mark, directory] of running) {
    await endAll(marked(mark));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of an installed host; tests have directories of their own. */
const unmade = new Unmade();

interface Ending {
  output: string;
  trouble?: string;
}

function spawnJob(job: Job, env: NodeJS.ProcessEnv, mark: string): Promise<Ending> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let trouble: string | undefined;
    const [program = '', ...args] = job.command;
    const child = spawn(program, args, {
      cwd: job.cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      while (bytes - (chunks[0]?.length ?? 0) > OUTPUT_LIMIT) bytes -= chunks.shift()?.length ?? 0;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => {
      trouble = `it took longer than its ${job.limit} s`;
      void endAll(marked(mark), GRACE);
    }, job.limit * 1000);
    const end = (extra: string | undefined) => {
      clearTimeout(timer);
      const why = trouble ?? extra;
      resolve({ output: Buffer.concat(chunks).toString(), ...(why === undefined ? {} : { trouble: why }) });
    };
    child.on('error', (error) => end(error.message));
    // A child of the test that keeps the pipe open must not keep us: wait for the exit, then a moment for output.
    child.on('exit', (code, signal) =>
      setTimeout(
        () => end(signal ? `it was ended by ${signal}` : code === 0 ? undefined : `exit status ${code}`),
        50,
      ),
    );
  });
}

/** What a test left: its processes, which are ended, and its files, which are removed. */
async function sweep(mark: string, directory: string): Promise<string | undefined> {
  let left = marked(mark);
  for (const until = Date.now() + GRACE; left.length > 0 && Date.now() < until; left = marked(mark))
    await sleep(50);
  const complaints = left.map(({ pid, command }) => `it left process ${pid} running: ${command}`);
  await endAll(left);
  const files = readdirSync(directory);
  if (files.length > 0) complaints.push(`it left in its temporary directory: ${files.join(' ')}`);
  for (const place of unmade.made()) complaints.push(`${place} was made meanwhile: a test needs its own`);
  if (!process.env.KEEP) rmSync(directory, { recursive: true, force: true });
  return complaints.length > 0 ? complaints.join('\n  ') : undefined;
}

export async function execute(job: Job): Promise<Result> {
  const mark = randomBytes(8).toString('hex');
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-t-'));
  chmodSync(directory, 0o1777);
  running.set(mark, directory);
  const started = performance.now();
  const env = { ...process.env, NO_COLOR: '1', ...job.env, TMPDIR: directory, NNOE_TEST_MARK: mark };
  const { output, trouble } = await spawnJob(job, env, mark);
  const left = await sweep(mark, directory);
  running.delete(mark);
  const counted = count(job.form, output);
  const troubles = [trouble, counted.trouble, left].filter((text) => text !== undefined);
  const failed = troubles.length > 0 ? Math.max(1, counted.failed) : counted.failed;
  const seconds = (performance.now() - started) / 1000;
  // A program that is one test case and failed has not passed it as well.
  const passed = job.form === 'native' && trouble !== undefined ? 0 : counted.passed;
  const result = { job, output, seconds, passed, failed };
  return troubles.length > 0 ? { ...result, trouble: troubles.join('\n  ') } : result;
}
