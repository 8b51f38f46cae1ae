// SPDX-License-Identifier: MPL-2.0
// What the kernel says about a process; exact to the nanosecond where /proc/<pid>/stat has ticks of 10 ms.
import { readdirSync, readFileSync } from 'node:fs';

/** s of processor time of all threads that live now. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
    nanoseconds += Number(text.split(' ')[0]);
  }
  return nanoseconds / 1e9;
}

export interface Memory {
  /** MB resident, mapped journal segments included. */
  resident: number;
  /** MB resident that belong to no file. */
  anonymous: number;
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024;
  return { resident: field('VmRSS'), anonymous: field('RssAnon') };
}
