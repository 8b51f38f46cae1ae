// SPDX-License-Identifier: MPL-2.0
// `nnoe` in tests: in this process with what it writes kept, as a process of its own, and on a terminal.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Out } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';
import { tree } from './tree.js';

export const program = join(tree, 'dist/src/cli/nnoe.js');

export interface Ran {
  status: number | null;
  out: string;
  err: string;
}

class Kept extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** What a terminal of that width would be told apart from a pipe by. */
export interface Terminal {
  columns: number;
}

/** In this process: for everything but `host`, which ends it. */
export async function inProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  terminal?: Terminal,
): Promise<Ran> {
  const out = new Kept();
  const err = new Kept();
  const as = (stream: Kept) =>
    new Out(terminal ? Object.assign(stream, { isTTY: true, ...terminal }) : stream, env);
  const interrupted = new AbortController();
  const status = await main(args, {
    out: as(out),
    err: as(err),
    env,
    status: 0,
    now: () => Date.now(),
    interruptible: () => interrupted.signal,
  });
  return { status, out: out.text, err: err.text };
}

/** As a process; `shell` words may follow it, such as `| head -1`. */
export async function nnoe(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return await collect(process.execPath, [program, ...args], env);
}

/** A shell command in which `nnoe` is the program. */
export const inShell = (command: string, env: Record<string, string> = {}): Promise<Ran> =>
  collect('bash', ['-c', `nnoe() { "${process.execPath}" "${program}" "$@"; }\n${command}`], env);

/** Both streams on a terminal of 80 columns; what it shows comes as `out`. */
export const onTerminal = (command: string, env: Record<string, string> = {}): Promise<Ran> =>
  collect(
    'script',
    [
      '-qec',
      `stty cols 80 rows 24; ${command.replace(/^nnoe/, `"${process.execPath}" "${program}"`)}`,
      '/dev/null',
    ],
    {
      TERM: 'xterm',
      ...env,
    },
  );

function collect(command: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !['NO_COLOR', 'FORCE_COLOR', 'NNOE_CONTROL_SOCKET'].includes(name),
    ),
  );
  const child = spawn(command, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ran: Ran = { status: null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (ran.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (ran.err += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ ...ran, status });
    });
  });
}
