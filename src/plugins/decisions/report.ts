// SPDX-License-Identifier: MPL-2.0
// What `nnoe top` is told.
import type { Ranking } from '../../host/plugin.js';

export interface DecisionsReport {
  /** Over which rankings are, s; less while the host has not run so long. */
  seconds: number;
  /** In that time; exact. */
  queries: number;
  blocked: number;
  /** Records that were lost in that time: rankings are without them. */
  lost: number;
  names: Ranking;
  clients: Ranking;
  blockedNames: Ranking;
  blockedClients: Ranking;
}
