// SPDX-License-Identifier: MPL-2.0
// Asking for a walk over Kea's lease database, and telling how it goes until every plugin is through with it.
import { setTimeout as wait } from 'node:timers/promises';
import type { Source } from '../streams/source.js';
import type { ResyncLine } from './api.js';
import type { Lines } from './lines.js';
import { helpOf } from './refusal.js';

/** How often progress is looked at while somebody waits for it, ms. */
const lookEvery = 100;

type WalkLine = Extract<ResyncLine, { type: 'walk' }>;

/** @param waits until the walks are complete; else it ends when they were asked for. */
export async function resync(sources: readonly Source[], waits: boolean, lines: Lines): Promise<void> {
  const began = performance.now();
  const watched = sources.map((source) => new Watched(source));
  for (;;) {
    const seconds = Math.round(performance.now() - began) / 1000;
    for (const each of watched) {
      const line = each.look(seconds);
      if (line !== undefined) await lines.line(line);
    }
    const settled = watched.every(({ state }) => state === 'done' || state === 'refused');
    if (settled || !waits) {
      const complete = watched.every(({ state }) => state === 'done');
      await lines.line({ type: 'end', complete } satisfies ResyncLine);
      return;
    }
    await wait(lookEvery, undefined, { signal: lines.signal });
  }
}

class Watched {
  state: WalkLine['state'] = 'asked';
  #told = '';
  /** The walk that counts begins after this. */
  readonly #after: number | undefined;

  constructor(readonly source: Source) {
    this.#after = source.requestWalk();
    if (this.#after === undefined) this.state = 'refused';
  }

  /** What there is to tell since the last look. */
  look(seconds: number): WalkLine | undefined {
    const { source } = this;
    if (this.state === 'done') return undefined;
    const walk = source.walk();
    if (this.#after === undefined || walk === undefined) {
      const { code, reason } = source.health(false);
      const help = helpOf(code);
      return this.#tell({
        type: 'walk',
        source: source.name,
        state: 'refused',
        leases: 0,
        seconds,
        ...(code === undefined ? {} : { code }),
        reason,
        ...(help === undefined ? {} : { help }),
      });
    }
    const { last } = walk;
    const through = last !== undefined && last.begin > this.#after;
    const leases = through ? last.leases : (walk.leases ?? 0);
    let state: WalkLine['state'] = walk.leases === undefined ? 'asked' : 'walking';
    if (through) state = source.passed(last.end) ? 'done' : 'settling';
    return this.#tell({ type: 'walk', source: source.name, state, leases, seconds });
  }

  #tell(line: WalkLine): WalkLine | undefined {
    this.state = line.state;
    const told = `${line.state} ${line.leases}`;
    if (told === this.#told) return undefined;
    this.#told = told;
    return line;
  }
}
