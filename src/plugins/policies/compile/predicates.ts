// SPDX-License-Identifier: MPL-2.0
// Machines for single predicates of CEL, and for conditions on the parts of a text.
import {
  type Comparison,
  contains,
  endsWith,
  interned,
  type Machine,
  type Outcome,
  oneOf,
  ordered,
  type State,
  startsWith,
} from './machine.js';
import { matches } from './regex-machine.js';

/** Says the same of every text. */
export const constant = (result: Outcome): Machine => ({ start: 0, step: () => 0, end: () => result });

export const decides =
  (decisive: boolean) =>
  (outcomes: readonly Outcome[]): Outcome => {
    const wanted = decisive ? 1 : 0;
    if (outcomes.includes(wanted)) return wanted;
    return outcomes.includes(2) ? 2 : decisive ? 0 : 1;
  };

/** On a text, by what is known; undefined when it is not one of a text. */
export function predicate(operator: string, known: unknown): Machine | undefined {
  if (operator === 'in') {
    return Array.isArray(known) ? oneOf(known.filter((each) => typeof each === 'string')) : constant(2);
  }
  const make = {
    startsWith,
    endsWith,
    contains: (text: string) => (text === '' ? constant(1) : contains(text)),
    matches,
    lt: (text: string) => ordered('lt', text),
    le: (text: string) => ordered('le', text),
    gt: (text: string) => ordered('gt', text),
    ge: (text: string) => ordered('ge', text),
  }[operator as Comparison | 'startsWith' | 'endsWith' | 'contains' | 'matches'];
  if (!make) return undefined;
  return typeof known === 'string' ? make(known) : constant(2);
}

/** What `operator` says of the parts between bytes `separator`, each judged by `each`. */
export function segments(separator: number, each: Machine, operator: string): Machine {
  // What was said so far: for exists and all the outcome, for exists_one how many (2 is more than one) or -1, failed.
  const add = (so: number, said: Outcome): number => {
    if (operator === 'exists_one') return so < 0 || said === 2 ? -1 : Math.min(so + said, 2);
    return decides(operator === 'exists')([so as Outcome, said]);
  };
  const begin = operator === 'all' ? 1 : 0;
  const pairs = interned<[number, State]>(([so, inner]) => `${so}|${inner}`);
  return {
    start: pairs.id([begin, each.start]),
    step(state, byte) {
      const [so, inner] = pairs.of(state);
      return pairs.id(
        byte === separator ? [add(so, each.end(inner)), each.start] : [so, each.step(inner, byte)],
      );
    },
    end(state) {
      const [so, inner] = pairs.of(state);
      const all = add(so, each.end(inner));
      return operator === 'exists_one' ? (all < 0 ? 2 : all === 1 ? 1 : 0) : (all as Outcome);
    },
  };
}
