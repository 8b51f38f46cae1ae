// SPDX-License-Identifier: MPL-2.0
// CEL on values that are known: constants of a policy, names of lists, every type in turn. Exact, or refused: an
// operator that is not here is not guessed at. Numbers of a plan are JSON's, so an int and a double of the same value
// look alike; arithmetic is done on whole numbers only, where they are ints.
import { LRUCache } from 'lru-cache';
import { type Expr, substitute, type Value, value } from './expression.js';
import type { Machine } from './machine.js';
import { Refused } from './refused.js';
import { matches } from './regex-machine.js';

/** CEL's run-time error, as a value. */
export const failed = Symbol('failed');
export type Result = Value | typeof failed;

type Known = (...values: Value[]) => Result;

const points = (text: string): string[] => [...text];
const isWhole = (v: Value | undefined): v is number => typeof v === 'number' && Number.isSafeInteger(v);
const texts = (...values: Value[]): boolean => values.every((each) => typeof each === 'string');

export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((v, i) => equal(v, b[i] as Value));
  if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object') {
    throw new Refused('eq', 'maps are not compared');
  }
  return a === b;
}

/** Byte order of UTF-8, which is the order of code points. */
export const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function compare(a: Value, b: Value): number | typeof failed {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return failed;
}
const ordering =
  (holds: (order: number) => boolean): Known =>
  (a, b) => {
    const order = compare(a as Value, b as Value);
    return order === failed ? failed : holds(order);
  };

const arithmetic =
  (operator: string, of: (a: number, b: number) => number): Known =>
  (a, b) => {
    if (!isWhole(a) || !isWhole(b)) throw new Refused(operator, `${operator} of numbers that are not whole`);
    const result = of(a, b);
    if (!Number.isSafeInteger(result)) throw new Refused(operator, `${operator} of numbers beyond 2^53`);
    return result;
  };

const text =
  (of: (text: string, ...others: Value[]) => Result): Known =>
  (first, ...others) =>
    typeof first === 'string' ? of(first, ...others) : failed;

function substring(of: string, from: Value, to?: Value): Result {
  const all = points(of);
  if (!isWhole(from) || (to !== undefined && !isWhole(to))) return failed;
  if (from < 0 || from > all.length || (to !== undefined && (to < from || to > all.length))) return failed;
  return all.slice(from, to as number | undefined).join('');
}

function add(a: Value, b: Value): Result {
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a === 'number' && typeof b === 'number') return arithmetic('add', (x, y) => x + y)(a, b);
  return failed;
}

function contained(a: Value, b: Value): Result {
  if (Array.isArray(b)) return b.some((each) => equal(a, each));
  return failed;
}

const size: Known = (of) =>
  typeof of === 'string' ? points(of).length : Array.isArray(of) ? of.length : failed;

const division = (operator: string, of: (a: number, b: number) => number): Known => {
  const whole = arithmetic(operator, of);
  return (a, b) => (b === 0 ? failed : whole(a as Value, b as Value));
};

/** A pattern is asked about many values in turn. */
const patterns = new LRUCache<string, Machine>({ max: 50 });

