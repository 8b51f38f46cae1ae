// SPDX-License-Identifier: MPL-2.0
// Tables published without a host, by the program that native tests use too: see tables_script.cc for its lines.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { tree } from './kea.js';
import { onCleanup, temporary } from './workspace.js';

const program = join(process.env.NNOE_BUILD ?? join(tree, 'build'), 'test', 'tables_script');

export class Tables {
  private readonly ended: Promise<unknown>;

  private constructor(
    readonly directory: string,
    private readonly child: ChildProcess,
    private readonly answers: Interface,
  ) {
    this.ended = once(child, 'exit');
  }

  /** The writer of a new directory, or of the one given; nothing is published yet. */
  static open(directory = join(temporary('tables'), 'tables')): Tables {
    if (!existsSync(program)) throw new Error(`${program} is not built: run make build`);
    const child = spawn(program, [directory], { stdio: ['pipe', 'pipe', 'inherit'] });
    onCleanup(() => child.kill('SIGKILL'));
    return new Tables(directory, child, createInterface(child.stdout));
  }

  /** Adds these lines and makes a generation of all that was said; resolves with its number. */
  async publish(...lines: string[]): Promise<number> {
    const answer = once(this.answers, 'line') as Promise<[string]>;
    this.child.stdin?.write([...lines, 'publish', ''].join('\n'));
    const number = await Promise.race([answer.then(([text]) => text), this.ended.then(() => undefined)]);
    if (number === undefined) throw new Error('tables_script ended');
    return Number(number);
  }

  /** Gives the directory back. */
  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }
}

/** Lines for one list: the names below `<list>.example`, blocked for the default role set with an action. */
export const blocked = (list: string, action: string): string[] => [
  `list ${list} block`,
  `name ${list} subtree ${list}.example`,
  `take default ${list} ${action}`,
];
