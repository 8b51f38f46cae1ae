// SPDX-License-Identifier: MPL-2.0
// What the plugin tells operators: the document behind `nnoe policies`.
import type { PolicyState } from './candidates.js';
import type { Decider } from './pdp/decider.js';
import type { Policies } from './policies.js';
import type { InForce } from './publisher.js';
import { type PolicySource, parseSource } from './source.js';

export interface PolicyReport {
  /** Below policies/ in the store. */
  id: string;
  /** used: as it stands in the store; old: the last good text, because that one is refused. */
  state: PolicyState['state'];
  /** resourcePolicy, derivedRoles, …; empty: it is none that is known. */
  kind: string;
  /** Of its resource, or of what it defines. */
  name: string;
  /** Of a resource policy. */
  version: string;
  /** When the text that is in force came into force, RFC 3339; absent: it is not, or that is not known. */
  since?: string;
  /** Why the text in the store is not in force. */
  reasons: readonly string[];
}

export interface PoliciesReport {
  policies: readonly PolicyReport[];
  /** In force; absent: none of this start of the host, and what there was before it stays. */
  programs?: {
    /** RFC 3339. */
    since: string;
    /** By how their queries are decided. Both 0: there is no policy. */
    compiled: number;
    onMiss: number;
    /** Asked about, in this order. */
    actions: readonly string[];
    instructions: number;
  };
  /** Sets of roles without a program: their queries meet what the bridge's `fail` says. */
  unplanned: readonly { id: number; roles: readonly string[] }[];
  /** When policies are planned again because of the clock, RFC 3339; absent: none reads it. */
  plannedAgain?: string;
  pdp: {
    state: 'answers' | 'away' | 'not needed yet';
    address?: string;
    version?: string;
    reason?: string;
  };
  /** Why what is in force is not what the policies say. */
  trouble?: string;
}

/** A decision point that takes longer to say its version is away, ms. */
const patience = 2000;

export async function reportOf(of: {
  policies: Policies;
  decider: Decider | undefined;
  force: (InForce & { since: number }) | undefined;
  trouble: string | undefined;
}): Promise<PoliciesReport> {
  const { policies, decider, force, trouble } = of;
  const next = policies.nextBoundary();
  const { compiled = 0, asked: onMiss = 0, instructions = 0 } = force?.programs ?? {};
  return {
    policies: policies.states().map(policyReport),
    ...(force && {
      programs: { since: time(force.since), compiled, onMiss, actions: force.actions, instructions },
    }),
    unplanned: force ? policies.unplanned().map(({ id, roles }) => ({ id, roles })) : [],
    ...(next !== undefined && { plannedAgain: time(next) }),
    pdp: await pdpReport(decider),
    ...(trouble !== undefined && { trouble }),
  };
}

const time = (ms: number): string => new Date(ms).toISOString();

function policyReport({ id, state, reasons, text, since }: PolicyState): PolicyReport {
  const { kind, name, version }: Pick<PolicySource, 'kind' | 'name' | 'version'> = sourceOf(id, text);
  return { id, state, kind, name, version, ...(since !== undefined && { since: time(since) }), reasons };
}

function sourceOf(id: string, text: string): Pick<PolicySource, 'kind' | 'name' | 'version'> {
  try {
    return parseSource(id, text);
  } catch {
    return { kind: '', name: '', version: '' };
  }
}

async function pdpReport(decider: Decider | undefined): Promise<PoliciesReport['pdp']> {
  if (!decider) return { state: 'not needed yet' };
  const address = decider.place;
  try {
    const { version } = await decider.client.serverInfo({ signal: AbortSignal.timeout(patience) });
    return { state: 'answers', address, version };
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    const reason = late
      ? `no answer within ${patience / 1000} s`
      : error instanceof Error
        ? error.message
        : String(error);
    return { state: 'away', address, reason };
  }
}
