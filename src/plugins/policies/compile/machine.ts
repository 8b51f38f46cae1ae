// SPDX-License-Identifier: MPL-2.0
// Machines read a text byte by byte and end in true, false or error (CEL's run-time error). Conditions on a text are
// put together from them; dfa.ts makes the table. A state is a number or a string, equal states are the same value.
// Texts of the request are ASCII (0x21..0x7e), so bytes are CEL's characters.

export type State = number | string;
/** 0 false, 1 true, 2 error: numbers of Outcome in program_format.h. */
export type Outcome = 0 | 1 | 2;

export interface Machine {
  start: State;
  step(state: State, byte: number): State;
  end(state: State): Outcome;
}

const bit = (holds: boolean): Outcome => (holds ? 1 : 0);
const dead = -1;
const bytesOf = (text: string): number[] => [...Buffer.from(text, 'utf8')];

/** The text is one of `texts`. */
export function oneOf(texts: readonly string[]): Machine {
  const next: Map<number, number>[] = [new Map()];
  const ends = new Set<number>();
  for (const text of texts) {
    let at = 0;
    for (const byte of bytesOf(text)) {
      let to = next[at]?.get(byte);
      if (to === undefined) {
        to = next.length;
        next.push(new Map());
        next[at]?.set(byte, to);
      }
      at = to;
    }
    ends.add(at);
  }
  return {
    start: 0,
    step: (state, byte) => next[state as number]?.get(byte) ?? dead,
    end: (state) => bit(ends.has(state as number)),
  };
}

export function startsWith(prefix: string): Machine {
  const wanted = bytesOf(prefix);
  return {
    start: 0,
    step: (state, byte) =>
      state === dead || state === wanted.length
        ? state
        : wanted[state as number] === byte
          ? (state as number) + 1
          : dead,
    end: (state) => bit(state === wanted.length),
  };
}

/** Knuth, Morris, Pratt: how much of `wanted` ends here, after `matched` bytes of it and one more. */
function advance(wanted: readonly number[]): (matched: number, byte: number) => number {
  const fallback: number[] = [0, 0];
  for (let i = 1, k = 0; i < wanted.length; i++) {
    while (k > 0 && wanted[i] !== wanted[k]) k = fallback[k] as number;
    if (wanted[i] === wanted[k]) k++;
    fallback[i + 1] = k;
  }
  return (matched, byte) => {
    let k = matched === wanted.length ? (fallback[matched] as number) : matched;
    while (k > 0 && wanted[k] !== byte) k = fallback[k] as number;
    return wanted[k] === byte ? k + 1 : 0;
  };
}

export function contains(text: string): Machine {
  const wanted = bytesOf(text);
  const go = advance(wanted);
  return {
    start: 0,
    step: (state, byte) => (state === wanted.length ? state : go(state as number, byte)),
    end: (state) => bit(state === wanted.length),
  };
}

export function endsWith(text: string): Machine {
  const wanted = bytesOf(text);
  const go = wanted.length === 0 ? () => 0 : advance(wanted);
  return { start: 0, step: (s, byte) => go(s as number, byte), end: (s) => bit(s === wanted.length) };
}

export type Comparison = 'lt' | 'le' | 'gt' | 'ge';

/** The text, compared byte by byte with `than`. */
export function ordered(comparison: Comparison, than: string): Machine {
  const other = bytesOf(than);
  const says = { lt: [-1], le: [-1, 0], gt: [1], ge: [1, 0] }[comparison];
  return {
    start: 0,
    step(state, byte) {
      if (typeof state === 'string') return state;
      const against = other[state];
      if (against === undefined || byte > against) return 'greater';
      return byte < against ? 'less' : state + 1;
    },
    end(state) {
      if (state === 'greater') return bit(says.includes(1));
      return bit(says.includes(state === other.length ? 0 : -1));
    },
  };
}

/** What `of` says of the number of bytes; asked for 0..most, and for `most` when there are more. */
export function counted(most: number, of: (size: number) => Outcome): Machine {
  return {
    start: 0,
    step: (state) => Math.min((state as number) + 1, most),
    end: (state) => of(state as number),
  };
}

/** What `of` says of the number of times that `byte` occurs. */
export function occurrences(byte: number, most: number, of: (count: number) => Outcome): Machine {
  return {
    start: 0,
    step: (state, each) => (each === byte ? Math.min((state as number) + 1, most) : state),
    end: (state) => of(state as number),
  };
}

/**
 * What `of` says of where `text` (not empty) begins for the first or last time, at `from` or behind it; -1 when nowhere.
 * @param most from here on `of` says the same of all
 */
export function indexOf(
  text: string,
  last: boolean,
  most: number,
  of: (index: number) => Outcome,
  from = 0,
): Machine {
  const wanted = bytesOf(text);
  const go = advance(wanted);
  const states = interned<{ at: number; matched: number; said: Outcome; found: boolean }>(
    ({ at, matched, said, found }) => `${at} ${matched} ${said} ${found}`,
  );
  return {
    start: states.id({ at: 0, matched: 0, said: of(-1), found: false }),
    step(state, byte) {
      const { at, matched, said, found } = states.of(state);
      if (found && !last) return state;
      const now = go(matched, byte);
      const next = Math.min(at + 1, Math.max(most, from) + wanted.length);
      const here = now === wanted.length && next - wanted.length >= from;
      if (here && !last) return states.id({ at: 0, matched: 0, said: of(next - wanted.length), found: true });
      return states.id({
        at: next,
        matched: now,
        said: here ? of(next - wanted.length) : said,
        found: false,
      });
    },
    end: (state) => states.of(state).said,
  };
}

/** Numbers for states that are made of several parts; equal parts have one number. */
export function interned<T>(key: (parts: T) => string): { id(parts: T): number; of(state: State): T } {
  const ids = new Map<string, number>();
  const all: T[] = [];
  return {
    id(parts) {
      const text = key(parts);
      let known = ids.get(text);
      if (known === undefined) {
        known = all.push(parts) - 1;
        ids.set(text, known);
      }
      return known;
    },
    of: (state) => all[state as number] as T,
  };
}

/** Both machines at once, joined when they end. */
export function joined(
  machines: readonly Machine[],
  join: (outcomes: readonly Outcome[]) => Outcome,
): Machine {
  const states = interned<State[]>((each) => each.join('|'));
  return {
    start: states.id(machines.map((each) => each.start)),
    step: (state, byte) => states.id(states.of(state).map((s, i) => (machines[i] as Machine).step(s, byte))),
    end: (state) => join(states.of(state).map((s, i) => (machines[i] as Machine).end(s))),
  };
}

export const negated = (machine: Machine): Machine => ({
  ...machine,
  end: (state) => {
    const outcome = machine.end(state);
    return outcome === 2 ? 2 : bit(outcome === 0);
  },
});
