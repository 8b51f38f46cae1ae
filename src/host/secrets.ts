// SPDX-License-Identifier: MPL-2.0
// Files that the configuration names and does not contain. They are read when they are needed, so that a renewed
// one counts without a restart, and what they hold is shown nowhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NnoeError, reasonOf } from './errors.js';

const scheme = 'credential:';

export const isCredential = (named: string): boolean => named.startsWith(scheme);

/**
 * @param named an absolute path, or credential:NAME for what systemd put into $CREDENTIALS_DIRECTORY.
 * @throws NnoeError CREDENTIAL_ABSENT outside of a service that has credentials.
 */
export function pathOf(named: string): string {
  if (!isCredential(named)) return named;
  const directory = process.env.CREDENTIALS_DIRECTORY;
  const name = named.slice(scheme.length);
  if (directory === undefined)
    throw new NnoeError('CREDENTIAL_ABSENT', { name, reason: 'CREDENTIALS_DIRECTORY is not set' });
  return join(directory, name);
}

/** The first line of the file. @throws NnoeError CREDENTIAL_ABSENT, or the system's error, which names the file. */
export function readSecret(named: string): string {
  try {
    return readFileSync(pathOf(named), 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    if (!isCredential(named) || error instanceof NnoeError) throw error;
    throw new NnoeError(
      'CREDENTIAL_ABSENT',
      { name: named.slice(scheme.length), reason: reasonOf(error) },
      error,
    );
  }
}
