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
  const columns: number[][] = alphabet.map(() => []);
  for (let i = 0; i < all.length; i++) {
    const state = all[i] as State;
    alphabet.forEach((byte, column) => void columns[column]?.push(id(machine.step(state, byte))));
  }
  const outcomes = all.map((state) => machine.end(state));
  const { columns: different, classOf } = classes(columns);
  return smallest(start, different, outcomes, classOf);
}

/** Bytes with equal columns are one class. */
function classes(columns: readonly number[][]): { columns: number[][]; classOf: Uint8Array } {
  const known = new Map<string, number>();
  const classOf = new Uint8Array(256);
  const different: number[][] = [];
  columns.forEach((column, i) => {
    const key = column.join(',');
    let id = known.get(key);
    if (id === undefined) {
      id = different.push(column) - 1;
      known.set(key, id);
    }
    classOf[alphabet[i] as number] = id;
  });
  return { columns: different, classOf };
}

/** Moore: states are split until all of a block go to the same blocks. */
function smallest(
  start: number,
  columns: readonly number[][],
  outcomes: readonly Outcome[],
  classOf: Uint8Array,
): Dfa {
  let block: number[] = [...outcomes];
  for (let count = new Set(block).size; ; ) {
    // A pair of numbers at a time, so that keys are numbers.
    for (const column of columns) {
      const ids = new Map<number, number>();
      const now = block;
      block = now.map((own, state) => {
        const key = own * (mostStates + 3) + (now[column[state] as number] as number);
        let id = ids.get(key);
        if (id === undefined) {
          id = ids.size;
          ids.set(key, id);
        }
        return id;
      });
    }
    const size = new Set(block).size;
    if (size === count) break;
    count = size;
  }
  const sample: number[] = [];
  block.forEach((of, state) => {
    sample[of] ??= state;
  });
  const next = sample.flatMap((state) => columns.map((column) => block[column[state] as number] as number));
  const width = columns.length;
  const { columns: merged, classOf: again } = classes(
    alphabet.map((byte) => sample.map((_, of) => next[of * width + (classOf[byte] as number)] as number)),
  );
  return {
    states: sample.length,
    classes: merged.length,
    start: block[start] as number,
    classOf: again,
    outcomes: sample.map((state) => outcomes[state] as Outcome),
    final: sample.map((_, of) => merged.every((column) => column[of] === of)),
    next: sample.flatMap((_, of) => merged.map((column) => column[of] as number)),
  };
}

/** What it says of a text. */
export function run(dfa: Dfa, text: string): Outcome {
  let state = dfa.start;
  for (let i = 0; i < text.length; i++) {
    state = dfa.next[state * dfa.classes + (dfa.classOf[text.charCodeAt(i)] as number)] as number;
  }
  return dfa.outcomes[state] as Outcome;
}
