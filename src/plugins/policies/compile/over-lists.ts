// SPDX-License-Identifier: MPL-2.0
// Conditions over lists whose elements are known, element by element: constants, and R.attr.lists.

import { Op } from '../../../host/gen/program.js';
import { choice } from './choices.js';
import { countConstant } from './constants.js';
import { constants, type Element, elementsOf } from './elements.js';
import { equal } from './evaluate.js';
import { call, type Expr, reads, show, substitute, value } from './expression.js';
import type { Test } from './graph.js';
import { Refused } from './refused.js';
import { replace } from './rewrite.js';
import { and, chosen, find, known, type Lower, or, type Ways } from './ways.js';

/** Conditions over lists whose elements are known, element by element. */
export function overElements(lower: Lower, e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
  const { lists } = lower.options;
  if (choice(e, lists)) return undefined;
  const [a, b] = e.operands as [Expr, Expr];
  const there = ({ list }: Element): Expr => (list === undefined ? value(true) : call('@on', value(list)));
  switch (e.operator) {
    case '@on':
      return chosen(lower.graph, { of: 'lists', ids: [(a as { value: number }).value] }, ways.yes, ways.no);
    case 'in': {
      const of = elementsOf(b, lists);
      // One table for a text among constants, instead of one for each.
      if (constants(of) && !reads(a).has('lists')) return undefined;
      return of && lower.at(or(of.all.map((each) => and([there(each), call('eq', a, each.of)]))), ways);
    }
    case 'exists':
    case 'all':
    case 'exists_one': {
      const of = elementsOf(a, lists);
      return of && quantified(lower, e.operator, of.all, b, ways);
    }
    case 'hasIntersection':
    case 'isSubset':
      return sets(lower, e.operator, a, b, ways);
    case 'eq':
      return equalLists(lower, a, b, ways) ?? indexed(lower, e, ways) ?? sized(lower, e, ways);
    default:
      return indexed(lower, e, ways) ?? sized(lower, e, ways);
  }
}

function quantified(
  lower: Lower,
  operator: string,
  all: readonly Element[],
  lambda: Expr,
  ways: Ways,
): number {
  if (lambda.kind !== 'lambda' || lambda.variables.length !== 1 || lambda.bodies.length !== 1) {
    throw new Refused(operator, `${operator} with two variables`);
  }
  const each = all.map(({ list, of }) => ({
    on: list === undefined ? value(true) : call('@on', value(list)),
    holds: substitute(lambda.bodies[0] as Expr, lambda.variables[0] as string, of),
  }));
  if (operator === 'exists') return lower.at(or(each.map(({ on, holds }) => and([on, holds]))), ways);
  if (operator === 'all')
    return lower.at(and(each.map(({ on, holds }) => call('if', on, holds, value(true)))), ways);
  // How many so far: 0, 1, more. What fails makes all fail, also behind the second.
  let counted = [ways.no, ways.yes, ways.no];
  for (const { on, holds } of each.reverse()) {
    counted = counted.map((otherwise, so) =>
      lower.at(call('if', on, holds, value(false)), {
        yes: counted[Math.min(so + 1, 2)] as number,
        no: otherwise,
        fails: ways.fails,
      }),
    );
  }
  return counted[0] as number;
}

function sets(lower: Lower, operator: string, a: Expr, b: Expr, ways: Ways): number | undefined {
  const [left, right] = [elementsOf(a, lower.options.lists), elementsOf(b, lower.options.lists)];
  if (!left || !right || ![...left.all, ...right.all].every(({ of }) => of.kind === 'value'))
    return undefined;
  const on = ({ list }: Element): Expr => (list === undefined ? value(true) : call('@on', value(list)));
  const found = left.all.map((each) => {
    const same = right.all.filter((other) => equal(known(each.of), known(other.of)));
    return { each, same: or(same.map(on)) };
  });
  if (operator === 'hasIntersection')
    return lower.at(or(found.map(({ each, same }) => and([on(each), same]))), ways);
  return lower.at(and(found.map(({ each, same }) => call('if', on(each), same, value(true)))), ways);
}

