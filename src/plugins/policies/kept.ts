// SPDX-License-Identifier: MPL-2.0
// What outlives the host: the policies that were good last, since when each is in force, and their plans. With the plans
// a client with roles that nobody had before is decided about also while Cerbos is away.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from '../../host/plugin.js';
import type { Expr, Value } from './compile/expression.js';
import { Refused } from './compile/refused.js';
import { readPolicies, setOf, writePolicies } from './pdp/files.js';
import type { PolicyText } from './pdp/pdp.js';
import type { KeptPlan } from './plans.js';

export interface KeptPolicy extends PolicyText {
  /** ms since 1970; undefined: not known. */
  since?: number | undefined;
}

export interface Kept {
  policies: KeptPolicy[];
  /** Of these policies; none when there are none that fit them. */
  plans: KeptPlan[];
}

const value: z.ZodType<Value> = z.json();
const expression: z.ZodType<Expr> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('value'), value }),
    z.strictObject({
      kind: z.literal('attribute'),
      name: z.enum(['qname', 'qtype', 'client', 'lists']),
    }),
    z.strictObject({ kind: z.literal('variable'), name: z.string() }),
    z.strictObject({ kind: z.literal('call'), operator: z.string(), operands: z.array(expression) }),
    z.strictObject({
      kind: z.literal('lambda'),
      bodies: z.array(expression),
      variables: z.array(z.string()),
    }),
  ]),
);
const refused = z.strictObject({ refused: z.tuple([z.string(), z.string()]) });
const document = z.strictObject({
  /** Policies that the plans are of, as setOf has it. */
  set: z.string(),
  since: z.record(z.string(), z.number()),
  plans: z.array(
    z.tuple([z.string(), z.string(), z.union([z.enum(['always', 'never']), refused, expression])]),
  ),
});

const policiesIn = (directory: string): string => join(directory, 'good');
const plansIn = (directory: string): string => join(directory, 'plans.json');

export function keep(directory: string, { policies, plans }: Kept): void {
  const written: z.infer<typeof document> = {
    set: setOf(policies),
    since: Object.fromEntries(
      policies.flatMap(({ id, since }) => (since === undefined ? [] : [[id, since]])),
    ),
    plans: plans.map(([role, action, planned]) => [
      role,
      action,
      planned instanceof Refused ? { refused: [planned.operator, planned.message] } : planned,
    ]),
  };
  const text = JSON.stringify(written);
  const file = plansIn(directory);
  // The same is kept again with every minute of the clock.
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePolicies(policiesIn(directory), policies);
  writeFileSync(`${file}.tmp`, text, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** What keep() wrote; plans that are damaged, or of other policies, count as none. */
export function readKept(directory: string): Kept {
  const policies = readPolicies(policiesIn(directory));
  const found = plansOf(plansIn(directory));
  if (found?.set !== setOf(policies)) return { policies, plans: [] };
  return {
    policies: policies.map((each) => ({ ...each, since: found.since[each.id] })),
    plans: found.plans.map(([role, action, planned]): KeptPlan => {
      const isRefused = typeof planned === 'object' && 'refused' in planned;
      return [role, action, isRefused ? new Refused(...planned.refused) : planned];
    }),
  };
}

function plansOf(file: string): z.infer<typeof document> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return document.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
