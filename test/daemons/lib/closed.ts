// SPDX-License-Identifier: MPL-2.0
// Directories that a server under test is denied, and what it has to say of them.
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporary } from './workspace.js';

/** Root is above permissions: then what is tested has to run as somebody else. */
export const isRoot = process.getuid?.() === 0;

/** Runs a program as nobody. */
export const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** A directory that only its owner and group get into, neither of which the server is. */
export function closed(): string {
  const directory = join(temporary('closed'), 'own');
  chmodSync(dirname(directory), 0o755);
  chmodSync(dirname(dirname(directory)), 0o755);
  mkdirSync(directory);
  if (isRoot) chownSync(directory, 1, 12345);
  chmodSync(directory, isRoot ? 0o770 : 0);
  return directory;
}

/** What a message about it names. */
export const remedy = (directory: string) =>
  isRoot
    ? `${directory} is daemon:12345 0770, and this process runs as nobody, which has to be in the group 12345, and be started anew`
    : `${directory} is `;
