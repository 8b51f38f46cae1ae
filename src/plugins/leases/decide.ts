// SPDX-License-Identifier: MPL-2.0
// Whose value stands: asked when a key is not as this node left it. Pure; the whole ownership rule is here.
import type { Stored } from './stored.js';

export interface Claim {
  kind: 'put' | 'remove';
  node: string;
  seq: number;
  cltt: number;
  /** Who holds or held the lease; see identityOf in value.ts. Empty: not known, or a declined address. */
  identity: string;
  /** A removal of whoever's lease it is. */
  anyone?: boolean;
}

/**
 * - `write`: go on, against the revision that was found;
 * - `done`: it is there already, an answer was lost;
 * - `skip`: what stands is right, or not ours to touch.
 */
export type Verdict = 'write' | 'done' | 'skip';

export function decide(claim: Claim, current: Stored | undefined): Verdict {
  if (current === undefined) return claim.kind === 'put' ? 'write' : 'skip';
  const own = current.node === claim.node;
  if (own && current.seq > claim.seq) return 'skip';
  if (own && current.seq === claim.seq) return 'done';
  if (claim.kind === 'remove') return removal(claim, current, own);
  if (own) return 'write';
  // A value without a node comes from the original's agents, which do not contend for keys.
  if (current.node === undefined) return claim.cltt >= current.cltt ? 'write' : 'skip';
  return claim.cltt > current.cltt ? 'write' : 'skip';
}

/** Only a lease of the same client goes, unless whoever's is meant; another node's only when it is not newer. */
function removal(claim: Claim, current: Stored, own: boolean): Verdict {
  if (claim.anyone) return own || claim.cltt > current.cltt ? 'write' : 'skip';
  if (claim.identity !== current.identity) return 'skip';
  return own || claim.cltt >= current.cltt ? 'write' : 'skip';
}
