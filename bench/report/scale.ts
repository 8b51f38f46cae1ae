// SPDX-License-Identifier: MPL-2.0
// Axes: which scale suits the values, and where its ticks are.
import { scaleLinear, scaleLog } from 'd3-scale';

export interface Scale {
  (value: number): number;
  ticks: readonly number[];
  log: boolean;
  /** The value that a bar begins at. */
  base: number;
}

export interface Wanted {
  /** A logarithmic axis when the largest is so many times the smallest, and none is 0 or below. */
  logFrom: number;
  /** Bars begin below the smallest value, for it would have no length otherwise. */
  bars?: boolean;
}

/** @param values of at least one point. @param range px at the lowest and the highest value. */
export function scaleFor(values: readonly number[], range: readonly [number, number], wanted: Wanted): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low >= wanted.logFrom
    ? logarithmic(low, high, range, wanted.bars ?? false)
    : linear(low, high, range);
}

function linear(low: number, high: number, range: readonly [number, number]): Scale {
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = scaleLinear([from, from === to ? from + 1 : to], range).nice(6);
  return Object.assign((value: number) => scale(value), { ticks: scale.ticks(6), log: false, base: 0 });
}

function logarithmic(low: number, high: number, range: readonly [number, number], bars: boolean): Scale {
  const lowest = Math.log10(low);
  const floor = bars ? Math.ceil(lowest - 1e-9) - 1 : Math.floor(lowest + 1e-9);
  const from = 10 ** floor;
  const to = 10 ** Math.max(floor + 1, Math.ceil(Math.log10(high) - 1e-9));
  const scale = scaleLog([from, to], range);
  const decades = Math.round(Math.log10(to / from));
  const mantissas = decades <= 2 ? [1, 2, 5] : [1];
  const every = Math.ceil(decades / 8);
  const ticks = Array.from({ length: decades + 1 }, (_, i) => floor + i)
    .filter((_, i) => i % every === 0)
    .flatMap((decade) => mantissas.map((mantissa) => mantissa * 10 ** decade))
    .filter((tick) => tick <= to * (1 + 1e-9));
  return Object.assign((value: number) => scale(value), { ticks, log: true, base: from });
}
