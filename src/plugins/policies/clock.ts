// SPDX-License-Identifier: MPL-2.0
// When plans of policies that read the clock are other ones: Cerbos puts the time into a plan as it is when it is made.
import { tokens } from './cel.js';
import { readsClock } from './lint.js';
import type { PolicySource } from './source.js';

const minute = 60_000;
const units: Record<string, number> = { h: 3_600_000, m: minute, s: 1000, ms: 1, us: 0.001, ns: 0.000_001 };

/** ms; undefined when it is no duration of Go's. */
function durationOf(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.replace(/^[+-]/, ''))
    return undefined;
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0);
}

export interface Clock {
  reads: boolean;
  /** ms since 1970, rising: times that policies name, and those their durations away. */
  moments: number[];
}

const reading = (sources: readonly PolicySource[]) =>
  sources.flatMap((source) => source.expressions.map(({ cel }) => cel)).filter(readsClock);

/** Of policies that Cerbos takes. A moment in a constant is not seen, and met with the next minute. */
export function clockOf(sources: readonly PolicySource[]): Clock {
  const expressions = reading(sources);
  // A time may stand in a variable, and now() in another.
  const texts = sources
    .flatMap((source) => source.expressions)
    .flatMap(({ cel }) => tokens(cel).filter(({ kind }) => kind === 'text'))
    .map(({ text }) => text);
  const times = texts.filter((text) => /^\d{4}-\d\d-\d\d[Tt]/.test(text)).map((text) => Date.parse(text));
  const durations = texts.map(durationOf).filter((ms) => ms !== undefined);
  const moments = times
    .filter((time) => !Number.isNaN(time))
    .flatMap((time) => [time, ...durations.flatMap((ms) => [time - ms, time + ms])]);
  return { reads: expressions.length > 0, moments: [...new Set(moments)].sort((a, b) => a - b) };
}

/** ms since 1970 when plans made at `now` have to be made again; undefined: never. */
export function nextBoundary({ reads, moments }: Clock, now: number): number | undefined {
  if (!reads) return undefined;
  const next = (Math.floor(now / minute) + 1) * minute;
  // Right behind a moment, `now() > t` is another answer than at it.
  const moment = moments.map((each) => Math.floor(each) + 1).find((each) => each > now);
  return Math.min(next, moment ?? next);
}
