// SPDX-License-Identifier: MPL-2.0
// A condition as a decision graph: where to go when it is true, when it is false, and when it fails at run time.
//
// Failing: Cerbos takes a CEL expression that fails as false, at the border of the expression: a DENY rule whose condition
// fails does not deny. A plan has lost those borders: its `not` may stand inside of an expression (then what fails below it
// makes the whole expression fail) or outside (then it turns false into true). Without a `not` around, both are the
// same. Below one, a condition that can fail is refused, unless no rule and no `none` of the policies can have made it.
import { LRUCache } from 'lru-cache';
import { Op, Order, programLimits, Outcome as Said, Text } from '../../../host/gen/program.js';
import { qtypeText } from '../qtypes.js';
import { type Choice, choice, choiceCost, choiceTests, either } from './choices.js';
import { countConstant, dfaConstant, spanConstant, textConstant, typesConstant } from './constants.js';
import { type Dfa, run, toDfa } from './dfa.js';
import { constants, type Element, elementsOf, type ListIds } from './elements.js';
import { equal, evaluate } from './evaluate.js';
import {
  type Attribute,
  call,
  type Expr,
  isText,
  reads,
  show,
  substitute,
  type Value,
  value,
} from './expression.js';
import type { Graph, Test } from './graph.js';
import type { Outcome } from './machine.js';
import { Refused } from './refused.js';
import { replace, simpler } from './rewrite.js';
import { outcome, TextCondition } from './text.js';

export interface LowerOptions {
  lists: ListIds;
  /** Whether every `not` of the plans is CEL's: no rule denies, and no condition has `none`. */
  notsInside: boolean;
  /** Whether policies have constants that are numbers: CEL takes those as doubles, which are no indexes. */
  numericConstants: boolean;
}

/** Nodes to go on at. */
interface Ways {
  yes: number;
  no: number;
  fails: number;
}

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

export class Lowering {
  /** What may fail below a `not` of which it is not known where it stands. */
  private readonly unclear: number;
  private readonly memo = new Map<string, number>();

  constructor(
    private readonly graph: Graph,
    private readonly options: LowerOptions,
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

  private at(e: Expr, ways: Ways): number {
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
        if (isBoolean(a) || isBoolean(b)) return this.equivalent(a, b, ways);
        break;
      case 'has_intersection':
        return this.at(call('hasIntersection', a, b), ways);
      case 'is_subset':
        return this.at(call('isSubset', a, b), ways);
    }
    const said = simpler(e);
    if (said) return this.at(said, ways);
    return this.overElements(e, ways) ?? this.leaf(e, ways);
  }

