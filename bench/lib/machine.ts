// SPDX-License-Identifier: MPL-2.0
// What the figures were measured on: a report without it says nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

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

/** One line each, for stderr or the head of a report. */
export function machine(): string[] {
  const processors = cpus();
  const versions = [
    `node ${process.version}`,
    `kea ${firstLine('kea-dhcp4', '-v') ?? 'absent'}`,
    `${firstLine('etcd', '--version') ?? 'etcd absent'}`,
    `${firstLine('dnsdist', '--version') ?? 'dnsdist absent'}`,
    `${firstLine('valgrind', '--version') ?? 'valgrind absent'}`,
  ];
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  const load = loadavg()[0]?.toFixed(2);
  return [
    `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}, ${gib} GiB, ${distribution()}, Linux ${release()}`,
    `${versions.join(', ')}; load average at start ${load}`,
  ];
}
