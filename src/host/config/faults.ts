// SPDX-License-Identifier: MPL-2.0
// What is wrong with a configuration, each with the place where somebody has to correct it.
import { NnoeError } from '../errors.js';

export type FaultPlace =
  | { file: string; line: number; column: number }
  /** An environment variable. */
  | { variable: string }
  /** The option of the command line, without its value. */
  | { flag: string };

/** Never holds the text of a secret: only names of keys, and values of keys that are none. */
export interface Fault {
  place: FaultPlace;
  /** One line: the key, what stands there, what was expected. */
  message: string;
}

/** Every fault of a configuration at once. */
export class ConfigError extends NnoeError {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const sorted = inOrder(faults);
    const lines = sorted.map((fault) => `  ${faultLine(fault)}`).join('\n');
    super('CONFIG_INVALID', {
      count: sorted.length === 1 ? 'one fault' : `${sorted.length} faults`,
      faults: lines,
    });
    this.faults = sorted;
  }
}

export const faultLine = ({ place, message }: Fault): string => `${placeText(place)}: ${message}`;

/** As compilers write it, which editors and terminals can jump to. */
export function placeText(place: FaultPlace): string {
  if ('file' in place) return `${place.file}:${place.line}:${place.column}`;
  return 'variable' in place ? place.variable : place.flag;
}

/** By position in the file; variables and flags after it. Each line once. */
function inOrder(faults: readonly Fault[]): Fault[] {
  const rank = ({ place }: Fault): number[] =>
    'file' in place ? [0, place.line, place.column] : ['variable' in place ? 1 : 2, 0, 0];
  const once = new Map(faults.map((fault) => [faultLine(fault), fault]));
  return [...once.values()].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0) || (x[2] ?? 0) - (y[2] ?? 0);
  });
}
