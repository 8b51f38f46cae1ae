// SPDX-License-Identifier: MPL-2.0
// What the parts of the lowering share.
import { type Choice, choiceTests } from './choices.js';
import type { ListIds } from './elements.js';
import { call, type Expr, show, type Value, value } from './expression.js';
import type { Graph, Test } from './graph.js';

export interface LowerOptions {
  lists: ListIds;
  /** Whether every `not` of the plans is CEL's: no rule denies, and no condition has `none`. */
  notsInside: boolean;
  /** Whether policies have constants that are numbers: CEL takes those as doubles, which are no indexes. */
  numericConstants: boolean;
}

/** Nodes to go on at. */
export interface Ways {
  yes: number;
  no: number;
  fails: number;
}

export interface Lower {
  readonly graph: Graph;
  readonly options: LowerOptions;
  /** The node where `e` begins. */
  at(e: Expr, ways: Ways): number;
}

/** Tests of which one has to hold. */
export const any = (graph: Graph, tests: readonly Test[], yes: number, no: number): number =>
  tests.reduceRight((otherwise, test) => graph.test(test, yes, otherwise), no);

export const chosen = (graph: Graph, choice: Choice, yes: number, no: number): number =>
  any(graph, choiceTests(choice), yes, no);

export const or = (operands: Expr[]): Expr =>
  operands.length === 0 ? value(false) : call('or', ...operands);
export const and = (operands: Expr[]): Expr =>
  operands.length === 0 ? value(true) : call('and', ...operands);

/** Of an expression that was seen to be a value. */
export function known(e: Expr): Value {
  if (e.kind !== 'value') throw new Error(`${show(e)} is no value`);
  return e.value;
}

export function find(
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
