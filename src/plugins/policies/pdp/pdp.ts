// SPDX-License-Identifier: MPL-2.0
// The policy decision point: what is asked of it, whoever runs it.
import type { GRPC } from '@cerbos/grpc';
import type { Plan } from '../compile/compile.js';
import { fromPlan, type PlanOperand } from '../compile/expression.js';
import { Refused } from '../compile/refused.js';

/** A policy as it stands in the store. */
export interface PolicyText {
  /** Below policies/ in the store. */
  id: string;
  /** YAML or JSON. */
  text: string;
}

export interface QueryAttributes {
  qname: string;
  qtype: string;
  client: string;
  lists: string[];
}

/** gRPC's status INTERNAL. */
const internalError = 13;

export const resourceKind = 'dns_query';
/** A policy of our own says which set of policies the decision point has: see files.ts. */
export const markKind = 'nnoe_generation';
const principal = (roles: string[]) => ({ id: 'client', roles });

/**
 * What one role may do, before anything is known of the query.
 * @throws Refused when the plan reads what is no attribute; what the transport throws
 */
export async function plan(client: GRPC, role: string, action: string): Promise<Plan> {
  const request = { principal: principal([role]), resource: { kind: resourceKind }, action };
  let answer: Awaited<ReturnType<GRPC['planResources']>>;
  try {
    answer = await client.planResources(request);
  } catch (error) {
    // Conditions that Cerbos evaluates, and that its planner does not know what to make of.
    if (error instanceof Error && 'code' in error && error.code === internalError) {
      throw new Refused('plan', `Cerbos cannot make a plan of what ${role} may do for ${action}`);
    }
    throw error;
  }
  if (answer.kind === 'KIND_ALWAYS_ALLOWED') return 'always';
  if (answer.kind === 'KIND_ALWAYS_DENIED') return 'never';
  return fromPlan((answer as { condition: PlanOperand }).condition);
}

/** Cerbos takes at most so many resources in one request. */
export const checkBatch = 50;

/** Cerbos does not have the policies that it was given, or others by now. */
export class OtherPolicies extends Error {
  override name = 'OtherPolicies';
}

export interface CheckOptions {
  signal?: AbortSignal;
  /** Asked with the queries, and counted as one: what shows that Cerbos has the policies that it was given. */
  mark?: string;
}

/**
 * Which of `actions` are granted, for each query; at most checkBatch queries.
 * @throws OtherPolicies; what the transport throws
 */
export async function check(
  client: Pick<GRPC, 'checkResources'>,
  roles: string[],
  actions: string[],
  queries: readonly QueryAttributes[],
  { signal, mark }: CheckOptions = {},
): Promise<Set<string>[]> {
  const resources = queries.map((query, i) => ({
    // Ids have to differ within a request; policies that read R.id are refused by the linter.
    resource: {
      kind: resourceKind,
      id: queries.length === 1 ? 'query' : `query${i}`,
      attr: { ...query },
    },
    actions,
  }));
  const marks =
    mark === undefined ? [] : [{ resource: { kind: markKind, id: 'mark', attr: {} }, actions: [mark] }];
  const answer = await client.checkResources(
    { principal: principal(roles), resources: [...resources, ...marks] },
    signal ? { signal } : {},
  );
  const results = answer.results.slice(0, queries.length);
  if (mark !== undefined && answer.results.at(-1)?.isAllowed(mark) !== true)
    throw new OtherPolicies('Cerbos has other policies than those that it was given');
  return results.map((result) => new Set(actions.filter((action) => result.isAllowed(action) === true)));
}
