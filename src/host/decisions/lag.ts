// SPDX-License-Identifier: MPL-2.0
// How far each dnsdist is behind what was published, and for how long.
import type { BridgeStatus, NativeBridge } from '../tables/native.js';

export class BridgeLag {
  /** By process: the generation that it had, and since when there has been a newer one, ms. */
  readonly #behind = new Map<string, { generation: number; since: number }>();

  /** @param newest last generation that was published; 0: none. @param now monotonic ms. */
  look(bridges: readonly NativeBridge[], newest: number, now: number): BridgeStatus[] {
    const seen = new Set<string>();
    const out = bridges.map((bridge) => {
      const key = `${bridge.pid} ${bridge.startedUs}`;
      const { generation } = bridge;
      const behind = Math.max(0, newest - generation);
      if (behind === 0) return { ...bridge, behind, lagSeconds: 0 };
      seen.add(key);
      const known = this.#behind.get(key);
      const since = known?.generation === generation ? known.since : now;
      this.#behind.set(key, { generation, since });
      return { ...bridge, behind, lagSeconds: Math.round(now - since) / 1000 };
    });
    for (const key of this.#behind.keys()) if (!seen.has(key)) this.#behind.delete(key);
    return out;
  }
}
