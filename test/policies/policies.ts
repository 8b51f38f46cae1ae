// SPDX-License-Identifier: MPL-2.0
// Sets of policies out of generated conditions: one resource policy with rules for several roles, variables, constants,
// derived roles, denials, and conditions of all, any and none.
import type { PolicyText } from '../../src/plugins/policies/pdp/pdp.js';
import { type Condition, generateCondition, type Template, templates } from './conditions.js';
import { below, pick, type Random } from './names.js';

export interface GeneratedSet {
  policies: PolicyText[];
  roles: string[];
  /** By role, what its rules are made of. */
  operators: Map<string, string[]>;
  hints: string[];
  /** Whether every role has one rule, whose condition is one operator: what shares are told of. */
  simple: boolean;
}

type Match = { expr: string } | { [of in 'all' | 'any' | 'none']?: { of: Match[] } };

interface Made {
  match: Match;
  operators: string[];
  hints: string[];
}

function leaf({ cel, operators, hints }: Condition): Made {
  return { match: { expr: cel }, operators, hints };
}

function generateMatch(random: Random, negates: boolean, depth = 0): Made {
  if (depth > 1 || random() < 0.75) return leaf(generateCondition(random));
  const of = pick(random, negates ? (['all', 'any', 'none'] as const) : (['all', 'any'] as const));
  const inner = Array.from({ length: 1 + below(random, 3) }, () => generateMatch(random, negates, depth + 1));
  return {
    match: { [of]: { of: inner.map(({ match }) => match) } },
    operators: [...new Set([...inner.flatMap((each) => each.operators), of])],
    hints: inner.flatMap((each) => each.hints),
  };
}

const others = ['nxdomain', 'nodata', 'refused', 'drop', 'truncate', 'redirect:sinkhole', 'pool:filtered'];

/** One role and one rule for each of `roles` operators, from number `from` on. */
export function generateSimple(random: Random, from: number, roles: number): GeneratedSet {
  const all = Object.keys(templates);
  const operators = new Map<string, string[]>();
  const hints: string[] = [];
  const rules = Array.from({ length: roles }, (_, i) => {
    const operator = all[(from + i) % all.length] as string;
    const [cel, more = []] = pick(random, templates[operator] as Template[])(random);
    operators.set(`r${i}`, [operator]);
    hints.push(...more);
    return {
      actions: ['allow'],
      effect: 'EFFECT_ALLOW',
      roles: [`r${i}`],
      condition: { match: { expr: cel } },
    };
  });
  return { policies: texts(rules, [], {}), roles: [...operators.keys()], operators, hints, simple: true };
}

/** A role for each action, that it is granted for nearly every name. */
export function everyAction(): GeneratedSet {
  const roles = ['allow', ...others].map((_, i) => `r${i}`);
  const rules = ['allow', ...others].map((action, i) => ({
    actions: [action],
    effect: 'EFFECT_ALLOW',
    roles: [`r${i}`],
    condition: { match: { expr: 'R.attr.qname != "a.example"' } },
  }));
  return { policies: texts(rules, [], {}), roles, operators: new Map(), hints: ['a.example'], simple: false };
}

/** @param roles how many */
export function generateSet(random: Random, roles: number): GeneratedSet {
  // Without any, every `not` of a plan is CEL's, and what may fail below one can be compiled.
  const negates = random() < 0.6;
  const rules: object[] = [];
  const definitions: object[] = [];
  const locals: Record<string, string> = {};
  const operators = new Map<string, string[]>();
  const hints: string[] = [];
  const names = Array.from({ length: roles }, (_, i) => `r${i}`);
  const rule = (role: string, actions: string[], effect: string) => {
    const made = generateMatch(random, negates);
    operators.set(role, [...new Set([...(operators.get(role) ?? []), ...made.operators])]);
    hints.push(...made.hints);
    let match = made.match;
    if ('expr' in match && random() < 0.15) {
      const name = `v${Object.keys(locals).length}`;
      locals[name] = (match as { expr: string }).expr;
      match = { expr: `V.${name}` };
    }
    const condition = { condition: { match } };
    if (random() < 0.12 && effect === 'EFFECT_ALLOW') {
      const name = `d_${role}_${rules.length}`;
      definitions.push({ name, parentRoles: [role], ...condition });
      rules.push({ actions, effect, derivedRoles: [name] });
    } else rules.push({ actions, effect, roles: [role], ...condition });
  };
  for (const role of names) {
    rule(role, random() < 0.1 ? ['*'] : ['allow'], 'EFFECT_ALLOW');
    if (random() < 0.2) rule(role, ['allow'], 'EFFECT_ALLOW');
    if (negates && random() < 0.4) rule(role, ['allow'], 'EFFECT_DENY');
    if (random() < 0.3) rule(role, [pick(random, others)], 'EFFECT_ALLOW');
    if (negates && random() < 0.1) rule(role, [pick(random, others)], 'EFFECT_DENY');
  }
  const policies = [...texts(rules, definitions, locals)];
  // What these do not allow they deny, so there are none where nothing may be denied.
  for (const [i, role] of names.entries()) {
    if (!negates || random() > 0.15) continue;
    const made = [generateMatch(random, true), generateMatch(random, true)];
    hints.push(...made.flatMap((each) => each.hints));
    operators.set(role, [...(operators.get(role) ?? []), 'role policy']);
    policies.push(rolePolicy(random, role, names.slice(0, i), made));
  }
  return { policies, roles: names, operators, hints, simple: false };
}

/** @param above roles that may be its parents */
function rolePolicy(random: Random, role: string, above: string[], made: readonly Made[]): PolicyText {
  const parents = above.length > 0 && random() < 0.4 ? [pick(random, above)] : [];
  const rules = made.map(({ match }) => ({
    resource: random() < 0.85 ? 'dns_query' : 'other',
    allowActions: random() < 0.2 ? ['*'] : ['allow', ...(random() < 0.5 ? [pick(random, others)] : [])],
    ...(random() < 0.85 && { condition: { match } }),
  }));
  const rolePolicy = {
    role,
    version: 'default',
    ...(parents.length > 0 && { parentRoles: parents }),
    rules,
  };
  return { id: `role-${role}`, text: JSON.stringify({ apiVersion: 'api.cerbos.dev/v1', rolePolicy }) };
}

function texts(rules: object[], definitions: object[], locals: Record<string, string>): PolicyText[] {
  // Variables of derived roles are their own: conditions that were moved there are no variables.
  const derived = JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    derivedRoles: { name: 'generated', definitions, variables: { local: locals } },
  });
  const resource = JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource: 'dns_query',
      version: 'default',
      ...(definitions.length > 0 ? { importDerivedRoles: ['generated'] } : {}),
      ...(Object.keys(locals).length > 0 ? { variables: { local: locals } } : {}),
      rules,
    },
  });
  return [
    { id: 'resource', text: resource },
    ...(definitions.length > 0 ? [{ id: 'derived', text: derived }] : []),
  ];
}
