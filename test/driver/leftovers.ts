// SPDX-License-Identifier: MPL-2.0
// Finds the processes of one test file by a mark in their environment, whatever group or session they went to.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Leftover {
  pid: number;
  command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has just ended, or belongs to somebody else
  }
}

/** Where a host that is told nothing writes: what an installed one has, and no test may make. */
const defaults = [
  '/var/lib/nnoe/store',
  '/var/lib/nnoe/tables',
  '/var/lib/nnoe/policies',
  '/run/nnoe/decisions',
  '/run/nnoe/host.sock',
];

/** Watches for places that somebody makes from now on. */
export class Unmade {
  #missing: readonly string[];

  constructor(places: readonly string[] = defaults) {
    this.#missing = places.filter((place) => !existsSync(place));
  }

  /** Those that were made; each is told once. */
  made(): string[] {
    const made = this.#missing.filter((place) => existsSync(place));
    this.#missing = this.#missing.filter((place) => !made.includes(place));
    return made;
  }
}

/** Running processes, zombies excepted, whose environment carries this mark. */
export function marked(mark: string): Leftover[] {
  const wanted = `NNOE_TEST_MARK=${mark}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => read(`/proc/${name}/environ`).split('\0').includes(wanted))
    .map((name) => ({
      pid: Number(name),
      command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
    }));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone already
  }
}

/** Ends these processes, by their ids: asks first when given time (ms), then kills. */
export async function endAll(processes: Leftover[], grace = 0): Promise<void> {
  if (grace > 0) {
    for (const { pid } of processes) signal(pid, 'SIGTERM');
    const alive = () =>
      processes.some(
        ({ pid, command }) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() === command,
      );
    for (const until = Date.now() + grace; alive() && Date.now() < until; ) await sleep(50);
  }
  for (const { pid } of processes) signal(pid, 'SIGKILL');
}
