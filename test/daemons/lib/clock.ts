// SPDX-License-Identifier: MPL-2.0
// Another wall clock for a process, by libfaketime; programs that make their system calls themselves, as those in Go do,
// keep the real one.
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from './workspace.js';

function libfaketime(): string {
  for (const entry of readdirSync('/usr/lib', { recursive: false, withFileTypes: true })) {
    const directory = join('/usr/lib', entry.name, 'faketime');
    try {
      const name = readdirSync(directory).find((file) => file.startsWith('libfaketimeMT.so'));
      if (name) return join(directory, name);
    } catch {
      // Not there.
    }
  }
  throw new Error('libfaketime is not installed (Debian package faketime)');
}

/** An environment whose clock is what `set` says, from the next look on. */
export function clock(): { env: Record<string, string>; set: (offset: string) => void } {
  const file = join(temporary('clock'), 'offset');
  const set = (offset: string) => {
    // libfaketime ends the process when it finds the file empty, so it is replaced as a whole.
    writeFileSync(`${file}.new`, `${offset}\n`);
    renameSync(`${file}.new`, file);
  };
  set('+0');
  return {
    env: {
      LD_PRELOAD: libfaketime(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    },
    set,
  };
}
