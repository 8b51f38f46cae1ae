// SPDX-License-Identifier: MPL-2.0
// Conditions that ask whether one thing is among many: names, subtrees, types, addresses, lists. They never fail, and
// several of a kind, joined by `or`, are one test.
import { Op } from '../../../host/gen/program.js';
import { nameWire } from '../name.js';
import { qtypeNumber } from '../qtypes.js';
import { cidrRange, clientRange } from './cidr.js';
import {
  type AddressRange,
  maskConstant,
  nameConstant,
  namesConstant,
  rangesConstant,
  typesConstant,
} from './constants.js';
import type { ListIds } from './elements.js';
import { type Attribute, type Expr, isText } from './expression.js';
import type { Test } from './graph.js';

export type Choice =
  | { of: 'names' | 'under'; wires: Buffer[] }
  | { of: 'types'; types: number[] }
  | { of: 'clients'; ranges: AddressRange[] }
  | { of: 'lists'; ids: number[] };

const attribute = (e: Expr | undefined): Attribute | undefined =>
  e?.kind === 'attribute' ? e.name : undefined;
const present = <T>(values: (T | undefined)[]): T[] => values.filter((each) => each !== undefined);

/** Undefined when `e` is no such condition. */
export function choice(e: Expr, lists: ListIds): Choice | undefined {
  if (e.kind !== 'call' || e.operands.length !== 2) return undefined;
  const [a, b] = e.operands as [Expr, Expr];
  if (e.operator === 'eq')
    return isConstant(a) ? among(b, [a.value]) : isConstant(b) ? among(a, [b.value]) : undefined;
  if (e.operator === 'in') {
    if (b.kind === 'value' && Array.isArray(b.value)) return among(a, b.value);
    if (attribute(b) !== 'lists' || !isConstant(a)) return undefined;
    return { of: 'lists', ids: present([typeof a.value === 'string' ? lists.get(a.value) : undefined]) };
  }
  if (e.operator === 'inIPAddrRange' && attribute(a) === 'client' && isText(b)) {
    const range = cidrRange(b.value);
    return range && { of: 'clients', ranges: [range] };
  }
  if (e.operator === 'endsWith' && attribute(a) === 'qname' && isText(b)) return under(b.value);
  return undefined;
}

const isConstant = (e: Expr): e is { kind: 'value'; value: string | number } =>
  e.kind === 'value' && (typeof e.value === 'string' || typeof e.value === 'number');

/** Plain characters only: then the text ends so exactly when the wire form does, at the begin of a label. */
function under(suffix: string): Choice | undefined {
  if (!/^(\.[a-z0-9_/-]{1,63})+$/.test(suffix)) return undefined;
  const wire = nameWire(suffix.slice(1));
  return wire && { of: 'under', wires: [wire] };
}

function among(of: Expr, values: readonly unknown[]): Choice | undefined {
  const texts = values.filter((each) => typeof each === 'string');
  switch (attribute(of)) {
    case 'qname':
      return { of: 'names', wires: present(texts.map(nameWire)) };
    case 'qtype':
      return { of: 'types', types: present(texts.map(qtypeNumber)) };
    case 'client':
      return { of: 'clients', ranges: present(texts.map(clientRange)) };
    default:
      return undefined;
  }
}

/** Both of one kind. */
export function either(a: Choice, b: Choice): Choice | undefined {
  if (a.of === 'types' && b.of === 'types') return { of: 'types', types: [...a.types, ...b.types] };
  if (a.of === 'clients' && b.of === 'clients') return { of: 'clients', ranges: [...a.ranges, ...b.ranges] };
  if (a.of === 'lists' && b.of === 'lists') return { of: 'lists', ids: [...a.ids, ...b.ids] };
  if ((a.of === 'names' || a.of === 'under') && a.of === b.of)
    return { of: a.of, wires: [...a.wires, ...b.wires] };
  return undefined;
}

/** Tests of which one has to hold; none when nothing is among nothing. */
export function choiceTests(choice: Choice): Test[] {
  switch (choice.of) {
    case 'names':
      if (choice.wires.length < 3) return choice.wires.map((wire) => test(Op.nameIs, nameConstant(wire)));
      return [test(Op.nameIn, namesConstant(choice.wires))];
    case 'under':
      if (choice.wires.length < 9) return choice.wires.map((wire) => test(Op.nameUnder, nameConstant(wire)));
      return [test(Op.nameUnderAny, namesConstant(choice.wires))];
    case 'types': {
      const types = [...new Set(choice.types)];
      if (types.length < 5) return types.map((type) => test(Op.typeIs, type));
      return [test(Op.typeIn, typesConstant(types))];
    }
    case 'clients':
      return choice.ranges.length === 0 ? [] : [test(Op.clientIn, rangesConstant(choice.ranges))];
    case 'lists': {
      const ids = [...new Set(choice.ids)];
      if (ids.length < 3) return ids.map((id) => test(Op.listIs, id));
      return [test(Op.listsAny, maskConstant(ids))];
    }
  }
}

const test = (op: number, operand: Test['operand']): Test => ({ op, arg: 0, operand });

/** About how much a test costs; cheap ones come first. */
export const choiceCost = { types: 0, lists: 1, clients: 2, names: 3, under: 4 } as const;
