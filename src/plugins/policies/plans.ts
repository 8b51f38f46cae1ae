// SPDX-License-Identifier: MPL-2.0
// Plans of single roles, as one set of policies and one minute make them. Cerbos is asked about a role and an action only
// when a rule can speak of both.
import type { GRPC } from '@cerbos/grpc';
import { askedInOrder } from './actions.js';
import type { Plan } from './compile/compile.js';
import { Refused } from './compile/refused.js';
import { plan } from './pdp/pdp.js';
import type { PolicySource } from './source.js';

/** Requests under way at once. */
const most = 16;

/** Stands for every role that no rule names: they are all alike. */
export const unnamed = 'nnoe_of_no_rule';

/** A plan, or why there is none. */
export type Planned = Plan | Refused;
export type KeptPlan = [role: string, action: string, planned: Planned];

const keyOf = (role: string, action: string): string => JSON.stringify([role, action]);

export class Plans {
  /** In the order in which they are asked. */
  readonly actions: readonly string[];
  /** Roles that rules name. */
  readonly named: ReadonlySet<string>;
  private readonly known = new Map<string, Promise<Planned>>();
  private readonly parents: Map<string, string[]>;
  private readonly queue: (() => void)[] = [];
  private running = 0;

  /** @param client undefined: only what is kept is known */
  constructor(
    private readonly client: GRPC | undefined,
    private readonly sources: readonly PolicySource[],
    kept: readonly KeptPlan[] = [],
  ) {
    for (const [role, action, planned] of kept) this.known.set(keyOf(role, action), Promise.resolve(planned));
    this.actions = askedInOrder(sources.flatMap(({ rules }) => rules.flatMap((rule) => rule.actions)));
    this.parents = new Map(sources.flatMap(({ derived }) => [...derived]));
    const roles = sources.flatMap(({ kind, name, parentRoles, rules, derived }) => [
      ...(kind === 'rolePolicy' ? [name, ...parentRoles] : []),
      ...rules.flatMap((rule) => rule.roles),
      ...[...derived.values()].flat(),
    ]);
    this.named = new Set(roles.filter((role) => role !== '*'));
  }

  /** Every role there can be with every action. Rejects when Cerbos does not answer. */
  async all(): Promise<KeptPlan[]> {
    const pairs = [...this.named, unnamed].flatMap((role) =>
      this.actions.map((action) => [role, action] as const),
    );
    return await Promise.all(
      pairs.map(async ([role, action]): Promise<KeptPlan> => [role, action, await this.of(role, action)]),
    );
  }

  /** The role, and by role policies those whose rules hold for it, too. */
  private inherited(role: string): Set<string> {
    const all = new Set([role]);
    for (const each of all) {
      const policies = this.sources.filter(({ kind, name }) => kind === 'rolePolicy' && name === each);
      for (const parent of policies.flatMap(({ parentRoles }) => parentRoles)) all.add(parent);
    }
    return all;
  }

  /** Rules that may speak of the role and the action, by their number in their policy. */
  rules(role: string, action: string): { id: string; rule: number }[] {
    const all = this.inherited(role);
    return this.sources.flatMap(({ id, rules }) =>
      rules.flatMap(({ actions, roles, derivedRoles }, rule) => {
        const whose = [...roles, ...derivedRoles.flatMap((name) => this.parents.get(name) ?? [])];
        const spoken = actions.some((each) => each === action || /[*?[{\\]/.test(each));
        return spoken && whose.some((each) => all.has(each) || each === '*') ? [{ id, rule }] : [];
      }),
    );
  }

  /** Ids of the policies that decide about it. */
  speaking(role: string, action: string): string[] {
    const rules = this.rules(role, action).map(({ id }) => id);
    const imported = this.sources.filter(({ kind }) => kind === 'derivedRoles' || kind.startsWith('export'));
    return rules.length === 0 ? [] : [...new Set([...rules, ...imported.map(({ id }) => id)])];
  }

  /** Rejects when Cerbos does not answer; a plan that cannot be made is told as it is. */
  of(of: string, action: string): Promise<Planned> {
    const role = this.named.has(of) ? of : unnamed;
    const key = keyOf(role, action);
    let made = this.known.get(key);
    if (!made) {
      made = this.rules(role, action).length > 0 ? this.ask(role, action) : Promise.resolve('never');
      this.known.set(key, made);
      // One that failed is asked again.
      made.catch(() => this.known.delete(key));
    }
    return made;
  }

  private async ask(role: string, action: string): Promise<Planned> {
    const { client } = this;
    if (!client) throw new Error(`no plan is kept of what ${role} may do for ${action}`);
    while (this.running >= most) await new Promise<void>((go) => this.queue.push(go));
    this.running++;
    try {
      return await plan(client, role, action);
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    } finally {
      this.running--;
      this.queue.shift()?.();
    }
  }
}
