// SPDX-License-Identifier: MPL-2.0
// Conditions on one text (the name, or the client's address), as machines.
import { evaluate, failed, operation, type Result } from './evaluate.js';
import { call, type Expr, isText, show, substitute, value } from './expression.js';
import {
  counted,
  indexOf,
  joined,
  type Machine,
  negated,
  type Outcome,
  occurrences,
  oneOf,
} from './machine.js';
import { constant, decides, predicate, segments } from './predicates.js';
import { Refused } from './refused.js';
import {
  appended,
  behind,
  charAt,
  lowerAscii,
  part,
  prepended,
  replace,
  substring,
  upperAscii,
} from './transducer.js';

/** Most bytes of a name's text, and so of every text that is read. */
const mostBytes = 1016;

export const outcome = (result: Result): Outcome => (result === true ? 1 : result === false ? 0 : 2);

/** The condition `e` on the text that `base` stands for; everything else in it is known. */
export class TextCondition {
  constructor(private readonly base: Expr) {}

  private has(e: Expr): boolean {
    if (show(e) === show(this.base)) return true;
    if (e.kind === 'call') return e.operands.some((each) => this.has(each));
    return e.kind === 'lambda' && e.bodies.some((each) => this.has(each));
  }

  /** @throws Refused */
  machine(e: Expr): Machine {
    if (!this.has(e)) return constant(outcome(evaluate(e)));
    if (e.kind !== 'call') throw new Refused('bool', `${show(e)} is no condition`);
    const operands = e.operands;
    switch (e.operator) {
      case 'and':
      case 'or':
        return joined(
          operands.map((each) => this.machine(each)),
          decides(e.operator === 'or'),
        );
      case 'not':
        return negated(this.machine(operands[0] as Expr));
      case 'if':
        return joined(
          operands.map((each) => this.machine(each)),
          ([c, a, b]) => (c === 2 ? 2 : ((c ? a : b) ?? 2)),
        );
      case 'ne':
        return negated(this.machine(call('eq', ...operands)));
      case 'has_intersection':
        return this.machine(call('hasIntersection', ...operands));
      case 'exists':
      case 'all':
      case 'exists_one':
        return this.parts(e.operator, operands[0] as Expr, operands[1] as Expr);
    }
    return this.ofText(e) ?? this.ofNumber(e);
  }

  /** What `e` says for every size of the base, 0..1016, when it asks for nothing but that size. */
  bySize(e: Expr): Outcome[] | undefined {
    const number = this.number(e);
    if (number?.operator !== 'size' || show(number.operands[0] as Expr) !== show(this.base)) return undefined;
    return Array.from({ length: mostBytes + 1 }, (_, n) => outcome(evaluate(replaced(e, number, value(n)))));
  }

  /** A predicate of a text and constants; undefined when `e` is not one. */
  private ofText(e: Expr & { kind: 'call' }): Machine | undefined {
    const [a, b] = e.operands as [Expr, Expr];
    if (e.operands.length !== 2) return undefined;
    const [left, right] = [this.has(a), this.has(b)];
    if (left && right) throw new Refused(e.operator, `${e.operator} of two parts of the request: ${show(e)}`);
    if (e.operator === 'in' && right) return this.parts('exists', b, same(a));
    if (e.operator === 'hasIntersection') return this.intersection(left ? a : b, left ? b : a);
    if (e.operator === 'eq' && left !== right) return this.equals(left ? a : b, left ? b : a);
    if (!left) return this.reversed(e, a, b);
    if (!this.isText(a)) return undefined;
    const known = evaluate(b);
    if (known === failed) return constant(2);
    const machine = predicate(e.operator, known);
    return machine && this.before(a, machine);
  }

  private intersection(list: Expr, known: Expr): Machine {
    const values = evaluate(known);
    if (!Array.isArray(values)) return constant(2);
    return this.parts('exists', list, {
      kind: 'lambda',
      bodies: [call('in', { kind: 'variable', name: '@part' }, value(values))],
      variables: ['@part'],
    });
  }

