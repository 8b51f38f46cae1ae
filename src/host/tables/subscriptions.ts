// SPDX-License-Identifier: MPL-2.0
// From rules to who subscribes to what: for every set of roles and every list the action, sets with the same answers
// sharing a class.
import type { ListSpec, RoleSet, SubscribeRule } from '../plugin/tables.js';
import type { Subscriptions } from './native.js';

const kinds = { block: 1, allow: 2 } as const;

export interface SubscriptionInput {
  /** Of every number up to the highest. */
  roleSets: readonly RoleSet[];
  /** In use; earlier ones decide among equals. */
  lists: readonly ListSpec[];
  /** Number of a list in use. */
  listNumber(name: string): number;
  /** How many lists there are numbers for. */
  listCount: number;
  rules: readonly SubscribeRule[];
  /** Number of an action. */
  action(text: string): number;
}

export function subscriptions(input: SubscriptionInput): Subscriptions {
  const { roleSets, lists, listCount, listNumber } = input;
  const rules = input.rules.map((rule) => ({ ...rule, action: input.action(rule.action) }));
  const byList = lists.map(({ name, kind }) => ({
    list: listNumber(name),
    kind,
    rules: rules.filter((rule) => rule.lists.includes(name)),
  }));
  const classes = new Uint16Array(Math.max(0, ...roleSets.map(({ id }) => id + 1)));
  const known = new Map<string, number>();
  const rows: Uint16Array[] = [];
  const classOf = (roles: readonly string[]) => {
    const row = new Uint16Array(listCount);
    for (const { list, kind, rules } of byList) {
      const rule = rules.find(
        (each) => each.roles.length === 0 || each.roles.some((role) => roles.includes(role)),
      );
      // Who is let off a block list is not held to it, but to everything else; action 0 is allow.
      if (rule !== undefined && !(kind === 'block' && rule.action === 0)) row[list] = rule.action + 1;
    }
    const key = row.join();
    const number = known.get(key) ?? rows.push(row) - 1;
    known.set(key, number);
    return number;
  };
  const others = classOf([]);
  for (const { id, roles } of roleSets) classes[id] = classOf(roles);
  const kindOf = new Uint8Array(listCount);
  for (const { name, kind } of lists) kindOf[listNumber(name)] = kinds[kind];
  return {
    classes,
    others,
    rows: Uint16Array.from(rows.flatMap((row) => [...row])),
    kinds: kindOf,
    order: Uint16Array.from(lists, ({ name }) => listNumber(name)),
  };
}
