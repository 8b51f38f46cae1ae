// SPDX-License-Identifier: MPL-2.0
// Functions from text to text that can be computed byte by byte: lowerAscii, substring, replace, one part of split.
// `behind(transducer, machine)` is the machine that reads the text before the function was applied.
import { interned, type Machine, type Outcome, type State } from './machine.js';

export interface Transducer {
  start: State;
  /** Bytes given out before the first is read. */
  before?: readonly number[];
  step(state: State, byte: number): [State, readonly number[]];
  /** Bytes given out at the end, or 'error' when the function fails on a text that ends here. */
  end(state: State): readonly number[] | 'error';
}

const bytesOf = (text: string): number[] => [...Buffer.from(text, 'utf8')];

export function behind(transducer: Transducer, machine: Machine): Machine {
  const feed = (state: State, bytes: readonly number[]): State =>
    bytes.reduce((at, byte) => machine.step(at, byte), state);
  // Pairs by number, so that states stay short however long the chain is.
  const pairs = interned<[State, State]>(([outer, inner]) => `${outer}|${inner}`);
  return {
    start: pairs.id([transducer.start, feed(machine.start, transducer.before ?? [])]),
    step(state, byte) {
      const [outer, inner] = pairs.of(state);
      const [to, out] = transducer.step(outer, byte);
      return pairs.id([to, feed(inner, out)]);
    },
    end(state): Outcome {
      const [outer, inner] = pairs.of(state);
      const out = transducer.end(outer);
      return out === 'error' ? 2 : machine.end(feed(inner, out));
    },
  };
}

/** Byte for byte. */
export const mapped = (of: (byte: number) => number): Transducer => ({
  start: 0,
  step: (state, byte) => [state, [of(byte)]],
  end: () => [],
});

const isUpper = (byte: number) => byte >= 0x41 && byte <= 0x5a;
const isLower = (byte: number) => byte >= 0x61 && byte <= 0x7a;
export const lowerAscii = mapped((byte) => (isUpper(byte) ? byte + 32 : byte));
export const upperAscii = mapped((byte) => (isLower(byte) ? byte - 32 : byte));

export const appended = (text: string): Transducer => ({
  start: 0,
  step: (state, byte) => [state, [byte]],
  end: () => bytesOf(text),
});

export const prepended = (text: string): Transducer => ({
  start: 0,
  before: bytesOf(text),
  step: (state, byte) => [state, [byte]],
  end: () => [],
});

/** Characters from..to-1; fails when the text is shorter than `to`, or than `from` when there is no `to`. */
export function substring(from: number, to?: number): Transducer {
  const least = to ?? from;
  return {
    start: 0,
    step: (state, byte) => [
      Math.min((state as number) + 1, least),
      (state as number) >= from && (to === undefined || (state as number) < to) ? [byte] : [],
    ],
    end: (state) => ((state as number) < least ? 'error' : []),
  };
}

/** One character; the empty text right behind the last, an error further on. */
export const charAt = (index: number): Transducer => ({
  start: 0,
  step: (state, byte) => [Math.min((state as number) + 1, index + 1), state === index ? [byte] : []],
  end: (state) => ((state as number) < index ? 'error' : []),
});

/** `seek` is not empty; `most` replacements, all when negative. */
export function replace(seek: string, by: string, most: number): Transducer {
  const wanted = bytesOf(seek);
  const given = bytesOf(by);
  // How many were replaced, and the bytes held back because they may begin the next.
  return {
    start: '0:',
    step(state, byte) {
      const [count, held] = read(state);
      if (most >= 0 && count >= most) return [state, [byte]];
      const [rest, out, whole] = hold(wanted, [...held, byte]);
      if (!whole) return [`${count}:${rest.join(' ')}`, out];
      return [`${most < 0 ? 0 : count + 1}:`, [...out, ...given]];
    },
    end: (state) => read(state)[1],
  };
}

/** The part number `index` of a split at `separator` (not empty); fails when there are fewer parts. */
export function part(separator: string, index: number, most: number): Transducer {
  const wanted = bytesOf(separator);
  return {
    start: '0:',
    step(state, byte) {
      const [count, held] = read(state);
      const give = (bytes: readonly number[]) => (count === index ? bytes : []);
      if (count > index) return [state, []];
      if (most > 0 && count + 1 >= most) return [state, give([byte])];
      const [rest, out, whole] = hold(wanted, [...held, byte]);
      return [whole ? `${count + 1}:` : `${count}:${rest.join(' ')}`, give(out)];
    },
    end(state) {
      const [count, held] = read(state);
      if (count < index) return 'error';
      return count === index ? held : [];
    },
  };
}

function read(state: State): [number, number[]] {
  const [count, held = ''] = String(state).split(':');
  return [Number(count), held === '' ? [] : held.split(' ').map(Number)];
}

/** What is still held of `bytes`, what is let go of, and whether they were `wanted` as a whole. */
function hold(wanted: readonly number[], bytes: number[]): [number[], number[], boolean] {
  const out: number[] = [];
  while (bytes.some((byte, i) => byte !== wanted[i])) out.push(bytes.shift() as number);
  return bytes.length === wanted.length ? [[], out, true] : [bytes, out, false];
}
