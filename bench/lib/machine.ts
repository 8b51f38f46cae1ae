// SPDX-License-Identifier: MPL-2.0
// What the figures were measured on: a report without it says nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { tree } from '../../test/daemons/lib/kea.js';

function firstLine(command: string, ...args: string[]): string | undefined {
  try {
    const out = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return out.trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** By program; null: not installed. What the figures were made with, and what they were compared with. */
export function versions(): Record<string, string | null> {
  const of = (command: string, ...args: string[]) => firstLine(command, ...args) ?? null;
  const manifest = (file: string): string | null => {
    try {
      return (JSON.parse(readFileSync(join(tree, file), 'utf8')) as { version: string }).version;
    } catch {
      return null;
    }
  };
  return {
    nnoe: manifest('package.json'),
    commit: of('git', '-C', tree, 'describe', '--always', '--dirty', '--abbrev=12'),
    node: process.version,
    kea: of('kea-dhcp4', '-v'),
    etcd: of('etcd', '--version')?.replace(/^etcd Version: */i, '') ?? null,
    dnsdist: of('dnsdist', '--version')?.replace(/^dnsdist */, '') ?? null,
    cerbos: manifest('node_modules/cerbos/package.json'),
    'c++': of('c++', '--version')?.replace(/^\S+ */, '') ?? null,
    valgrind: of('valgrind', '--version')?.replace(/^valgrind-/, '') ?? null,
  };
}

/** One line, for stderr or the head of a report. */
export function machine(): string {
  const processors = cpus();
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  return `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}, ${gib} GiB, ${distribution()}, Linux ${release()}`;
}

/** Of the last minute. */
export const load = (): number => loadavg()[0] ?? 0;
