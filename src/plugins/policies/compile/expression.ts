// SPDX-License-Identifier: MPL-2.0
// Plans as an algebra of our own: what PlanResources answers, with the attributes of the request told from the variables
// of lambdas, and everything else refused by name.
import { Refused } from './refused.js';

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** What @cerbos/grpc gives for a plan's condition, by its shape. */
export type PlanOperand = PlanCall | { value: Value } | { name: string };
export interface PlanCall {
  operator: string;
  operands: PlanOperand[];
}
const isCall = (operand: PlanOperand | undefined): operand is PlanCall =>
  operand !== undefined && 'operator' in operand;

export type Attribute = 'qname' | 'qtype' | 'client' | 'lists';

export type Expr =
  | { kind: 'value'; value: Value }
  | { kind: 'attribute'; name: Attribute }
  /** Bound by a lambda around it. */
  | { kind: 'variable'; name: string }
  | { kind: 'call'; operator: string; operands: Expr[] }
  | { kind: 'lambda'; bodies: Expr[]; variables: string[] };

export const value = (of: Value): Expr => ({ kind: 'value', value: of });
export const call = (operator: string, ...operands: Expr[]): Expr => ({ kind: 'call', operator, operands });
export const isText = (e: Expr | undefined): e is { kind: 'value'; value: string } =>
  e?.kind === 'value' && typeof e.value === 'string';

const attributes: Record<string, Expr> = {
  'request.resource.attr.qname': { kind: 'attribute', name: 'qname' },
  'request.resource.attr.qtype': { kind: 'attribute', name: 'qtype' },
  'request.resource.attr.client': { kind: 'attribute', name: 'client' },
  'request.resource.attr.lists': { kind: 'attribute', name: 'lists' },
  'request.resource.id': value('query'),
};

/** @throws Refused for a variable that is neither an attribute of the schema nor bound. */
export function fromPlan(operand: PlanOperand, bound: readonly string[] = []): Expr {
  if ('value' in operand) return value(operand.value);
  if (!isCall(operand)) {
    if (bound.includes(operand.name)) return { kind: 'variable', name: operand.name };
    const known = attributes[operand.name];
    if (!known) throw new Refused(operand.name, `${operand.name} is no attribute of dns_query`);
    return known;
  }
  const { operator, operands } = operand;
  const [target, last] = operands;
  if (target && isCall(last) && last.operator === 'lambda') {
    return call(operator, fromPlan(target, bound), lambda(last, bound));
  }
  const named = operator === 'index' && target && 'name' in target ? target.name : undefined;
  if (named === 'request.resource.attr' && last && 'value' in last) {
    const known = attributes[`${named}.${String(last.value)}`];
    if (known) return known;
  }
  return call(operator, ...operands.map((each) => fromPlan(each, bound)));
}

/** `lambda(body, [body,] variable, [variable])`: variables stand last and are no expressions. */
function lambda(expression: PlanCall, bound: readonly string[]): Expr {
  let from = expression.operands.length;
  const variables: string[] = [];
  while (from > 1 && variables.length < 2) {
    const operand = expression.operands[from - 1] as PlanOperand;
    if (!('name' in operand) || operand.name.includes('.')) break;
    variables.unshift(operand.name);
    from--;
  }
  const inner = [...bound, ...variables];
  return {
    kind: 'lambda',
    bodies: expression.operands.slice(0, from).map((each) => fromPlan(each, inner)),
    variables,
  };
}

/** `e` with the variable replaced, where no lambda inside binds it anew. */
export function substitute(e: Expr, name: string, by: Expr): Expr {
  switch (e.kind) {
    case 'variable':
      return e.name === name ? by : e;
    case 'call':
      return { ...e, operands: e.operands.map((each) => substitute(each, name, by)) };
    case 'lambda':
      if (e.variables.includes(name)) return e;
      return { ...e, bodies: e.bodies.map((each) => substitute(each, name, by)) };
    default:
      return e;
  }
}

/** Attributes that `e` reads. */
export function reads(e: Expr, found = new Set<Attribute>()): Set<Attribute> {
  if (e.kind === 'attribute') found.add(e.name);
  // lower.ts: whether the name is on the list with this number.
  if (e.kind === 'call' && e.operator === '@on') found.add('lists');
  if (e.kind === 'call') for (const each of e.operands) reads(each, found);
  if (e.kind === 'lambda') for (const each of e.bodies) reads(each, found);
  return found;
}

const shown = new WeakMap<Expr, string>();

/** As a person would write it, near to CEL; equal expressions show alike. */
export function show(e: Expr): string {
  let text = shown.get(e);
  if (text === undefined) {
    text = written(e);
    shown.set(e, text);
  }
  return text;
}

function written(e: Expr): string {
  switch (e.kind) {
    case 'value':
      return JSON.stringify(e.value);
    case 'attribute':
      return `R.attr.${e.name}`;
    case 'variable':
      return e.name;
    case 'lambda':
      return `${e.variables.join(', ')} -> ${e.bodies.map(show).join(', ')}`;
    case 'call':
      return `${e.operator}(${e.operands.map(show).join(', ')})`;
  }
}
