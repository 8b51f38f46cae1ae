// SPDX-License-Identifier: MPL-2.0
// What follow-host.ts writes down, one JSON object a line.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Call } from '../../test/lib/told.js';

/** One call of the plugin's handlers; `entries` of a snapshot, `changes` otherwise. */
export interface Told {
  /** When the handler was called, us since 1970. */
  at: number;
  revision: number;
  entries?: [key: string, revision: number][];
  changes?: [key: string, revision: number, deleted: boolean][];
}

export async function readTold(file: string): Promise<Told[]> {
  const told: Told[] = [];
  for await (const line of createInterface({ input: createReadStream(file) }))
    told.push(JSON.parse(line) as Told);
  return told;
}

export const asCall = ({ revision, entries, changes = [] }: Told): Call =>
  entries !== undefined
    ? { kind: 'snapshot', revision, entries: entries.map(([key, at]) => ({ key, revision: at })) }
    : {
        kind: 'change',
        revision,
        changes: changes.map(([key, at, deleted]) => ({ key, revision: at, deleted })),
      };
