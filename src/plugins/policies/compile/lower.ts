// SPDX-License-Identifier: MPL-2.0
// A condition as a decision graph: where to go when it is true, when it is false, and when it fails at run time.
//
// Failing: Cerbos takes a CEL expression that fails as false, at the border of the expression: a DENY rule whose condition
// fails does not deny. A plan has lost those borders: its `not` may stand inside of an expression (then what fails below it
// makes the whole expression fail) or outside (then it turns false into true). Without a `not` around, both are the
// same. Below one, a condition that can fail is refused, unless no rule and no `none` of the policies can have made it.
import { type Choice, choice, choiceCost, either } from './choices.js';
import type { ListIds } from './elements.js';
import { evaluate } from './evaluate.js';
import { call, type Expr, reads, show } from './expression.js';
import type { Graph } from './graph.js';
import { leaf } from './leaf.js';
import type { Outcome } from './machine.js';
import { overElements } from './over-lists.js';
import { Refused } from './refused.js';
import { simpler } from './rewrite.js';
import { outcome } from './text.js';
import { chosen, type Lower, type LowerOptions, type Ways } from './ways.js';

const cost = (e: Expr, lists: ListIds): number => {
  const found = choice(e, lists);
  if (found) return choiceCost[found.of];
  if (e.kind !== 'call') return 0;
  if (e.operator === 'and' || e.operator === 'or' || e.operator === 'not') {
    return e.operands.reduce((sum, each) => sum + cost(each, lists), 0);
  }
  if (['startsWith', 'endsWith', 'contains', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(e.operator))
    return 6;
  return 20;
};

export class Lowering implements Lower {
  /** What may fail below a `not` of which it is not known where it stands. */
  private readonly unclear: number;
  private readonly memo = new Map<string, number>();

  constructor(
    readonly graph: Graph,
    readonly options: LowerOptions,
  ) {
    this.unclear = graph.end('unclear');
  }

  /** @throws Refused */
  condition(e: Expr, yes: number, no: number): number {
    const root = this.at(e, { yes, no, fails: no });
    if (this.graph.order(root).includes(this.unclear)) {
      throw new Refused(
        'not',
        `what may fail at run time stands below a negation or a DENY: ${show(e).slice(0, 300)}`,
      );
    }
    return root;
  }

  at(e: Expr, ways: Ways): number {
    const key = `${show(e)} ${ways.yes} ${ways.no} ${ways.fails}`;
    let made = this.memo.get(key);
    if (made === undefined) {
      made = this.make(e, ways);
      this.memo.set(key, made);
    }
    return made;
  }

  private constant(of: Outcome, ways: Ways): number {
    return [ways.no, ways.yes, ways.fails][of] as number;
  }

  private make(e: Expr, ways: Ways): number {
    if (reads(e).size === 0) return this.constant(outcome(evaluate(e)), ways);
    if (e.kind !== 'call') return ways.fails;
    const [a, b, c] = e.operands as [Expr, Expr, Expr];
    switch (e.operator) {
      case 'and':
      case 'or':
        return this.logical(e.operator, flat(e), ways);
      case 'not':
        return this.at(a, {
          yes: ways.no,
          no: ways.yes,
          fails: this.options.notsInside ? ways.fails : this.unclear,
        });
      case 'if':
        return this.at(a, { yes: this.at(b, ways), no: this.at(c, ways), fails: ways.fails });
      case 'ne':
        return this.at(call('eq', a, b), { yes: ways.no, no: ways.yes, fails: ways.fails });
      case 'eq':
        if (isBoolean(a) && isBoolean(b)) return this.equivalent(a, b, ways);
        break;
      case 'has_intersection':
        return this.at(call('hasIntersection', a, b), ways);
      case 'is_subset':
        return this.at(call('isSubset', a, b), ways);
    }
    const said = simpler(e);
    if (said) return this.at(said, ways);
    return overElements(this, e, ways) ?? leaf(this, e, ways);
  }

  private equivalent(a: Expr, b: Expr, ways: Ways): number {
    for (const [known, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (known.kind !== 'value') continue;
      const turned = { ...ways, yes: ways.no, no: ways.yes };
      return this.at(other, known.value ? ways : turned);
    }
    const turned = { ...ways, yes: ways.no, no: ways.yes };
    return this.at(a, { yes: this.at(b, ways), no: this.at(b, turned), fails: ways.fails });
  }

  /** The order of operands is free: CEL's && and || say the same in any. */
  private logical(operator: 'and' | 'or', operands: readonly Expr[], ways: Ways): number {
    const choices: Choice[] = [];
    const others: Expr[] = [];
    for (const operand of operands) {
      const found = operator === 'or' ? choice(operand, this.options.lists) : undefined;
      const like = found && choices.findIndex((each) => either(each, found) !== undefined);
      if (!found) others.push(operand);
      else if (like === undefined || like < 0) choices.push(found);
      else choices[like] = either(choices[like] as Choice, found) as Choice;
    }
    others.sort((a, b) => cost(b, this.options.lists) - cost(a, this.options.lists));
    choices.sort((a, b) => choiceCost[b.of] - choiceCost[a.of]);
    // From the last to the first. `made` is the way on after what decides nothing.
    let made = this.constant(operator === 'or' ? 0 : 1, ways);
    let failing = ways.fails;
    for (const operand of others) {
      const on = (next: number): Ways =>
        operator === 'or'
          ? { yes: ways.yes, no: next, fails: failing }
          : { yes: next, no: ways.no, fails: failing };
      const next = this.at(operand, on(made));
      failing = made === failing ? next : this.at(operand, on(failing));
      made = next;
    }
    for (const each of choices) made = chosen(this.graph, each, ways.yes, made);
    return made;
  }
}

function flat(e: Expr & { kind: 'call' }): Expr[] {
  return e.operands.flatMap((each) =>
    each.kind === 'call' && each.operator === e.operator ? flat(each) : [each],
  );
}

const booleans = new Set(
  'and or not eq ne lt le gt ge in startsWith endsWith contains matches exists all exists_one inIPAddrRange hasIntersection has_intersection isSubset is_subset'.split(
    ' ',
  ),
);
const isBoolean = (e: Expr): boolean =>
  (e.kind === 'value' && typeof e.value === 'boolean') || (e.kind === 'call' && booleans.has(e.operator));