const known: Record<string, Known> = {
  eq: (a, b) => equal(a as Value, b as Value),
  ne: (a, b) => !equal(a as Value, b as Value),
  lt: ordering((order) => order < 0),
  le: ordering((order) => order <= 0),
  gt: ordering((order) => order > 0),
  ge: ordering((order) => order >= 0),
  in: (a, b) => contained(a as Value, b as Value),
  list: (...values) => values,
  size,
  add: (a, b) => add(a as Value, b as Value),
  sub: arithmetic('sub', (a, b) => a - b),
  mult: arithmetic('mult', (a, b) => a * b),
  div: division('div', (a, b) => Math.trunc(a / b)),
  mod: division('mod', (a, b) => a % b),
  '-_': (a) => (isWhole(a) ? -a : failed),
  startsWith: text((a, b) => (typeof b === 'string' ? a.startsWith(b) : failed)),
  endsWith: text((a, b) => (typeof b === 'string' ? a.endsWith(b) : failed)),
  contains: text((a, b) => (typeof b === 'string' ? a.includes(b) : failed)),
  lowerAscii: text((a) => a.replace(/[A-Z]/g, (c) => c.toLowerCase())),
  upperAscii: text((a) => a.replace(/[a-z]/g, (c) => c.toUpperCase())),
  charAt: text((a, i) => {
    if (!isWhole(i) || i < 0 || i > points(a).length) return failed;
    return points(a)[i] ?? '';
  }),
  substring: text((a, from, to) => substring(a, from as Value, to)),
  indexOf: text((a, b, ...more) =>
    more.length === 0 && typeof b === 'string' ? placeOf(a, b, false) : failed,
  ),
  lastIndexOf: text((a, b, ...more) =>
    more.length === 0 && typeof b === 'string' ? placeOf(a, b, true) : failed,
  ),
  split: text((a, separator, ...more) => {
    if (more.length > 0 || typeof separator !== 'string') throw new Refused('split', 'split with a limit');
    return separator === '' ? points(a) : a.split(separator);
  }),
  replace: text((a, seek, by, ...more) => {
    if (more.length > 0 || !texts(seek as Value, by as Value))
      throw new Refused('replace', 'replace with a limit');
    return a.split(seek as string).join(by as string);
  }),
  trim: text((a) => {
    if (/[^\x20-\x7e]/.test(a)) throw new Refused('trim', 'trim of a text that is not printable ASCII');
    return a.trim();
  }),
  reverse: text((a) => points(a).reverse().join('')),
  string: (a) => (typeof a === 'string' ? a : typeof a === 'boolean' || isWhole(a) ? String(a) : failed),
  matches: text((a, pattern) => {
    if (typeof pattern !== 'string') return failed;
    if (!/^[!-~]*$/.test(a)) throw new Refused('matches', 'matches on a text that is not ASCII');
    const machine = patterns.get(pattern) ?? matches(pattern);
    patterns.set(pattern, machine);
    return machine.end([...Buffer.from(a)].reduce((at, byte) => machine.step(at, byte), machine.start)) === 1;
  }),
  index: (a, i) => {
    if (!Array.isArray(a)) throw new Refused('index', 'an index into something that is not a list');
    return isWhole(i) ? (a[i] ?? failed) : failed;
  },
  hasIntersection: (a, b) => lists(a, b, (x, y) => x.some((each) => y.some((other) => equal(each, other)))),
  isSubset: (a, b) => lists(a, b, (x, y) => x.every((each) => y.some((other) => equal(each, other)))),
  except: (a, b) => lists(a, b, (x, y) => x.filter((each) => !y.some((other) => equal(each, other)))),
};
known.has_intersection = known.hasIntersection as Known;
known.is_subset = known.isSubset as Known;

function placeOf(a: string, b: string, last: boolean): number {
  if (b === '') return last ? points(a).length : 0;
  const at = last ? a.lastIndexOf(b) : a.indexOf(b);
  return at < 0 ? -1 : points(a.slice(0, at)).length;
}

function lists(a: Value | undefined, b: Value | undefined, of: (a: Value[], b: Value[]) => Value): Result {
  return Array.isArray(a) && Array.isArray(b) ? of(a, b) : failed;
}

/** An operator that evaluate() knows, applied; undefined when it is not known. */
export const operation = (operator: string): Known | undefined =>
  Object.hasOwn(known, operator) ? known[operator] : undefined;

/** @throws Refused for operators that are not known, and for attributes and variables without a value. */
export function evaluate(e: Expr): Result {
  if (e.kind === 'value') return e.value;
  if (e.kind !== 'call') throw new Refused(e.kind, 'a part of a condition that has no value yet');
  switch (e.operator) {
    case '@fails':
      return failed;
    case 'and':
    case 'or':
      return logical(e.operator === 'or', e.operands);
    case 'not': {
      const of = evaluate(e.operands[0] as Expr);
      return typeof of === 'boolean' ? !of : failed;
    }
    case 'if': {
      const condition = evaluate(e.operands[0] as Expr);
      return typeof condition === 'boolean' ? evaluate(e.operands[condition ? 1 : 2] as Expr) : failed;
    }
    case 'exists':
    case 'all':
    case 'exists_one':
    case 'filter':
    case 'map':
      return overList(e.operator, e.operands);
  }
  const of = operation(e.operator);
  if (!of) throw new Refused(e.operator, `${e.operator} is not compiled`);
  const values: Value[] = [];
  for (const operand of e.operands) {
    const each = evaluate(operand);
    if (each === failed) return failed;
    values.push(each);
  }
  return of(...values);
}

/** Like CEL's: what decides wins over what fails. */
function logical(decisive: boolean, operands: readonly Expr[]): Result {
  let result: Result = !decisive;
  for (const operand of operands) {
    const each = evaluate(operand);
    if (each === decisive) return decisive;
    if (typeof each !== 'boolean') result = failed;
  }
  return result;
}

function overList(operator: string, [target, body]: readonly Expr[]): Result {
  const list = evaluate(target as Expr);
  if (list === failed || !Array.isArray(list)) return failed;
  if (body?.kind !== 'lambda' || body.variables.length !== 1 || body.bodies.length !== 1) {
    throw new Refused(operator, `${operator} with two variables`);
  }
  const each = list.map((item) =>
    substitute(body.bodies[0] as Expr, body.variables[0] as string, value(item)),
  );
  if (operator === 'exists') return logical(true, each);
  if (operator === 'all') return logical(false, each);
  const results = each.map(evaluate);
  if (operator === 'map') return results.includes(failed) ? failed : (results as Value[]);
  if (results.some((of) => typeof of !== 'boolean')) return failed;
  if (operator === 'filter') return list.filter((_, i) => results[i] === true);
  return results.filter((of) => of === true).length === 1;
}
