// SPDX-License-Identifier: MPL-2.0
// What a bridge says by the tables of a directory, without a DNS server around it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tree } from './kea.js';
import { onCleanup } from './workspace.js';

export interface Verdicts {
  /** `ACT REASON`, as native/shm/tables/verdict.h names them. */
  ask(client: string, name: string): Promise<string>;
  stop(): void;
}

export function verdicts(directory: string, fail: 'open' | 'closed'): Verdicts {
  const tool = spawn(join(tree, 'build/test/verdict_tool'), [directory, fail], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onCleanup(() => tool.kill('SIGKILL'));
  const lines = createInterface({ input: tool.stdout })[Symbol.asyncIterator]();
  return {
    async ask(client, name) {
      tool.stdin.write(`${client} ${name}\n`);
      const { value } = await lines.next();
      return String(value).split(' ').slice(0, 2).join(' ');
    },
    stop: () => void tool.stdin.end(),
  };
}
