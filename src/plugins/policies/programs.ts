// SPDX-License-Identifier: MPL-2.0
// The programs section for all sets of roles, out of the plans of their roles.
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { RoleSet } from '../../host/plugin.js';
import { type Asked, compile, terminalOf } from './compile/compile.js';
import { type Expr, reads } from './compile/expression.js';
import { Refused } from './compile/refused.js';
import { type Entry, SectionWriter } from './compile/section.js';
import type { PolicyText } from './pdp/pdp.js';
import type { Plans } from './plans.js';
import { factsOf, type PolicySource } from './source.js';

export interface ProgramsInput {
  /** Policies as they are in force, and as they were read. */
  texts: readonly PolicyText[];
  sources: readonly PolicySource[];
  plans: Plans;
  roleSets: readonly RoleSet[];
  lists: ReadonlyMap<string, number>;
  /** What a set of roles does when nothing is granted. */
  otherwise(roles: readonly string[]): string;
  /** What it does until Cerbos has answered; undefined: it must be compiled. */
  onMiss(roles: readonly string[]): string | undefined;
  /** @throws when there is no such action */
  action(text: string): number;
}

export interface Programs {
  section: Buffer;
  compiled: number;
  asked: number;
  instructions: number;
  /** What is asked of Cerbos query by query; undefined: nothing is. */
  fallback: Fallback | undefined;
}

export interface Fallback {
  /** Stands for everything that an answer depends on beside the query: the same number, the same answers. */
  basis: bigint;
  /** Sets of roles, by number. */
  roles: ReadonlyMap<number, readonly string[]>;
  lists: ReadonlyMap<string, number>;
  /** In the order in which they are asked. */
  actions: readonly string[];
  /** Numbers of all that can come of it. */
  numbers: ReadonlyMap<string, number>;
}

/** What cannot be compiled, and whose doing it is. */
export class Incompilable extends Error {
  override name = 'Incompilable';
  constructor(
    readonly policies: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

/** Work in one turn of the event loop, ms. */
const turnLimit = 5;

/**
 * Roles that rules name are tried whether or not a client has them, so that a policy is good or bad when it is put.
 * @throws Incompilable; what asking Cerbos throws
 */
export async function makePrograms(input: ProgramsInput): Promise<Programs> {
  const { plans, roleSets, lists, sources } = input;
  const writer = new SectionWriter((end) => terminalOf(end, input.action));
  const options = { lists, ...factsOf(sources) };
  const made = { compiled: 0, asked: 0 };
  // Also of roles that no rule names: then plans are there for whatever roles clients get.
  await plans.all();
  const fallbacks = new Map<number, readonly string[]>();
  const alone = new Set(roleSets.flatMap(({ roles }) => (roles.length === 1 ? roles : [])));
  let due = performance.now() + turnLimit;
  const work = [
    ...roleSets.map(({ id, roles }) => ({ id, roles })),
    ...[...plans.named].filter((role) => !alone.has(role)).map((role) => ({ id: undefined, roles: [role] })),
  ];
  for (const { id, roles } of work) {
    const entry = await entryOf(roles, input, (asked) => compile(asked, input.otherwise(roles), options));
    if (id !== undefined) {
      writer.set(id, entry);
      made[entry.kind === 'program' ? 'compiled' : 'asked']++;
      if (entry.kind === 'fallback') fallbacks.set(id, roles);
    }
    if (performance.now() > due) {
      await turn();
      due = performance.now() + turnLimit;
    }
  }
  const mostLists = Math.max(0, ...[...lists.values()].map((list) => list + 1));
  const fallback = fallbackOf(fallbacks, input);
  const section = writer.bytes(mostLists, { planned: 0, until: 0 }, fallback?.basis);
  return { section, ...made, instructions: writer.size, fallback };
}

/** @throws when there is no such action as a policy may grant */
function fallbackOf(
  roles: ReadonlyMap<number, readonly string[]>,
  { plans, texts, lists, otherwise, action }: ProgramsInput,
): Fallback | undefined {
  if (roles.size === 0) return undefined;
  const { actions } = plans;
  const last = [...roles.values()].map(otherwise);
  const numbers = new Map([...actions, ...last].map((text) => [text, action(text)]));
  const policies = texts.map(({ id, text }) => [id, text]);
  const all = [policies, [...roles], [...lists].sort(), actions, last, [...numbers]];
  const basis = createHash('sha256').update(JSON.stringify(all)).digest().readBigUInt64LE(0) || 1n;
  return { basis, roles, lists, actions, numbers };
}

async function entryOf(
  roles: readonly string[],
  { plans, onMiss, action }: ProgramsInput,
  make: (asked: Asked[]) => Entry,
): Promise<Entry> {
  const asked: Asked[] = [];
  const miss = onMiss(roles);
  let refused: [reason: Refused, culprits: string[]] | undefined;
  let client = false;
  for (const each of plans.actions) {
    const granted: Asked['roles'] = [];
    for (const role of roles) {
      const plan = await plans.of(role, each);
      if (plan instanceof Refused) {
        refused ??= [plan, plans.speaking(role, each)];
        client = true;
      } else {
        granted.push({ role, plan });
        client ||= typeof plan === 'object' && reads(plan as Expr).has('client');
      }
    }
    asked.push({ action: each, roles: granted });
  }
  try {
    if (refused) throw refused[0];
    return make(asked);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (miss !== undefined) return { kind: 'fallback', client, action: action(miss) };
    const culprits = refused?.[1] ?? culpritsOf(roles, plans);
    throw new Incompilable(culprits, `it cannot be compiled for ${roles.join(', ')}: ${error.message}`);
  }
}

const culpritsOf = (roles: readonly string[], plans: Plans): string[] => [
  ...new Set(roles.flatMap((role) => plans.actions.flatMap((action) => plans.speaking(role, action)))),
];
