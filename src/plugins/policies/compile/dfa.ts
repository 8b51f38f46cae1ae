// SPDX-License-Identifier: MPL-2.0
// The table of a machine: all states that a text can reach, the fewest that tell the same, and bytes that are never told
// apart in one class.
import type { Machine, Outcome, State } from './machine.js';
import { Refused } from './refused.js';

export interface Dfa {
  states: number;
  classes: number;
  start: number;
  /** Class of each of the 256 bytes. */
  classOf: Uint8Array;
  /** By state. */
  outcomes: Outcome[];
  /** By state, whether no byte leads out of it. */
  final: boolean[];
  /** By state and class. */
  next: number[];
}

/** What the texts of the request are made of. */
const first = 0x21;
const last = 0x7e;
const alphabet = Array.from({ length: last - first + 1 }, (_, i) => first + i);

const mostStates = 8192;

/** @throws Refused when it needs more than 8,192 states; `operator` is what to name then. */
export function toDfa(machine: Machine, operator: string): Dfa {
  const ids = new Map<State, number>();
  const all: State[] = [];
  const id = (state: State): number => {
    let known = ids.get(state);
    if (known === undefined) {
      known = all.push(state) - 1;
      ids.set(state, known);
      if (known >= mostStates) {
        throw new Refused(operator, `${operator} needs a table of more than ${mostStates} states here`);
      }
    }
    return known;
  };
  const start = id(machine.start);
  const rows: number[][] = [];
  for (let i = 0; i < all.length; i++)
    rows.push(alphabet.map((byte) => id(machine.step(all[i] as State, byte))));
  return smallest(
    start,
    rows,
    all.map((state) => machine.end(state)),
  );
}

/** Moore: states are split until all of a block go to the same blocks. */
function smallest(start: number, rows: readonly number[][], outcomes: readonly Outcome[]): Dfa {
  let block: number[] = [...outcomes];
  let count = new Set(block).size;
  for (;;) {
    const ids = new Map<string, number>();
    const refined = rows.map((row, state) => {
      const key = `${block[state]}:${row.map((to) => block[to]).join(',')}`;
      let known = ids.get(key);
      if (known === undefined) {
        known = ids.size;
        ids.set(key, known);
      }
      return known;
    });
    block = refined;
    if (ids.size === count) break;
    count = ids.size;
  }
  const sample: number[] = [];
  block.forEach((of, state) => {
    sample[of] ??= state;
  });
  const columns = new Map<string, number>();
  const classOf = new Uint8Array(256);
  const representatives: number[] = [];
  for (const [i, byte] of alphabet.entries()) {
    const key = sample.map((state) => block[(rows[state] as number[])[i] as number]).join(',');
    let known = columns.get(key);
    if (known === undefined) {
      known = columns.size;
      columns.set(key, known);
      representatives.push(i);
    }
    classOf[byte] = known;
  }
  const next = sample.flatMap((state) =>
    representatives.map((i) => block[(rows[state] as number[])[i] as number] as number),
  );
  const classes = representatives.length;
  return {
    states: sample.length,
    classes,
    start: block[start] as number,
    classOf,
    outcomes: sample.map((state) => outcomes[state] as Outcome),
    final: sample.map((_, of) => next.slice(of * classes, (of + 1) * classes).every((to) => to === of)),
    next,
  };
}
