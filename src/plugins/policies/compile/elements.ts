// SPDX-License-Identifier: MPL-2.0
// Lists whose elements are known before any request: constants, and R.attr.lists, of which every possible element is
// known and each is there or not.
import { compareText, equal, evaluate } from './evaluate.js';
import { type Expr, substitute, type Value, value } from './expression.js';

export interface Element {
  /** The id of the list that the name has to be on for this element to be there; undefined: always there. */
  list: number | undefined;
  of: Expr;
}

export interface Elements {
  all: Element[];
  /** Whether the order of `all` is the order of the list. */
  ordered: boolean;
}

/** Names of lists to their ids. */
export type ListIds = ReadonlyMap<string, number>;

const constants = (elements: Elements | undefined): Value[] | undefined => {
  const all = elements?.all.map(({ list, of }) =>
    list === undefined && of.kind === 'value' ? [of.value] : undefined,
  );
  return all?.every((each) => each !== undefined) ? (all.flat() as Value[]) : undefined;
};

/** Undefined when `e` is no list of that sort. */
export function elementsOf(e: Expr, lists: ListIds): Elements | undefined {
  if (e.kind === 'value') {
    return Array.isArray(e.value)
      ? { all: e.value.map((each) => ({ list: undefined, of: value(each) })), ordered: true }
      : undefined;
  }
  if (e.kind === 'attribute' && e.name === 'lists') {
    const sorted = [...lists].sort(([a], [b]) => compareText(a, b));
    return { all: sorted.map(([name, id]) => ({ list: id, of: value(name) })), ordered: true };
  }
  if (e.kind !== 'call') return undefined;
  const [a, b] = e.operands as [Expr, Expr];
  switch (e.operator) {
    case 'list':
      return { all: e.operands.map((of) => ({ list: undefined, of })), ordered: true };
    case 'add': {
      const [left, right] = [elementsOf(a, lists), elementsOf(b, lists)];
      if (!left || !right) return undefined;
      return { all: [...left.all, ...right.all], ordered: left.ordered && right.ordered };
    }
    case 'filter':
    case 'map':
      return chosen(e.operator, elementsOf(a, lists), b);
    case 'distinct':
    case 'sort':
      return tidy(e.operator, elementsOf(a, lists));
    case 'except':
    case 'intersect':
      return compared(e.operator, elementsOf(a, lists), elementsOf(b, lists));
    default:
      return undefined;
  }
}

function chosen(operator: string, of: Elements | undefined, lambda: Expr): Elements | undefined {
  if (!of || lambda.kind !== 'lambda' || lambda.variables.length !== 1 || lambda.bodies.length !== 1)
    return undefined;
  const body = (element: Element) =>
    substitute(lambda.bodies[0] as Expr, lambda.variables[0] as string, element.of);
  if (operator === 'map') return { ...of, all: of.all.map((each) => ({ ...each, of: body(each) })) };
  const all: Element[] = [];
  for (const element of of.all) {
    if (element.of.kind !== 'value') return undefined;
    const holds = tried(body(element));
    if (holds === undefined) return undefined;
    if (holds) all.push(element);
  }
  return { ...of, all };
}

/** distinct and sort change nothing about R.attr.lists, nor about what is chosen from it. */
function tidy(operator: string, of: Elements | undefined): Elements | undefined {
  const texts = of?.all.map((each) => (each.of.kind === 'value' ? each.of.value : undefined));
  if (!of?.ordered || !texts?.every((each) => typeof each === 'string')) return undefined;
  const rises = texts.every((each, i) => i === 0 || compareText(texts[i - 1] as string, each) < 0);
  const distinct = new Set(texts).size === texts.length;
  return (operator === 'sort' ? rises : distinct) ? of : undefined;
}

/** True or false when `e` is that without a request. */
function tried(e: Expr): boolean | undefined {
  try {
    const result = evaluate(e);
    return typeof result === 'boolean' ? result : undefined;
  } catch {
    return undefined;
  }
}

/** Sets of which at least the right one (for intersect, one of them) is constant. */
function compared(operator: string, a: Elements | undefined, b: Elements | undefined): Elements | undefined {
  const [left, right] = [constants(a), constants(b)];
  const swapped = operator === 'intersect' && right === undefined;
  const among = swapped ? left : right;
  const from = swapped ? b : a;
  if (!among || !from?.all.every(({ of }) => of.kind === 'value')) return undefined;
  // Cerbos goes through the shorter list, so an element that stands twice in the longer one comes once.
  const unique = new Set(among.map((each) => JSON.stringify(each))).size === among.length;
  if (operator === 'intersect' && !unique) return undefined;
  const isIn = ({ of }: Element) => among.some((each) => of.kind === 'value' && equal(of.value, each));
  const keep = operator === 'intersect';
  return {
    all: from.all.filter((each) => isIn(each) === keep),
    ordered: operator === 'except' && from.ordered,
  };
}

export { constants };
