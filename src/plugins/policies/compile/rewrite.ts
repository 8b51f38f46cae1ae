// SPDX-License-Identifier: MPL-2.0
// Conditions said in simpler words, step by step, where CEL means exactly the same: choices inside of operands, maps that
// are looked into, hierarchies, parts that are put together again.
import { call, type Expr, isText, show, value } from './expression.js';

type Call = Expr & { kind: 'call' };

/** Always fails at run time. */
const fails: Expr = call('@fails');

/** `e` with its first simplification done; undefined when there is none. */
export function simpler(e: Call): Call | undefined {
  const own = hierarchies(e) ?? parts(e);
  if (own) return own;
  if (['and', 'or', 'not', 'if', '@on'].includes(e.operator)) return undefined;
  const inner = find(e, (each) => each !== e && (each.operator === 'if' || isLookup(each)));
  if (!inner) return undefined;
  if (isLookup(inner)) return replace(e, inner, looked(inner)) as Call;
  const [condition, yes, no] = inner.operands as [Expr, Expr, Expr];
  return call('if', condition, replace(e, inner, yes), replace(e, inner, no)) as Call;
}

/** `{"a": 1, …}[key]` */
const isLookup = (e: Call): boolean => {
  const [map] = e.operands;
  return e.operator === 'index' && map?.kind === 'call' && map.operator === 'struct';
};

function looked(e: Call): Expr {
  const [map, key] = e.operands as [Call, Expr];
  return map.operands.reduceRight<Expr>((otherwise, field) => {
    const [name, of] = (field as Call).operands as [Expr, Expr];
    return call('if', call('eq', key, name), of, otherwise);
  }, fails);
}

function find(e: Expr, wanted: (e: Call) => boolean): Call | undefined {
  if (e.kind !== 'call') return undefined;
  if (wanted(e)) return e;
  for (const operand of e.operands) {
    const found = find(operand, wanted);
    if (found) return found;
  }
  return undefined;
}

export function replace(e: Expr, what: Expr, by: Expr): Expr {
  if (show(e) === show(what)) return by;
  if (e.kind === 'call') return { ...e, operands: e.operands.map((each) => replace(each, what, by)) };
  return e.kind === 'lambda' ? { ...e, bodies: e.bodies.map((each) => replace(each, what, by)) } : e;
}

const isCall = (e: Expr | undefined, operator: string): e is Call =>
  e?.kind === 'call' && e.operator === operator;

/** The text that a hierarchy is made of, split at dots. */
function hierarchy(e: Expr | undefined): Expr | undefined {
  return isCall(e, 'hierarchy') && e.operands.length === 1 ? e.operands[0] : undefined;
}

const turned: Record<string, string> = {
  ancestorOf: 'descendentOf',
  descendentOf: 'ancestorOf',
  immediateParentOf: 'immediateChildOf',
  immediateChildOf: 'immediateParentOf',
};

function hierarchies(e: Call): Call | undefined {
  const [a, b] = e.operands;
  const [left, right] = [hierarchy(a), hierarchy(b)];
  if (e.operator === 'size' && left) return call('size', call('split', left, value('.'))) as Call;
  if (e.operator === 'index' && left)
    return call('index', call('split', left, value('.')), b as Expr) as Call;
  const inner = find(
    e,
    (each) => each !== e && ['size', 'index'].includes(each.operator) && !!hierarchy(each.operands[0]),
  );
  if (inner) return replace(e, inner, hierarchies(inner) as Call) as Call;
  if (!left || !right || e.operands.length !== 2) return undefined;
  if (isText(left)) {
    return isText(right)
      ? undefined
      : related(turned[e.operator] ?? e.operator, right, left.value.split('.'));
  }
  return isText(right) ? related(e.operator, left, right.value.split('.')) : undefined;
}

/** What a text's parts have to do with constant ones. */
function related(operator: string, text: Expr, known: readonly string[]): Call | undefined {
  const is = (parts: readonly string[]) => parts.join('.');
  const below = call('startsWith', text, value(`${is(known)}.`));
  const count = (n: number) => call('eq', call('size', call('split', text, value('.'))), value(n));
  const above = known.slice(1).map((_, i) => is(known.slice(0, i + 1)));
  switch (operator) {
    case 'eq':
    case 'ne':
      return call(operator, text, value(is(known))) as Call;
    case 'descendentOf':
      return below as Call;
    case 'ancestorOf':
      return call('in', text, value(above)) as Call;
    case 'immediateChildOf':
      return call('and', below, count(known.length + 1)) as Call;
    case 'immediateParentOf':
      return call('in', text, value(above.slice(-1))) as Call;
    case 'siblingOf': {
      const parent =
        known.length > 1 ? call('startsWith', text, value(`${is(known.slice(0, -1))}.`)) : value(true);
      return call('and', parent, count(known.length)) as Call;
    }
    case 'overlaps':
      return call('or', below, call('in', text, value([...above, is(known)]))) as Call;
    default:
      return undefined;
  }
}

/** `split(x, s) == [...]`, `join(split(x, s), t)` */
function parts(e: Call): Call | undefined {
  const joined = find(e, (each) => each.operator === 'join' && isCall(each.operands[0], 'split'));
  if (joined && joined !== e) {
    const [split, by] = joined.operands as [Call, Expr | undefined];
    const [text, separator] = split.operands as [Expr, Expr];
    if (split.operands.length === 2 && isText(separator) && separator.value !== '' && (!by || isText(by))) {
      return replace(e, joined, call('replace', text, separator, by ?? value(''))) as Call;
    }
  }
  if (e.operator !== 'eq' && e.operator !== 'ne') return undefined;
  const [split, known] = isCall(e.operands[0], 'split') ? e.operands : [...e.operands].reverse();
  if (!isCall(split, 'split') || split.operands.length !== 2 || known?.kind !== 'value') return undefined;
  const [text, separator] = split.operands as [Expr, Expr];
  if (!Array.isArray(known.value) || !isText(separator) || separator.value === '') return undefined;
  const { value: at } = separator;
  const whole = known.value.every((each) => typeof each === 'string' && !each.includes(at));
  // A separator may also come about where two parts meet: what is put together has to come apart again.
  const text0 = known.value.join(at);
  const same = whole && known.value.length > 0 && text0.split(at).length === known.value.length;
  return call(e.operator, text, same ? value(text0) : value(null)) as Call;
}
