// SPDX-License-Identifier: MPL-2.0
// perfdhcp (Kea's own load generator) against a server on loopback, and its report as numbers. One at a time
// for each server.
import type { Kea } from './kea.js';
import { type Proc, start } from './process.js';

export interface LoadOptions {
  /** Exchanges started per second; default as fast as it goes. */
  rate?: number;
  /** How many different clients. */
  clients?: number;
  /** s; 0: until stopped. */
  seconds: number;
  /** Renewals and releases per second; together at most `rate`. */
  renews?: number;
  releases?: number;
  /** v6 only. */
  leases?: 'address-only' | 'prefix-only' | 'address-and-prefix';
  /** First client's MAC; distinct loads need distinct ones. */
  mac?: string;
  /** s without an answer after which a packet counts as dropped; default 2. */
  dropTime?: number;
  /** ms to wait for late answers at the end; default 200. */
  wait?: number;
  /** Further options of perfdhcp, such as `-n` or `-x`. */
  args?: readonly string[];
}

export interface Exchange {
  sent: number;
  received: number;
  drops: number;
  /** ms; NaN when nothing was received. */
  averageDelay: number;
  maxDelay: number;
}

export interface Report {
  /** Four-way exchanges per second that were completed. */
  rate: number;
  exchanges: Record<string, Exchange>;
  sent: number;
  drops: number;
}

export interface Load {
  readonly proc: Proc;
  /** Resolves with the report when it has ended by itself. */
  finished(): Promise<Report>;
  /** Ends it now (SIGINT makes perfdhcp report). */
  stop(): Promise<Report>;
}

let counter = 0;

export function load(kea: Kea, options: LoadOptions): Load {
  const proc = start({
    name: `perfdhcp${kea.family}-${counter++}`,
    command: 'perfdhcp',
    args: commandLine(kea, options),
    directory: kea.at.directory,
  });
  const report = async (timeout: number): Promise<Report> => {
    const exit = await proc.ended(timeout);
    // Status 3: some packet had no answer, which with releases in DHCPv4 is always so.
    if (exit.code !== 0 && exit.code !== 3)
      throw new Error(`perfdhcp: ${JSON.stringify(exit)}\n${proc.output()}`);
    return parseReport(proc.output());
  };
  return {
    proc,
    finished: () => report((options.seconds + 30) * 1000),
    stop: () => {
      proc.signal('SIGINT');
      return report(10_000);
    },
  };
}

function commandLine(kea: Kea, o: LoadOptions): string[] {
  const args = kea.family === 4 ? ['-4'] : ['-6', '-A', '1', '-e', o.leases ?? 'address-only'];
  args.push('-l', 'lo', '-N', String(kea.port), '-L', String(kea.clientPort));
  if (o.rate) args.push('-r', String(o.rate));
  if (o.clients) args.push('-R', String(o.clients));
  if (o.seconds) args.push('-p', String(o.seconds));
  if (o.renews) args.push('-f', String(o.renews));
  if (o.releases) args.push('-F', String(o.releases));
  if (o.mac) args.push('-b', `mac=${o.mac}`);
  const dropTime = String(o.dropTime ?? 2);
  args.push('-d', dropTime, '-d', dropTime);
  args.push('-W', String((o.wait ?? 200) * 1000), ...(o.args ?? []));
  args.push(kea.family === 4 ? '127.0.0.1' : '::1');
  return args;
}

export function parseReport(text: string): Report {
  const exchanges: Record<string, Exchange> = {};
  const sections = text.split(/\*\*\*Statistics for: (.+?)\*\*\*/);
  for (let i = 1; i + 1 < sections.length; i += 2) {
    const body = sections[i + 1] as string;
    const number = (pattern: RegExp) => Number(pattern.exec(body)?.[1] ?? Number.NaN);
    exchanges[sections[i] as string] = {
      sent: number(/sent packets: (\d+)/),
      received: number(/received packets: (\d+)/),
      drops: number(/drops: (\d+)/),
      averageDelay: number(/avg delay: ([\d.]+) ms/),
      maxDelay: number(/max delay: ([\d.]+) ms/),
    };
  }
  if (Object.keys(exchanges).length === 0) throw new Error(`perfdhcp made no report:\n${text}`);
  // A DHCPv4 release has no answer, so perfdhcp calls every one of them dropped; and now and then it renews a
  // lease that it has released, which Kea leaves unanswered.
  const counted = Object.entries(exchanges).filter(([name]) => !/RELEASE|renewal|RENEW/.test(name));
  return {
    rate: Number(/Rate: ([\d.]+)/.exec(text)?.[1] ?? Number.NaN),
    exchanges,
    sent: counted.reduce((n, [, e]) => n + e.sent, 0),
    drops: counted.reduce((n, [, e]) => n + e.drops, 0),
  };
}
