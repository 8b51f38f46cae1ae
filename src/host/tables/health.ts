// SPDX-License-Identifier: MPL-2.0
// How tables are: what is published, and what every dnsdist says that it has of it.
import { NnoeError } from '../errors.js';
import type { BridgeStatus } from './native.js';

export interface TablesHealth {
  state: 'ok' | 'starting' | 'degraded';
  code?: string;
  reason: string;
  directory: string;
  /** 0: nothing was published. */
  generation: number;
  /** When it was made, since 1970; 0: never. */
  createdUs: number;
  /** Bytes by section. */
  sections: Record<string, number>;
  /** Whether something is to be published. */
  waiting: boolean;
  /** How long the oldest of that has waited, s; 0: nothing waits. */
  waitedSeconds: number;
  bridges: readonly BridgeStatus[];
}

/** s; what takes longest is a base of millions of names, which is built within seconds. */
const longestWait = 120;

/** What changed and is not published, though nothing says why not. @param building bases that are. */
export function stuckTrouble(waited: number, building: readonly string[]): NnoeError | undefined {
  if (waited <= longestWait) return undefined;
  const reason = building.length > 0 ? `still being built: ${building.join(', ')}` : 'it is being written';
  return new NnoeError('TABLES_STUCK', { seconds: Math.round(waited), reason });
}

/** The first dnsdist that refuses what it was given, or does not come after. */
export function bridgeTrouble(bridges: readonly BridgeStatus[]): NnoeError | undefined {
  const refusing = bridges.find(({ refuses }) => refuses);
  if (refusing === undefined) return lagTrouble(bridges);
  const { pid, generation, reason } = refusing;
  const refused = refusing.refused || 'that is there';
  return new NnoeError('TABLES_REFUSED', { pid, refused, generation, reason });
}

/** s; taking a generation over takes milliseconds, and a second for the largest. */
const longestLag = 5;

function lagTrouble(bridges: readonly BridgeStatus[]): NnoeError | undefined {
  const lagging = bridges.find(({ lagSeconds }) => lagSeconds > longestLag);
  if (lagging === undefined) return undefined;
  const { pid, generation, behind } = lagging;
  return new NnoeError('TABLES_LAG', { pid, generation, behind, seconds: Math.round(lagging.lagSeconds) });
}