  private equivalent(a: Expr, b: Expr, ways: Ways): number {
    for (const [known, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (known.kind !== 'value') continue;
      if (typeof known.value !== 'boolean') return this.at(other, { ...ways, yes: ways.no });
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
      const decided = operator === 'or' ? ways.yes : ways.no;
      const before = made;
      made = this.at(
        operand,
        operator === 'or'
          ? { yes: decided, no: made, fails: failing }
          : { yes: made, no: decided, fails: failing },
      );
      if (before === failing) failing = made;
      else
        failing = this.at(
          operand,
          operator === 'or'
            ? { yes: decided, no: failing, fails: failing }
            : { yes: failing, no: decided, fails: failing },
        );
    }
    for (const each of choices) made = this.any(choiceTests(each), ways.yes, made);
    return made;
  }

  private any(tests: readonly Test[], yes: number, no: number): number {
    return tests.reduceRight((otherwise, test) => this.graph.test(test, yes, otherwise), no);
  }

  /** Conditions over lists whose elements are known, element by element. */
  private overElements(e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
    const { lists } = this.options;
    if (choice(e, lists)) return undefined;
    const [a, b] = e.operands as [Expr, Expr];
    const there = ({ list }: Element): Expr => (list === undefined ? value(true) : call('@on', value(list)));
    switch (e.operator) {
      case '@on':
        return this.any(
          choiceTests({ of: 'lists', ids: [(a as { value: number }).value] }),
          ways.yes,
          ways.no,
        );
      case 'in': {
        const of = elementsOf(b, lists);
        // One table for a text among constants, instead of one for each.
        if (constants(of) && !reads(a).has('lists')) return undefined;
        return of && this.at(or(of.all.map((each) => and([there(each), call('eq', a, each.of)]))), ways);
      }
      case 'exists':
      case 'all':
      case 'exists_one': {
        const of = elementsOf(a, lists);
        return of && this.quantified(e.operator, of.all, b, ways);
      }
      case 'hasIntersection':
      case 'isSubset':
        return this.sets(e.operator, a, b, ways);
      case 'eq':
        return this.equalLists(a, b, ways) ?? this.indexed(e, ways) ?? this.sized(e, ways);
      default:
        return this.indexed(e, ways) ?? this.sized(e, ways);
    }
  }

  private quantified(operator: string, all: readonly Element[], lambda: Expr, ways: Ways): number {
    if (lambda.kind !== 'lambda' || lambda.variables.length !== 1 || lambda.bodies.length !== 1) {
      throw new Refused(operator, `${operator} with two variables`);
    }
    const each = all.map(({ list, of }) => ({
      on: list === undefined ? value(true) : call('@on', value(list)),
      holds: substitute(lambda.bodies[0] as Expr, lambda.variables[0] as string, of),
    }));
    if (operator === 'exists') return this.at(or(each.map(({ on, holds }) => and([on, holds]))), ways);
    if (operator === 'all')
      return this.at(and(each.map(({ on, holds }) => call('if', on, holds, value(true)))), ways);
    // How many so far: 0, 1, more. What fails makes all fail, also behind the second.
    let counted = [ways.no, ways.yes, ways.no];
    for (const { on, holds } of each.reverse()) {
      counted = counted.map((otherwise, so) =>
        this.at(call('if', on, holds, value(false)), {
          yes: counted[Math.min(so + 1, 2)] as number,
          no: otherwise,
          fails: ways.fails,
        }),
      );
    }
    return counted[0] as number;
  }

  private sets(operator: string, a: Expr, b: Expr, ways: Ways): number | undefined {
    const [left, right] = [elementsOf(a, this.options.lists), elementsOf(b, this.options.lists)];
    if (!left || !right || ![...left.all, ...right.all].every(({ of }) => of.kind === 'value'))
      return undefined;
    const on = ({ list }: Element): Expr => (list === undefined ? value(true) : call('@on', value(list)));
    const found = left.all.map((each) => {
      const same = right.all.filter((other) => equal(known(each.of), known(other.of)));
      return { each, same: or(same.map(on)) };
    });
    if (operator === 'hasIntersection')
      return this.at(or(found.map(({ each, same }) => and([on(each), same]))), ways);
    return this.at(and(found.map(({ each, same }) => call('if', on(each), same, value(true)))), ways);
  }

  /** A list of which elements may be missing, compared with a constant one. */
  private equalLists(a: Expr, b: Expr, ways: Ways): number | undefined {
    const [left, right] = [elementsOf(a, this.options.lists), elementsOf(b, this.options.lists)];
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
    const none = this.graph.test(count(others, 0, 0), ways.yes, ways.no);
    const rest = others.length === 0 ? ways.yes : none;
    return wanted.length === 0
      ? rest
      : this.graph.test(count(wanted, wanted.length, wanted.length), rest, ways.no);
  }

  /** `list[number]` somewhere in `e`: which element that is depends on those before it that are there. */
  private indexed(e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
    const found = find(
      e,
      (each) =>
        each.operator === 'index' && elementsOf(each.operands[0] as Expr, this.options.lists) !== undefined,
    );
    if (!found) return undefined;
    const of = elementsOf(found.operands[0] as Expr, this.options.lists);
    const index = found.operands[1];
    if (
      !of?.ordered ||
      index?.kind !== 'value' ||
      !Number.isSafeInteger(index.value) ||
      this.options.numericConstants
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
      const here = this.at(replace(e, found, element), ways);
      const chosen =
        list === undefined ? here : this.any(choiceTests({ of: 'lists', ids: [list] }), here, made);
      made = ids.length === 0 ? chosen : this.graph.test(count(ids, least, most), chosen, made);
    }
    return made;
  }

  /** A condition on how many elements there are. */
  private sized(e: Expr & { kind: 'call' }, ways: Ways): number | undefined {
    const found = find(
      e,
      (each) =>
        each.operator === 'size' && elementsOf(each.operands[0] as Expr, this.options.lists) !== undefined,
    );
    if (!found) return undefined;
    const of = elementsOf(found.operands[0] as Expr, this.options.lists);
    const ids = of?.all.flatMap(({ list }) => (list === undefined ? [] : [list])) ?? [];
    if (new Set(ids).size !== ids.length)
      throw new Refused('size', `size is not compiled in this form: ${show(found)}`);
    const always = (of?.all.length ?? 0) - ids.length;
    let made = ways.fails;
    for (let n = ids.length; n >= 0; n--) {
      const here = this.at(replace(e, found, value(always + n)), ways);
      made = n === ids.length ? here : here === made ? made : this.graph.test(count(ids, 0, n), here, made);
    }
    return made;
  }

  /** A condition on one attribute that is not taken apart further. */
  private leaf(e: Expr & { kind: 'call' }, ways: Ways): number {
    const found = choice(e, this.options.lists);
    if (found) return this.any(choiceTests(found), ways.yes, ways.no);
    const attributes = [...reads(e)];
    if (this.options.numericConstants) refuseNumbers(e);
    if (attributes.length > 1) {
      throw new Refused(
        e.operator,
        `${e.operator} of ${attributes.map((each) => `R.attr.${each}`).join(' and ')}: ${show(e)}`,
      );
    }
    switch (attributes[0] as Attribute) {
      case 'qtype':
        return this.everyType(e, ways);
      case 'lists':
        throw new Refused(e.operator, `${e.operator} of R.attr.lists in this form: ${show(e)}`);
      default:
        return this.ofText(e, attributes[0] as 'qname' | 'client', ways);
    }
  }

  /** All 65,536 types are tried. */
  private everyType(e: Expr & { kind: 'call' }, ways: Ways): number {
    const by: [number[], number[], number[]] = [[], [], []];
    const dfa = table(e, 'qtype');
    for (let type = 0; type < 65536; type++) by[run(dfa, qtypeText(type))].push(type);
    const fails = this.types(by[2], ways.fails, ways.no);
    return this.types(by[1], ways.yes, fails);
  }

  private types(types: number[], yes: number, no: number): number {
    if (types.length === 0) return no;
    if (types.length === 65536) return yes;
    return this.graph.test({ op: Op.typeIn, arg: 0, operand: typesConstant(types) }, yes, no);
  }

  private sizes(outcomes: readonly Outcome[], arg: number, ways: Ways): number {
    const test = ([least, most]: [number, number]): Test => ({
      op: Op.size,
      arg,
      operand: spanConstant(least, most),
    });
    const fails = this.any(runs(outcomes, 2).map(test), ways.fails, ways.no);
    return this.any(runs(outcomes, 1).map(test), ways.yes, fails);
  }

  private ofText(e: Expr & { kind: 'call' }, of: 'qname' | 'client', ways: Ways): number {
    const arg = of === 'qname' ? Text.name : Text.client;
    if (e.operator === 'inIPAddrRange') {
      if (of === 'client' && e.operands[0]?.kind === 'attribute' && isText(e.operands[1])) return ways.fails;
      throw new Refused('inIPAddrRange', `inIPAddrRange is compiled for R.attr.client alone: ${show(e)}`);
    }
    const direct = directTest(e, arg);
    if (direct) return this.graph.test(direct, ways.yes, ways.no);
    const condition = new TextCondition({ kind: 'attribute', name: of });
    const bySize = condition.bySize(e);
    if (bySize) return this.sizes(bySize, arg, ways);
    const dfa = table(e, of);
    if (dfa.states === 1) return this.constant(dfa.outcomes[0] as Outcome, ways);
    const operand = dfaConstant(dfa, e.operator);
    const said = (outcome: number) => ({
      op: Op.dfa,
      arg: arg | (outcome << programLimits.argShift),
      operand,
    });
    const fails = dfa.outcomes.includes(2) ? this.graph.test(said(Said.error), ways.fails, ways.no) : ways.no;
    return this.graph.test(said(Said.true), ways.yes, fails);
  }
}

/** The same conditions come back with every role, and every minute. */
const tables = new LRUCache<string, Dfa>({
  maxSize: 2_000_000,
  sizeCalculation: (dfa) => dfa.next.length + 1,
});

function table(e: Expr & { kind: 'call' }, of: Attribute): Dfa {
  const key = `${of} ${show(e)}`;
  let dfa = tables.get(key);
  if (!dfa) {
    dfa = toDfa(new TextCondition({ kind: 'attribute', name: of }).machine(e), e.operator);
    tables.set(key, dfa);
  }
  return dfa;
}

/** First and last of the runs of sizes that have this outcome; the last run goes on when it reaches the end. */
function runs(outcomes: readonly Outcome[], wanted: Outcome): [number, number][] {
  const found: [number, number][] = [];
  outcomes.forEach((each, size) => {
    if (each !== wanted) return;
    const last = found.at(-1);
    if (last?.[1] === size - 1) last[1] = size;
    else found.push([size, size]);
  });
  return found;
}

const comparisons: Record<string, number> = {
  lt: Order.less,
  le: Order.lessEqual,
  gt: Order.greater,
  ge: Order.greaterEqual,
};

/** Tests that need no table. */
function directTest(e: Expr & { kind: 'call' }, arg: number): Test | undefined {
  const [a, b] = e.operands;
  if (a?.kind !== 'attribute' || !isText(b) || b.value === '' || e.operands.length !== 2) return undefined;
  const order = comparisons[e.operator];
  if (order !== undefined && b.value.length <= programLimits.maxText) {
    return { op: Op.order, arg: arg | (order << programLimits.argShift), operand: textConstant(b.value) };
  }
  const op = { startsWith: Op.prefix, endsWith: Op.suffix, contains: Op.contains }[e.operator];
  const bytes = Buffer.byteLength(b.value);
  if (op === undefined || bytes > (op === Op.contains ? programLimits.maxPattern : programLimits.maxText))
    return undefined;
  return { op, arg, operand: textConstant(b.value) };
}

const count = (ids: readonly number[], least: number, most: number): Test => ({
  op: Op.listsCount,
  arg: 0,
  operand: countConstant(ids, least, most),
});
const or = (operands: Expr[]): Expr => (operands.length === 0 ? value(false) : call('or', ...operands));
const and = (operands: Expr[]): Expr => (operands.length === 0 ? value(true) : call('and', ...operands));

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

/** Of an expression that was seen to be a value. */
function known(e: Expr): Value {
  if (e.kind !== 'value') throw new Error(`${show(e)} is no value`);
  return e.value;
}

function find(
  e: Expr,
  wanted: (e: Expr & { kind: 'call' }) => boolean,
): (Expr & { kind: 'call' }) | undefined {
  if (e.kind !== 'call') return undefined;
  if (wanted(e)) return e;
  for (const each of e.operands) {
    const found = find(each, wanted);
    if (found) return found;
  }
  return undefined;
}

function refuseNumbers(e: Expr): void {
  const found = find(e, ({ operator, operands }) => {
    const numeric = operands.some((each) => each.kind === 'value' && typeof each.value === 'number');
    return (
      numeric &&
      ['add', 'sub', 'mult', 'div', 'mod', 'charAt', 'substring', 'index', 'replace', 'split', '-_'].includes(
        operator,
      )
    );
  });
  if (found)
    throw new Refused(
      found.operator,
      `${found.operator} with a number, where policies have numeric constants (CEL takes those as doubles)`,
    );
}
