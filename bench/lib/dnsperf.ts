// SPDX-License-Identifier: MPL-2.0
// dnsperf, the load generator of DNS-OARC, and its report as numbers.
import type { Server } from '../../test/daemons/lib/dns.js';
import { run } from './run.js';

export interface DnsperfOptions {
  /** Questions, one a line: name and type. */
  file: string;
  /** So many times through the file. */
  rounds?: number;
  /** s, instead. */
  seconds?: number;
  /** Queries under way at a time; default 100. */
  outstanding?: number;
  /** The processor that it stays on; default any. */
  cpu?: number;
}

export interface DnsperfReport {
  completed: number;
  lost: number;
  rate: number;
  /** Answers by response code. */
  codes: Readonly<Record<string, number>>;
}

/** @throws Error when not a single query was answered, or dnsperf cannot be run. */
export async function dnsperf(server: Server, options: DnsperfOptions): Promise<DnsperfReport> {
  const { file, rounds, seconds, outstanding = 100, cpu } = options;
  const load = ['dnsperf', '-s', server.address, '-p', String(server.port), '-d', file];
  load.push('-q', String(outstanding), '-t', '30');
  if (rounds !== undefined) load.push('-n', String(rounds));
  if (seconds !== undefined) load.push('-l', String(seconds));
  const pinned = cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
  const [command, ...args] = [...pinned, ...load];
  return parseDnsperf(await run(command as string, args));
}

export function parseDnsperf(text: string): DnsperfReport {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const completed = number(/Queries completed:\s+(\d+)/);
  if (!(completed > 0)) throw new Error(`dnsperf had no answer:\n${text.slice(-1000)}`);
  const codes: Record<string, number> = {};
  const listed = /Response codes:\s+(.*)/.exec(text)?.[1] ?? '';
  for (const [, code, count] of listed.matchAll(/([A-Z]+) (\d+)/g)) codes[code as string] = Number(count);
  const lost = number(/Queries lost:\s+(\d+)/);
  return { completed, lost, rate: number(/Queries per second:\s+([\d.]+)/), codes };
}
