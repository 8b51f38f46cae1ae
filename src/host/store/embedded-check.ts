// SPDX-License-Identifier: MPL-2.0
// After an end that was none in order: the whole store is read once more, while it already serves, by a process of
// its own, which a damaged page may kill.
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

export type Verdict =
  | { outcome: 'sound' }
  | { outcome: 'damaged'; reason: string }
  /** Neither is known: it took too long, or the process could not do its work. */
  | { outcome: 'unknown'; reason: string };

const verifier = fileURLToPath(new URL('embedded-verify.js', import.meta.url));
/** ms; while it reads, pages that are given up cannot be used again, and the file grows. */
const longest = 600_000;
/** What embedded-verify.ts ends with when it found the file damaged. */
export const damagedStatus = 3;
/** What LMDB brings about when it follows a damaged page. */
const deadly = new Set<NodeJS.Signals | null>(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE']);

/** Resolves with what was found; 'unknown' when `signal` aborts. */
export function verify(file: string, signal: AbortSignal): Promise<Verdict> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [verifier, file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: longest,
      killSignal: 'SIGKILL',
      signal,
    });
    if (child.pid !== undefined) giveWay(child.pid);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4096);
    });
    child.once('error', (error) => resolve({ outcome: 'unknown', reason: error.message }));
    child.once('close', (status, killedBy) => {
      const last = said.trim().split('\n').at(-1) ?? '';
      if (status === 0) resolve({ outcome: 'sound' });
      else if (status === damagedStatus) resolve({ outcome: 'damaged', reason: last });
      else if (deadly.has(killedBy))
        resolve({ outcome: 'damaged', reason: `reading it ended with ${killedBy}` });
      else resolve({ outcome: 'unknown', reason: killedBy ?? (last || `status ${status}`) });
    });
  });
}

/** Whatever the host does is more urgent. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already.
  }
}
