// SPDX-License-Identifier: MPL-2.0
// Following a prefix the way a plugin does, and what such a follower saw.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Change, Follow, Store } from '../../src/host/store/store.js';

export interface Followed {
  /** What the follower would believe: key to value. */
  state: Map<string, string>;
  snapshots: number;
  changes: Change[];
  errors: Error[];
  revision: number;
  follow: Follow;
  /** Resolves when the state is this; throws after `timeout` ms. */
  becomes(expected: Record<string, string>, timeout?: number): Promise<void>;
}

/** Follows a prefix the way a plugin does, and checks the order of what it is told. */
export function followed(store: Store, prefix: string): Followed {
  const state = new Map<string, string>();
  let busy = false;
  const alone = async (work: () => void) => {
    assert.not(busy, 'two calls at a time');
    busy = true;
    await wait(1);
    work();
    busy = false;
  };
  const seen: Followed = {
    state,
    snapshots: 0,
    changes: [],
    errors: [],
    revision: 0,
    follow: store.follow(prefix, {
      snapshot: (entries, revision) =>
        alone(() => {
          state.clear();
          for (const { key, value } of entries) state.set(key, value.toString());
          seen.snapshots++;
          seen.revision = revision;
        }),
      change: (changes, revision) =>
        alone(() => {
          assert.ok(seen.snapshots > 0, 'a change before the snapshot');
          for (const change of changes) {
            if (change.type === 'put') state.set(change.entry.key, change.entry.value.toString());
            else state.delete(change.key);
          }
          seen.changes.push(...changes);
          seen.revision = revision;
        }),
      error: (error) => {
        seen.errors.push(error);
      },
    }),
    async becomes(expected, timeout = 15_000) {
      const want = JSON.stringify(Object.entries(expected).sort());
      const end = performance.now() + timeout;
      while (JSON.stringify([...state.entries()].sort()) !== want) {
        if (performance.now() > end) assert.equal(Object.fromEntries(state), expected);
        await wait(5);
      }
    },
  };
  return seen;
}
