// SPDX-License-Identifier: MPL-2.0
// The program of a role set: its roles' plans, action by action. Cerbos judges roles one by one and the first that
// allows wins, so a role set may what one of its roles may; plans are made and kept per role.
import { type Expr, show } from './expression.js';
import { Graph } from './graph.js';
import { Lowering } from './lower.js';
import type { Entry, Terminal } from './section.js';
import type { LowerOptions } from './ways.js';

/** What one role's plan for one action says. */
export type Plan = 'always' | 'never' | Expr;

export interface Granted {
  role: string;
  plan: Plan;
}

/** One action, with what each role of the set says of it. */
export interface Asked {
  action: string;
  roles: Granted[];
}

const end = (action: string, why: string): string => JSON.stringify([action, why]);

/** What an end of a graph made here means. */
export function terminalOf(text: string, actionId: (action: string) => number): Terminal {
  const [action, why] = JSON.parse(text) as [string, string];
  return { action: actionId(action), why };
}

/**
 * @param asked in the order in which they are asked
 * @param otherwise the action when none is granted
 * @throws Refused
 */
export function compile(asked: readonly Asked[], otherwise: string, options: LowerOptions): Entry {
  const graph = new Graph();
  const lowering = new Lowering(graph, options);
  let root = graph.end(end(otherwise, `no policy grants an action; ${otherwise} is the role's default`));
  for (const { action, roles } of [...asked].reverse()) {
    for (const { role, plan } of [...roles].reverse()) {
      if (plan === 'never') continue;
      const because = (text: string) => graph.end(end(action, `${action} for role ${role}: ${text}`));
      if (plan === 'always') root = because('always');
      else {
        // Each clause says for itself that it was the one.
        for (const clause of clauses(plan).reverse()) {
          root = lowering.condition(clause, because(show(clause)), root);
        }
      }
    }
  }
  return { kind: 'program', graph, root };
}

/** Alternatives of a plan, when there are few. */
function clauses(plan: Expr): Expr[] {
  return plan.kind === 'call' && plan.operator === 'or' && plan.operands.length <= 8 ? plan.operands : [plan];
}
