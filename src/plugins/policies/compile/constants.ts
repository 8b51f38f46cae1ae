// SPDX-License-Identifier: MPL-2.0
// Constants of the programs section, as native/shm/tables/program_format.h lays them out.
import { Kind, programLimits } from '../../../host/gen/program.js';
import { labelCount } from '../name.js';
import type { Dfa } from './dfa.js';
import { Refused } from './refused.js';

export interface Constant {
  kind: number;
  bytes: Buffer;
  extra: number;
}

/** Equal constants have equal keys. */
export const constantKey = (c: Constant): string => `${c.kind}:${c.extra}:${c.bytes.toString('latin1')}`;

const made = (kind: number, bytes: Buffer, extra = 0): Constant => ({ kind, bytes, extra });

export const textConstant = (text: string): Constant => made(Kind.text, Buffer.from(text, 'utf8'));
export const nameConstant = (wire: Buffer): Constant => made(Kind.name, wire, labelCount(wire));
/** Labels, and what the next one begins with: `www.ex`, of plain characters. */
export function beginConstant(text: string): Constant {
  const labels = text.split('.');
  const last = Buffer.from(labels.pop() ?? '');
  const whole = Buffer.concat(labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]));
  return made(Kind.begin, Buffer.concat([whole, last]), whole.length);
}

const uint32 = (...numbers: number[]): Buffer => Buffer.from(Uint32Array.from(numbers).buffer);

/** name_hash of program_format.h. */
export function nameHash(wire: Buffer): number {
  let hash = Math.imul(wire.length, 0x9e3779b1) >>> 0;
  let i = 0;
  for (; i + 4 <= wire.length; i += 4) {
    hash = Math.imul(hash ^ wire.readUInt32LE(i), 0x85ebca6b) >>> 0;
    hash = (hash ^ (hash >>> 15)) >>> 0;
  }
  for (; i < wire.length; i++) hash = Math.imul(hash ^ (wire[i] as number), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 13)) >>> 0;
}

const namesHeader = 48;
const slotBytes = 8;

/** A hash set of names in wire form. */
export function namesConstant(wires: readonly Buffer[]): Constant {
  const unique = [...new Map(wires.map((wire) => [wire.toString('latin1'), wire])).values()];
  let slots = 4;
  while (slots < 2 * unique.length) slots *= 2;
  const table = new Uint32Array(slots * 2);
  const sizes = Buffer.alloc(32);
  let at = namesHeader + slots * slotBytes;
  let longest = 1;
  for (const wire of unique) {
    const hash = nameHash(wire);
    let slot = hash & (slots - 1);
    while (table[slot * 2 + 1] !== 0) slot = (slot + 1) & (slots - 1);
    table[slot * 2] = hash;
    table[slot * 2 + 1] = at * 256 + wire.length;
    sizes[wire.length >> 3] = (sizes[wire.length >> 3] as number) | (1 << (wire.length & 7));
    at += wire.length;
    if (at >= 1 << 24) throw new Refused('in', 'a list of names is larger than 16 MiB');
  }
  for (let i = 0, run = 0; i < slots * 2; i++) {
    run = table[(i % slots) * 2 + 1] === 0 ? 0 : run + 1;
    longest = Math.max(longest, run + 1);
  }
  const header = uint32(slots, unique.length, longest, 0);
  return made(Kind.names, Buffer.concat([header, sizes, Buffer.from(table.buffer), ...unique]));
}

/** @throws Refused when the table is larger than a section may have. */
export function dfaConstant(dfa: Dfa, operator: string): Constant {
  if (dfa.states * dfa.classes > programLimits.maxDfaTable) {
    throw new Refused(operator, `${operator} needs too large a table here`);
  }
  const outcomes = Buffer.alloc(Math.ceil(dfa.states / 8) * 8);
  dfa.outcomes.forEach((outcome, state) => {
    outcomes[state] = outcome | (dfa.final[state] ? programLimits.final : 0);
  });
  const header = Buffer.from(Uint16Array.of(dfa.states, dfa.classes, dfa.start, 0).buffer);
  const next = Buffer.from(Uint16Array.from(dfa.next).buffer);
  return made(Kind.dfa, Buffer.concat([header, dfa.classOf, outcomes, next]));
}

function maskBytes(ids: Iterable<number>): Buffer {
  const mask = Buffer.alloc(programLimits.maxLists / 8);
  for (const id of ids) mask[id >> 3] = (mask[id >> 3] as number) | (1 << (id & 7));
  return mask;
}
export const maskConstant = (ids: Iterable<number>): Constant => made(Kind.mask, maskBytes(ids));

/** @param most 0xffffffff for no end */
export const spanConstant = (least: number, most: number): Constant => made(Kind.span, uint32(least, most));
export const countConstant = (ids: Iterable<number>, least: number, most: number): Constant =>
  made(Kind.count, Buffer.concat([maskBytes(ids), uint32(least, most)]));

export function typesConstant(types: Iterable<number>): Constant {
  const spans: number[] = [];
  for (const type of [...new Set(types)].sort((a, b) => a - b)) {
    if (spans.length > 0 && spans.at(-1) === type - 1) spans[spans.length - 1] = type;
    else spans.push(type, type);
  }
  return made(Kind.types, Buffer.from(Uint16Array.from(spans).buffer), spans.length / 2);
}

/** First and last address, 4 or 16 bytes. */
export type AddressRange = [first: Buffer, last: Buffer];

export function rangesConstant(ranges: readonly AddressRange[]): Constant {
  const family = (bytes: number) => merged(ranges.filter(([first]) => first.length === bytes));
  const [v4, v6] = [family(4), family(16)];
  return made(
    Kind.ranges,
    Buffer.concat([
      uint32(v4.length, v6.length),
      uint32(...v4.flatMap(([first, last]) => [first.readUInt32BE(), last.readUInt32BE()])),
      ...v6.flat(),
    ]),
  );
}

/** Sorted, without overlaps. */
function merged(ranges: readonly AddressRange[]): AddressRange[] {
  const all: AddressRange[] = [];
  // Pairs are new ones: a range that grows must not grow elsewhere.
  for (const [first, last] of [...ranges].sort(([a], [b]) => Buffer.compare(a, b))) {
    const before = all.at(-1);
    if (!before || Buffer.compare(before[1], first) < 0) all.push([first, last]);
    else if (Buffer.compare(before[1], last) < 0) before[1] = last;
  }
  return all;
}
