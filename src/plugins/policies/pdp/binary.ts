// SPDX-License-Identifier: MPL-2.0
// The Cerbos that comes with npm's package `cerbos`: where its program is, and how to run it.
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';

/** Path of the program. @throws Error when this platform has none. */
export function cerbosBinary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('cerbos/package.json'));
  return require.resolve(`@cerbos/cerbos-${process.platform}-${process.arch}`);
}

/** Ends with this process, also when this one is killed. Its output is read by who started it. */
export function spawnCerbos(args: readonly string[]): ChildProcess {
  // setpriv (util-linux) asks the kernel for a signal at the parent's death, then becomes the program.
  return spawn('setpriv', ['--pdeathsig', 'KILL', cerbosBinary(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', CERBOS_NO_TELEMETRY: '1' },
  });
}

export interface Ran {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs to the end. @throws what spawning or the signal throws */
export function runCerbos(args: readonly string[], signal?: AbortSignal): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawnCerbos(args);
    const ran: Ran = { status: null, stdout: '', stderr: '' };
    const abort = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', abort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      ran.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      ran.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status) => {
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve({ ...ran, status });
    });
  });
}
