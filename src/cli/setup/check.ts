// SPDX-License-Identifier: MPL-2.0
// Has the program that reads a configuration judge it, without its being in place.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { NnoeError, reasonOf } from '../../host/errors.js';
import { type Change, Staged } from './change.js';

export interface Checker {
  /** A name to look for, or a path. */
  program: string;
  arguments: (file: string) => string[];
  /** Lines that say what is wrong, of all that it says. */
  tells: RegExp;
}

export interface Checked {
  command: string;
  accepted: boolean;
  /** What it says when it refuses. */
  said: string;
  /** When it refuses: whether it would have accepted what stood there before. */
  acceptedBefore?: boolean;
}

/** s */
const patience = 60;
const mostLines = 6;

/** @param staged what is to be judged; stays where it is. @throws NnoeError SETUP_CHECKER */
export function check(checker: Checker, staged: Staged, env: NodeJS.ProcessEnv): Checked {
  const path = staged.changes[0]?.path ?? '';
  const command = [checker.program, ...checker.arguments(path)].join(' ');
  const refusal = judge(checker, staged, env, command);
  if (refusal === undefined) return { command, accepted: true, said: '' };
  return {
    command,
    accepted: false,
    said: refusal,
    acceptedBefore: acceptsBefore(checker, staged.changes, env),
  };
}

function acceptsBefore(checker: Checker, changes: readonly Change[], env: NodeJS.ProcessEnv): boolean {
  if (changes[0]?.before === undefined) return true;
  const staged = Staged.make(changes, 'before');
  try {
    return judge(checker, staged, env, checker.program) === undefined;
  } finally {
    staged.remove();
  }
}

/** What is wrong with it. */
function judge(
  { program, arguments: words, tells }: Checker,
  staged: Staged,
  env: NodeJS.ProcessEnv,
  command: string,
) {
  const ran = spawnSync(locate(program, env), words(staged.main), {
    cwd: '/',
    env: { KEA_LOCKFILE_DIR: 'none', ...env },
    encoding: 'utf8',
    timeout: patience * 1000,
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...reader(staged),
  });
  if (ran.error !== undefined)
    throw new NnoeError('SETUP_CHECKER', { command, reason: reasonOf(ran.error) }, ran.error);
  if (ran.status === 0) return undefined;
  if (ran.signal !== null)
    throw new NnoeError('SETUP_CHECKER', { command, reason: `ended by ${ran.signal}` });
  const lines = staged.named(`${ran.stdout}\n${ran.stderr}`).split('\n').filter(Boolean);
  const telling = lines.filter((line) => tells.test(line));
  return (telling.length > 0 ? telling : lines).slice(-mostLines).join('\n') || `status ${ran.status}`;
}

/**
 * As whom: root under AppArmor's profile of Kea may not pass a directory that is closed to others (Debian 13's
 * /etc/kea is _kea's), so its owner is asked for, who also is who reads it later.
 */
function reader({ main }: Staged): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const { uid, gid, mode } = statSync(dirname(main));
  return uid !== 0 && (mode & 0o005) === 0 ? { uid, gid } : {};
}

/** Servers are in directories that are not on everybody's path. */
function locate(program: string, env: NodeJS.ProcessEnv): string {
  if (basename(program) !== program) return program;
  const path = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
  return path.map((each) => join(each || '.', program)).find((each) => existsSync(each)) ?? program;
}
