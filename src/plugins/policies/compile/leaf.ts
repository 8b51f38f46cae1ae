// SPDX-License-Identifier: MPL-2.0
// Conditions that are not taken apart further: on one attribute, as a test of its own or a table.
import { LRUCache } from 'lru-cache';
import { Op, Order, programLimits, Outcome as Said, Text } from '../../../host/gen/program.js';
import { qtypeText } from '../qtypes.js';
import { choice } from './choices.js';
import { beginConstant, dfaConstant, spanConstant, textConstant, typesConstant } from './constants.js';
import { type Dfa, run, toDfa } from './dfa.js';
import { type Attribute, type Expr, isText, reads, show } from './expression.js';
import type { Test } from './graph.js';
import type { Outcome } from './machine.js';
import { Refused } from './refused.js';
import { TextCondition } from './text.js';
import { any, chosen, find, type Lower, type Ways } from './ways.js';

/** A condition on one attribute that is not taken apart further. */
export function leaf(lower: Lower, e: Expr & { kind: 'call' }, ways: Ways): number {
  const found = choice(e, lower.options.lists);
  if (found) return chosen(lower.graph, found, ways.yes, ways.no);
  const attributes = [...reads(e)];
  if (lower.options.numericConstants) refuseNumbers(e);
  if (attributes.length > 1) {
    throw new Refused(
      e.operator,
      `${e.operator} of ${attributes.map((each) => `R.attr.${each}`).join(' and ')}: ${show(e)}`,
    );
  }
  switch (attributes[0] as Attribute) {
    case 'qtype':
      return everyType(lower, e, ways);
    case 'lists':
      throw new Refused(e.operator, `${e.operator} of R.attr.lists in this form: ${show(e)}`);
    default:
      return ofText(lower, e, attributes[0] as 'qname' | 'client', ways);
  }
}

/** All 65,536 types are tried. */
function everyType(lower: Lower, e: Expr & { kind: 'call' }, ways: Ways): number {
  const by: [number[], number[], number[]] = [[], [], []];
  const dfa = table(e, 'qtype');
  for (let type = 0; type < 65536; type++) by[run(dfa, qtypeText(type))].push(type);
  const fails = types(lower, by[2], ways.fails, ways.no);
  return types(lower, by[1], ways.yes, fails);
}

function types(lower: Lower, types: number[], yes: number, no: number): number {
  if (types.length === 0) return no;
  if (types.length === 65536) return yes;
  return lower.graph.test({ op: Op.typeIn, arg: 0, operand: typesConstant(types) }, yes, no);
}

function sizes(lower: Lower, outcomes: readonly Outcome[], arg: number, ways: Ways): number {
  const test = ([least, most]: [number, number]): Test => ({
    op: Op.size,
    arg,
    operand: spanConstant(least, most),
  });
  const fails = any(lower.graph, runs(outcomes, 2).map(test), ways.fails, ways.no);
  return any(lower.graph, runs(outcomes, 1).map(test), ways.yes, fails);
}

function ofText(lower: Lower, e: Expr & { kind: 'call' }, of: 'qname' | 'client', ways: Ways): number {
  const arg = of === 'qname' ? Text.name : Text.client;
  if (e.operator === 'inIPAddrRange') {
    if (of === 'client' && e.operands[0]?.kind === 'attribute' && isText(e.operands[1])) return ways.fails;
    throw new Refused('inIPAddrRange', `inIPAddrRange is compiled for R.attr.client alone: ${show(e)}`);
  }
  const direct = directTest(e, arg);
  if (direct) return lower.graph.test(direct, ways.yes, ways.no);
  const condition = new TextCondition({ kind: 'attribute', name: of });
  const bySize = condition.bySize(e);
  if (bySize) return sizes(lower, bySize, arg, ways);
  const dfa = table(e, of);
  if (dfa.states === 1) return [ways.no, ways.yes, ways.fails][dfa.outcomes[0] as Outcome] as number;
  const operand = dfaConstant(dfa, e.operator);
  const said = (outcome: number) => ({
    op: Op.dfa,
    arg: arg | (outcome << programLimits.argShift),
    operand,
  });
  const fails = dfa.outcomes.includes(2) ? lower.graph.test(said(Said.error), ways.fails, ways.no) : ways.no;
  return lower.graph.test(said(Said.true), ways.yes, fails);
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

/** Plain characters only, so that wire form and text begin alike. */
const beginning = /^(?=.{1,200}$)([a-z0-9_/-]{1,63}\.)*[a-z0-9_/-]{0,63}$/;

/** Tests that need no table. */
function directTest(e: Expr & { kind: 'call' }, arg: number): Test | undefined {
  const [a, b] = e.operands;
  if (a?.kind !== 'attribute' || !isText(b) || b.value === '' || e.operands.length !== 2) return undefined;
  const order = comparisons[e.operator];
  if (order !== undefined && b.value.length <= programLimits.maxText) {
    return { op: Op.order, arg: arg | (order << programLimits.argShift), operand: textConstant(b.value) };
  }
  if (e.operator === 'startsWith' && arg === Text.name && beginning.test(b.value)) {
    return { op: Op.nameBegins, arg: 0, operand: beginConstant(b.value) };
  }
  const op = { startsWith: Op.prefix, endsWith: Op.suffix, contains: Op.contains }[e.operator];
  const bytes = Buffer.byteLength(b.value);
  if (op === undefined || bytes > (op === Op.contains ? programLimits.maxPattern : programLimits.maxText))
    return undefined;
  return { op, arg, operand: textConstant(b.value) };
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
