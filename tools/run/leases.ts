// SPDX-License-Identifier: MPL-2.0
// Changes of leases as the host of `make run` (host.ts) writes them down, from its beginning and as they come.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../../src/host/store/store.js';

export const leasesFile = (directory: string): string => join(directory, 'leases.ndjson');

/** ms */
const lookEvery = 50;

/** A Buffer as JSON has it. */
interface BytesJson {
  type: 'Buffer';
  data: number[];
}

export function parseChange(line: string): Change {
  const change = JSON.parse(line) as Change;
  if (change.type === 'put')
    change.entry.value = Buffer.from((change.entry.value as unknown as BytesJson).data);
  return change;
}

/** Calls `show` for every change, until the returned function is called. */
export function followLeases(directory: string, show: (change: Change) => void): () => void {
  const file = leasesFile(directory);
  const chunk = Buffer.alloc(65_536);
  let fd: number | undefined;
  let rest = '';
  const look = () => {
    if (fd === undefined && existsSync(file)) fd = openSync(file, 'r');
    if (fd === undefined) return;
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk))
      rest += chunk.toString('latin1', 0, read);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) show(parseChange(line));
  };
  const timer = setInterval(look, lookEvery);
  return () => {
    clearInterval(timer);
    if (fd !== undefined) closeSync(fd);
  };
}