  /** Constant on the left: comparisons turned around, and texts that are part of a constant. */
  private reversed(e: Expr & { kind: 'call' }, a: Expr, b: Expr): Machine | undefined {
    const turned = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' }[e.operator];
    if (turned && this.isText(b)) return this.machine(call(turned, b, a));
    const known = evaluate(a);
    if (!this.isText(b) || !['startsWith', 'endsWith', 'contains'].includes(e.operator)) return undefined;
    if (typeof known !== 'string') return constant(2);
    if (known.length > 64)
      throw new Refused(e.operator, `${e.operator} on a constant longer than 64 characters`);
    const all: string[] = [];
    for (let from = 0; from <= known.length; from++) {
      for (let to = from; to <= known.length; to++) all.push(known.slice(from, to));
    }
    const of = operation(e.operator);
    return this.before(b, oneOf(all.filter((each) => of?.(known, each) === true)));
  }

  private equals(of: Expr, known: Expr): Machine | undefined {
    const wanted = evaluate(known);
    if (wanted === failed) return constant(2);
    if (this.isText(of)) return this.before(of, oneOf(typeof wanted === 'string' ? [wanted] : []));
    return undefined;
  }

  /** Whether `e` is a text that is computed from the base. */
  private isText(e: Expr): boolean {
    if (show(e) === show(this.base)) return true;
    if (e.kind !== 'call' || !this.has(e)) return false;
    const [first] = e.operands as [Expr];
    if (e.operator === 'index') return first.kind === 'call' && first.operator === 'split';
    if (e.operator === 'add') return e.operands.some((each) => this.isText(each));
    return ['lowerAscii', 'upperAscii', 'substring', 'charAt', 'replace', 'string', 'trim'].includes(
      e.operator,
    );
  }

  /** The machine on the base, of one on the text `e` that is computed from it. */
  private before(e: Expr, machine: Machine): Machine {
    if (show(e) === show(this.base)) return machine;
    if (e.kind !== 'call') throw new Refused('text', `${show(e)} is no text`);
    const [first, ...others] = e.operands as [Expr, ...Expr[]];
    if (e.operator === 'add') return this.concatenated(e.operands, machine);
    const known = others.map(evaluate);
    if (known.includes(failed)) return constant(2);
    if (e.operator === 'index' && first.kind === 'call') return this.partOf(first, known[0], machine);
    const [a, b, c] = known;
    const whole = (n: unknown): n is number => Number.isSafeInteger(n);
    if (known.length === 0) {
      const simple = { lowerAscii, upperAscii }[e.operator];
      if (simple) return this.before(first, behind(simple, machine));
      // Names and addresses hold no white space; what was added to them may.
      if (e.operator === 'string' || (e.operator === 'trim' && !/\s/u.test(texts(first)))) {
        return this.before(first, machine);
      }
    }
    if (e.operator === 'charAt' && whole(a) && known.length === 1) {
      return a < 0 ? constant(2) : this.before(first, behind(charAt(a), machine));
    }
    if (e.operator === 'substring' && whole(a) && (b === undefined || whole(b))) {
      const valid = a >= 0 && (b === undefined || b >= a);
      return valid ? this.before(first, behind(substring(a, b), machine)) : constant(2);
    }
    if (e.operator === 'replace' && typeof a === 'string' && a !== '' && typeof b === 'string') {
      if (c === undefined || whole(c)) return this.before(first, behind(replace(a, b, c ?? -1), machine));
    }
    throw new Refused(e.operator, `${e.operator} is not compiled in this form: ${show(e)}`);
  }

  private concatenated(operands: readonly Expr[], machine: Machine): Machine {
    const [a, b] = operands as [Expr, Expr];
    const [left, right] = [this.has(a), this.has(b)];
    if (left && right) throw new Refused('add', `add of two parts of the request`);
    const known = evaluate(left ? b : a);
    if (typeof known !== 'string') return constant(2);
    return left
      ? this.before(a, behind(appended(known), machine))
      : this.before(b, behind(prepended(known), machine));
  }

  /** `split(text, separator[, limit])[index]` */
  private partOf(split: Expr & { kind: 'call' }, index: Result | undefined, machine: Machine): Machine {
    const [of, separator, limit] = split.operands as [Expr, Expr, Expr | undefined];
    const most = limit ? evaluate(limit) : -1;
    if (
      !isText(separator) ||
      separator.value === '' ||
      !Number.isSafeInteger(most) ||
      !Number.isSafeInteger(index)
    ) {
      throw new Refused('split', `split is not compiled in this form: ${show(split)}`);
    }
    if ((index as number) < 0 || most === 0) return constant(2);
    return this.before(of, behind(part(separator.value, index as number, most as number), machine));
  }

