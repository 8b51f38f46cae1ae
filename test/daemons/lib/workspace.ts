// SPDX-License-Identifier: MPL-2.0
// One temporary directory per test process, and what has to happen when that process ends, however it ends.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Cleanup = (failed: boolean) => void;
const cleanups: Cleanup[] = [];
let root: string | undefined;
let counter = 0;

/** Runs synchronously at exit, latest first; the directory goes last. */
export function onCleanup(work: Cleanup): void {
  cleanups.push(work);
}

/** A new directory of its own; removed at exit unless the tests failed and KEEP is set. */
export function temporary(name: string): string {
  // Unix socket paths are limited to 107 bytes, so names stay short and TMPDIR should too.
  root ??= mkdtempSync(join(tmpdir(), 'nnoe-'));
  const directory = join(root, `${name}${counter++}`);
  mkdirSync(directory, { mode: 0o750 });
  return directory;
}

let cleaned = false;
function clean(failed: boolean): void {
  if (cleaned) return;
  cleaned = true;
  for (const work of cleanups.reverse()) {
    try {
      work(failed);
    } catch (error) {
      process.stderr.write(`cleanup: ${error}\n`);
    }
  }
  if (!root) return;
  if (failed && process.env.KEEP) process.stderr.write(`kept: ${root}\n`);
  else rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

process.on('exit', (code) => clean(code !== 0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 1)));
}
process.once('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(70);
});
process.once('unhandledRejection', (reason) => {
  process.stderr.write(`unhandled: ${reason instanceof Error ? reason.stack : reason}\n`);
  process.exit(70);
});