/** A list of which elements may be missing, compared with a constant one. */
function equalLists(lower: Lower, a: Expr, b: Expr, ways: Ways): number | undefined {
  const [left, right] = [elementsOf(a, lower.options.lists), elementsOf(b, lower.options.lists)];
  if (!left || !right) return undefined;
  const [fixed, open] = constants(left) ? [constants(left), right] : [constants(right), left];
  if (!fixed || !open.all.every(({ of }) => of.kind === 'value')) return undefined;
  const ids = open.all.flatMap(({ list }) => (list === undefined ? [] : [list]));
  const distinct = new Set(ids).size === open.all.length;
  if (fixed.length > 0 && (!open.ordered || !distinct)) {
    throw new Refused('eq', `eq of two lists in this form: ${show(call('eq', a, b))}`);
  }
  if (ids.length < open.all.length) return fixed.length === 0 ? ways.no : undefined;
  let from = 0;
  const wanted: number[] = [];
  for (const each of fixed) {
    const at = open.all.findIndex(({ of }, i) => i >= from && equal(known(of), each));
    if (at < 0) return ways.no;
    wanted.push(open.all[at]?.list as number);
    from = at + 1;
  }
  const others = ids.filter((id) => !wanted.includes(id));
  const none = lower.graph.test(count(others, 0, 0), ways.yes, ways.no);
  const rest = others.length === 0 ? ways.yes : none;
  return wanted.length === 0
    ? rest
    : lower.graph.test(count(wanted, wanted.length, wanted.length), rest, ways.no);
}

/** `list[number]` somewhere in `e`: which element that is depends on those before it that are there. */
function indexed(lower: Lower, e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
  const found = find(
    e,
    (each) =>
      each.operator === 'index' && elementsOf(each.operands[0] as Expr, lower.options.lists) !== undefined,
  );
  if (!found) return undefined;
  const of = elementsOf(found.operands[0] as Expr, lower.options.lists);
  const index = found.operands[1];
  if (
    !of?.ordered ||
    index?.kind !== 'value' ||
    !Number.isSafeInteger(index.value) ||
    lower.options.numericConstants
  ) {
    throw new Refused('index', `index is not compiled in this form: ${show(found)}`);
  }
  const wanted = index.value as number;
  let made = ways.fails;
  for (let i = of.all.length - 1; i >= 0; i--) {
    const before = of.all.slice(0, i);
    const always = before.filter(({ list }) => list === undefined).length;
    const ids = before.flatMap(({ list }) => (list === undefined ? [] : [list]));
    const [least, most] = [wanted - always, wanted - always];
    if (least < 0 || least > ids.length) continue;
    const { list, of: element } = of.all[i] as Element;
    const here = lower.at(replace(e, found, element), ways);
    const there = list === undefined ? here : chosen(lower.graph, { of: 'lists', ids: [list] }, here, made);
    made = ids.length === 0 ? there : lower.graph.test(count(ids, least, most), there, made);
  }
  return made;
}

/** A condition on how many elements there are. */
function sized(lower: Lower, e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
  const found = find(
    e,
    (each) =>
      each.operator === 'size' && elementsOf(each.operands[0] as Expr, lower.options.lists) !== undefined,
  );
  if (!found) return undefined;
  const of = elementsOf(found.operands[0] as Expr, lower.options.lists);
  const ids = of?.all.flatMap(({ list }) => (list === undefined ? [] : [list])) ?? [];
  if (new Set(ids).size !== ids.length)
    throw new Refused('size', `size is not compiled in this form: ${show(found)}`);
  const always = (of?.all.length ?? 0) - ids.length;
  let made = ways.fails;
  for (let n = ids.length; n >= 0; n--) {
    const here = lower.at(replace(e, found, value(always + n)), ways);
    made = n === ids.length ? here : here === made ? made : lower.graph.test(count(ids, 0, n), here, made);
  }
  return made;
}

const count = (ids: readonly number[], least: number, most: number): Test => ({
  op: Op.listsCount,
  arg: 0,
  operand: countConstant(ids, least, most),
});