  /** A condition on a number that comes of the text: its size, a place in it, how many parts it has. */
  private ofNumber(e: Expr): Machine {
    const number = this.number(e);
    if (number?.kind !== 'call') {
      throw new Refused(e.kind === 'call' ? e.operator : e.kind, `not compiled: ${show(e)}`);
    }
    const says = (n: number): Outcome => all[Math.min(n, mostBytes) + 1] as Outcome;
    const all = Array.from({ length: mostBytes + 2 }, (_, i) =>
      outcome(evaluate(replaced(e, number, value(i - 1)))),
    );
    // From here on all numbers say the same.
    const most = Math.max(1, all.map((each) => each !== all.at(-1)).lastIndexOf(true));
    const [of, sought, offset] = number.operands as [Expr, Expr, Expr | undefined];
    if (number.operator !== 'size') {
      const known = evaluate(sought);
      if (typeof known !== 'string') return constant(2);
      const last = number.operator === 'lastIndexOf';
      if (offset) {
        const from = evaluate(offset);
        if (typeof from !== 'number' || from < 0 || known === '')
          throw new Refused('indexOf', `not compiled: ${show(e)}`);
        return this.before(of, indexOf(known, false, most, says, from));
      }
      if (known === '') return last ? this.before(of, counted(most, says)) : constant(says(0));
      return this.before(of, indexOf(known, last, most, says));
    }
    if (this.isText(of)) {
      if (/\b(add|replace)\(/.test(show(of)))
        throw new Refused('size', `size of a text that was added to: ${show(of)}`);
      return this.before(of, counted(most, says));
    }
    const parts = of as Expr & { kind: 'call' };
    const [text, separator] = parts.operands as [Expr, Expr];
    if (parts.operands.length !== 2 || !isText(separator) || separator.value.length !== 1) {
      throw new Refused('split', `split is not compiled in this form: ${show(parts)}`);
    }
    return this.before(
      text,
      occurrences(separator.value.charCodeAt(0), most, (count) => says(count + 1)),
    );
  }

  /** The one sub-expression through which the base comes into `e` as a number. */
  private number(e: Expr): (Expr & { kind: 'call' }) | undefined {
    if (e.kind !== 'call') return undefined;
    const [of] = e.operands as [Expr];
    const sized =
      e.operator === 'size' && (this.isText(of) || (of.kind === 'call' && of.operator === 'split'));
    const others = e.operands.length === 2 || (e.operands.length === 3 && e.operator === 'indexOf');
    const placed = /^(lastI|i)ndexOf$/.test(e.operator) && this.isText(of) && others;
    if (sized || placed) return e;
    const found = e.operands.filter((each) => this.has(each)).map((each) => this.number(each));
    const [first] = found;
    if (!first || found.some((each) => !each || show(each) !== show(first))) return undefined;
    return first;
  }

  /** exists, all and exists_one over the parts of a text. */
  private parts(operator: string, list: Expr, lambda: Expr): Machine {
    const [text, separator] = list.kind === 'call' ? (list.operands as [Expr, Expr]) : [];
    const splits = list.kind === 'call' && list.operator === 'split' && list.operands.length === 2;
    if (!text || !splits || !isText(separator) || separator.value.length !== 1) {
      throw new Refused(operator, `${operator} is not compiled over ${show(list)}`);
    }
    if (lambda.kind !== 'lambda' || lambda.variables.length !== 1 || lambda.bodies.length !== 1) {
      throw new Refused(operator, `${operator} with two variables`);
    }
    const variable: Expr = { kind: 'variable', name: '@each' };
    const body = substitute(lambda.bodies[0] as Expr, lambda.variables[0] as string, variable);
    if (this.has(body))
      throw new Refused(operator, `${operator} compares parts of the request with each other`);
    return this.before(
      text,
      segments(separator.value.charCodeAt(0), new TextCondition(variable).machine(body), operator),
    );
  }
}

const same = (wanted: Expr): Expr => ({
  kind: 'lambda',
  bodies: [call('eq', { kind: 'variable', name: '@part' }, wanted)],
  variables: ['@part'],
});

/** All constants in `e`, as one text. */
function texts(e: Expr): string {
  if (e.kind === 'value') return String(e.value);
  return e.kind === 'call' ? e.operands.map(texts).join('') : '';
}

function replaced(e: Expr, what: Expr, by: Expr): Expr {
  if (show(e) === show(what)) return by;
  return e.kind === 'call' ? { ...e, operands: e.operands.map((each) => replaced(each, what, by)) } : e;
}
