// SPDX-License-Identifier: MPL-2.0
// What Kea has of its own for telling others of a lease: libdhcp_run_script.so, which starts a program for every event.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HookLibrary } from '../../test/daemons/lib/kea-config.js';
import { temporary } from '../../test/daemons/lib/workspace.js';

const LIBRARY = 'libdhcp_run_script.so';

/** As Kea's manual shows it, with the least that can be called telling: a line in a file. */
const script = (file: string): string => `#!/bin/sh
case "$1" in
  leases4_committed)
    echo "$LEASES4_AT0_ADDRESS $LEASES4_AT0_HWADDR" >>'${file}'
    ;;
esac
`;

export class RunScript {
  readonly #file: string;
  readonly #script: string;

  constructor() {
    const directory = temporary('script');
    this.#file = join(directory, 'told');
    this.#script = join(directory, 'told.sh');
    writeFileSync(this.#file, '');
    writeFileSync(this.#script, script(this.#file), { mode: 0o755 });
  }

  /** For Kea's configuration; it knows no other value of sync than false. */
  get hook(): HookLibrary {
    return { library: LIBRARY, parameters: { name: this.#script, sync: false } };
  }

  /** Address of each event that a script has written down, in the order of writing. */
  addresses(): string[] {
    const lines = readFileSync(this.#file, 'latin1').split('\n').slice(0, -1);
    return lines.map((line) => line.slice(0, line.indexOf(' ')));
  }
}
