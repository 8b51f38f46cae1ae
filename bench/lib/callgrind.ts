// SPDX-License-Identifier: MPL-2.0
// Instruction counts by callgrind: exact and repeatable where wall time on a shared machine wanders.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Profile {
  /** Instructions of the whole process, all threads. */
  total: number;
  /** Instructions spent in code of one object file itself, without what it calls; by file name. */
  byObject: Map<string, number>;
  /** Instructions of a function and all that it calls, for calls from elsewhere; by function name. */
  inclusive: Map<string, number>;
  /** How often a function was called from elsewhere. */
  calls: Map<string, number>;
}

export const valgrindArguments = (outFile: string): string[] => [
  '--tool=callgrind',
  '--dump-instr=no',
  '--compress-strings=yes',
  `--callgrind-out-file=${outFile}`,
];

function add(map: Map<string, number>, key: string, amount: number): void {
  map.set(key, (map.get(key) ?? 0) + amount);
}

/** Resolves callgrind's name compression: `(12) name` defines, `(12)` refers. */
class Names {
  readonly #names = new Map<string, string>();

  resolve(text: string): string {
    const match = /^\((\d+)\)(?: (.*))?$/.exec(text);
    if (match === null) return text;
    const [, id = '', name] = match;
    if (name !== undefined) this.#names.set(id, name);
    return this.#names.get(id) ?? `(${id})`;
  }
}

class Parser {
  readonly profile: Profile = { total: 0, byObject: new Map(), inclusive: new Map(), calls: new Map() };
  readonly #objects = new Names();
  readonly #functions = new Names();
  #object = '';
  #function = '';
  #callee: string | undefined;
  #pendingCalls: number | undefined;

  line(text: string): void {
    const first = text.charCodeAt(0);
    // A cost line: position (number, +n, -n or *) and cost.
    if ((first >= 48 && first <= 57) || first === 43 || first === 45 || first === 42) {
      this.#cost(Number(text.slice(text.indexOf(' ') + 1).split(' ')[0]));
      return;
    }
    const equals = text.indexOf('=');
    if (equals < 0) return;
    this.#key(text.slice(0, equals), text.slice(equals + 1));
  }

  #key(key: string, value: string): void {
    if (key === 'ob') this.#object = this.#objects.resolve(value);
    else if (key === 'fn') this.#function = this.#functions.resolve(value);
    else if (key === 'cob') this.#objects.resolve(value);
    else if (key === 'cfn') this.#callee = this.#functions.resolve(value);
    else if (key === 'calls') this.#pendingCalls = Number(value.split(' ')[0]);
  }

  #cost(instructions: number): void {
    if (!Number.isFinite(instructions)) return;
    if (this.#pendingCalls === undefined) {
      this.profile.total += instructions;
      add(this.profile.byObject, this.#object, instructions);
      return;
    }
    // The line after `calls=` holds what the call cost in all; recursion would count twice.
    if (this.#callee !== undefined && this.#callee !== this.#function) {
      add(this.profile.inclusive, this.#callee, instructions);
      add(this.profile.calls, this.#callee, this.#pendingCalls);
    }
    this.#pendingCalls = undefined;
  }
}

export async function readProfile(path: string): Promise<Profile> {
  const parser = new Parser();
  for await (const text of createInterface({ input: createReadStream(path) })) parser.line(text);
  return parser.profile;
}

export function ofObject(profile: Profile, part: string): number {
  let sum = 0;
  for (const [name, instructions] of profile.byObject) if (name.includes(part)) sum += instructions;
  return sum;
}

/** Inclusive cost of every function whose name matches. */
export function ofFunction(profile: Profile, pattern: RegExp): number {
  let sum = 0;
  for (const [name, instructions] of profile.inclusive) if (pattern.test(name)) sum += instructions;
  return sum;
}

/** What one more unit of work costs: two runs of different lengths, so that start and end cancel. */
export function perUnit(
  shorter: { count: number; cost: number },
  longer: { count: number; cost: number },
): number {
  return (longer.cost - shorter.cost) / (longer.count - shorter.count);
}
