// SPDX-License-Identifier: MPL-2.0
// Directories for as long as a process lives. One that is killed leaves them behind; the next process that needs one takes
// them away.
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const named = /^nnoe-(?:pdp|policies)-(\d+)-(\d+)-\w{6}$/;
/** ms; one that is younger may be of a process that this one cannot see, and that is about to start a Cerbos in it. */
const youngest = 60_000;

/** When a process began, in clock ticks since boot; undefined: there is none. Tells it from a later one of its number. */
function begun(pid: number | 'self'): string | undefined {
  try {
    // The name of the program stands in parentheses and may hold blanks.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}

/** A new directory of this process below the system's one for temporary files, mode 0700; its path is short. */
export function scratch(purpose: 'pdp' | 'policies'): string {
  void sweep();
  return mkdtempSync(join(tmpdir(), `nnoe-${purpose}-${process.pid}-${begun('self') ?? 0}-`));
}

/** Takes away what killed processes of this user left. Never fails. */
export async function sweep(directory = tmpdir(), now = Date.now()): Promise<void> {
  for (const name of namesIn(directory)) {
    const [, pid, since] = named.exec(name) ?? [];
    if (pid === undefined || begun(Number(pid)) === since) continue;
    const path = join(directory, name);
    try {
      const { uid, mtimeMs } = lstatSync(path);
      if (uid !== process.getuid?.() || now - mtimeMs < youngest) continue;
      // Processes of another container that shares the directory cannot be seen, but answer.
      if (!(await answers(join(path, 'grpc')))) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another host was faster, or it cannot be taken away: it harms nobody.
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const answers = (socket: string): Promise<boolean> =>
  new Promise((done) => {
    const asked = connect(socket);
    asked.once('connect', () => {
      asked.destroy();
      done(true);
    });
    asked.once('error', () => done(false));
  });
