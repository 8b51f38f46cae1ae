// SPDX-License-Identifier: MPL-2.0
// Invariant 6: a compiled policy gives the answer of Cerbos for every question. Sets of policies are generated, given to a
// real Cerbos, planned, compiled and run by the real interpreter; CheckResources says what is right.

import { askedInOrder } from '../../src/plugins/policies/actions.js';
import { type Asked, compile, terminalOf } from '../../src/plugins/policies/compile/compile.js';
import { Refused } from '../../src/plugins/policies/compile/refused.js';
import { SectionWriter } from '../../src/plugins/policies/compile/section.js';
import { nameText } from '../../src/plugins/policies/name.js';
import type { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { check, checkBatch, plan } from '../../src/plugins/policies/pdp/pdp.js';
import { qtypeText } from '../../src/plugins/policies/qtypes.js';
import { factsOf, parseSource } from '../../src/plugins/policies/source.js';
import { listNames } from './conditions.js';
import { generateClient, generateName, generateType, pick, type Random } from './names.js';
import { type GeneratedSet, generateSet, generateSimple } from './policies.js';
import type { ProgramTool, ToolQuestion } from './program-tool.js';

export interface Tally {
  /** Questions answered by a program. */
  cases: number;
  /** How often each action was the answer. */
  actions: Map<string, number>;
  /** How often each sort of odd name was asked about, on the wire. */
  names: Map<string, number>;
  /** By operator: role's programs that were compiled, and that were refused. */
  operators: Map<string, { compiled: number; refused: number }>;
  /** Why, and how often. */
  refusals: Map<string, number>;
  differences: string[];
}

export const newTally = (): Tally => ({
  cases: 0,
  actions: new Map(),
  names: new Map(),
  operators: new Map(),
  refusals: new Map(),
  differences: [],
});

const lists = new Map(listNames.map((name, id) => [name, id]));
export const otherwise = 'refused';

interface Program {
  roles: string[];
  id: number;
}

/**
 * One set of policies, asked about `questions` times.
 * @param compiledOtherwise what programs do when nothing is granted: another action makes them wrong
 * @throws Error when the set itself is refused by Cerbos
 */
export async function round(
  random: Random,
  pdp: EmbeddedPdp,
  tool: ProgramTool,
  questions: number,
  tally: Tally,
  compiledOtherwise = otherwise,
): Promise<void> {
  const set = anySet(random);
  await load(pdp, set);
  const sources = set.policies.map(({ id, text }) => parseSource(id, text));
  const facts = factsOf(sources);
  const actions = askedInOrder(facts.actions);
  const number = new Map(actions.map((action, id) => [action, id]));
  const writer = new SectionWriter((end) => terminalOf(end, (action) => number.get(action) as number));
  const plans = await planned(pdp, set.roles, actions, tally, set);
  const programs: Program[] = [];
  for (const roles of roleSets(random, [...plans.keys()])) {
    const asked: Asked[] = actions.map((action) => ({
      action,
      roles: roles.map((role) => ({ role, plan: plans.get(role)?.get(action) ?? 'never' })),
    }));
    try {
      const id = programs.length;
      writer.set(id, compile(asked, compiledOtherwise, { lists, ...facts }));
      programs.push({ roles, id });
      if (roles.length === 1) count(tally, set, roles[0] as string, 'compiled');
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (roles.length === 1) count(tally, set, roles[0] as string, 'refused', error);
    }
  }
  if (programs.length === 0) return;
  await tool.open(writer.bytes(lists.size, { planned: 0, until: 0 }), {
    roleSets: programs.length,
    lists: lists.size,
    actions: actions.length,
  });
  await compare(random, pdp, tool, set, programs, actions, questions, tally);
}

export const anySet = (random: Random): GeneratedSet =>
  random() < 0.3 ? generateSimple(random, Math.floor(random() * 64), 16) : generateSet(random, 12);

/** @throws Error when Cerbos refuses them */
export async function load(pdp: EmbeddedPdp, { policies }: GeneratedSet): Promise<void> {
  const bad = await pdp.load(policies);
  if (!bad) return;
  const texts = policies.map((each) => each.text).join('\n');
  throw new Error(`Cerbos refused ${[...bad.values()].join('; ')}: ${texts}`);
}

export function count(
  tally: Tally,
  set: GeneratedSet,
  role: string,
  what: 'compiled' | 'refused',
  error?: Refused,
): void {
  for (const operator of set.simple ? (set.operators.get(role) ?? []) : []) {
    const row = tally.operators.get(operator) ?? { compiled: 0, refused: 0 };
    row[what]++;
    tally.operators.set(operator, row);
  }
  if (error) tally.refusals.set(error.message, (tally.refusals.get(error.message) ?? 0) + 1);
}

export async function planned(
  pdp: EmbeddedPdp,
  roles: string[],
  actions: string[],
  tally: Tally,
  set: GeneratedSet,
) {
  const plans = new Map<string, Map<string, Awaited<ReturnType<typeof plan>>>>();
  await Promise.all(
    roles.map(async (role) => {
      try {
        const own = await Promise.all(
          actions.map(async (action) => [action, await plan(pdp.client, role, action)] as const),
        );
        plans.set(role, new Map(own));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        count(tally, set, role, 'refused', error);
      }
    }),
  );
  return new Map([...plans].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every role by itself, then some together. */
export function roleSets(random: Random, roles: string[]): string[][] {
  const together = Array.from({ length: 6 }, () =>
    [...new Set([pick(random, roles), pick(random, roles), pick(random, roles)])].sort(),
  );
  return roles.length === 0
    ? []
    : [...roles.map((role) => [role]), ...together.filter((each) => each.length > 1)];
}

async function compare(
  random: Random,
  pdp: EmbeddedPdp,
  tool: ProgramTool,
  set: GeneratedSet,
  programs: readonly Program[],
  actions: string[],
  questions: number,
  tally: Tally,
): Promise<void> {
  const each = Math.min(checkBatch, Math.max(4, Math.ceil(questions / programs.length)));
  const all = programs.map(({ id }) => Array.from({ length: each }, () => question(random, id, set.hints)));
  const answers = await tool.ask(all.flat());
  const granted = await Promise.all(
    programs.map(({ roles, id }) =>
      check(pdp.client, roles, actions, (all[id] as ToolQuestion[]).map(attributes)),
    ),
  );
  for (const { roles, id } of programs) {
    for (let i = 0; i < each; i++) {
      const asked = (all[id] as ToolQuestion[])[i] as ToolQuestion;
      const may = (granted[id] as Set<string>[])[i] as Set<string>;
      const expected = actions.find((action) => may.has(action)) ?? otherwise;
      const answer = answers[id * each + i];
      const got = answer?.result === 0 ? actions[answer.action] : `result ${answer?.result}`;
      const { qname, client } = attributes(asked);
      tally.cases++;
      tally.actions.set(expected, (tally.actions.get(expected) ?? 0) + 1);
      if (got === expected && answer?.qname === qname && answer.client === client) continue;
      tally.differences.push(
        `${JSON.stringify(attributes(asked))} as ${roles}: ${got} (${answer?.qname} ${answer?.client}), Cerbos ${expected}\n${set.policies.map((policy) => policy.text).join('\n')}`,
      );
    }
  }
}

function question(random: Random, roleSet: number, hints: readonly string[]): ToolQuestion {
  return {
    roleSet,
    type: generateType(random),
    client: generateClient(random),
    name: generateName(random, hints),
    lists: [...lists.values()].filter(() => random() < 0.3),
  };
}

const byId = [...lists.keys()];
const attributes = ({ name, type, client, lists: ids }: ToolQuestion) => ({
  qname: nameText(name),
  qtype: qtypeText(type),
  client,
  lists: ids.map((id) => byId[id] as string).sort(),
});

/** Shares by operator, as lines. */
export function shares(tally: Tally): string[] {
  return [...tally.operators]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([operator, { compiled, refused }]) => {
      const share = ((100 * compiled) / (compiled + refused)).toFixed(0);
      return `${share.padStart(4)} %  ${operator} (${compiled} of ${compiled + refused})`;
    });
}
