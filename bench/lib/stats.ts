// SPDX-License-Identifier: MPL-2.0
// The few statistics that the cases use.

/** Linear interpolation between ranks; NaN for no values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const rank = (sorted.length - 1) * q;
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? Number.NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function spread(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Median with the lowest and highest. */
export function summary(values: readonly number[]): { value: number; spread: [number, number] } {
  return { value: median(values), spread: spread(values) };
}

export interface Fit {
  /** y per x. */
  slope: number;
  /** Standard error of the slope. */
  error: number;
  /** y at x = 0. */
  intercept: number;
  /** Standard error of a further y at x, the line's own uncertainty and the scatter around it together. */
  errorAt(x: number): number;
}

/** Least squares through (x, y). The errors need three points or more. */
export function slope(x: readonly number[], y: readonly number[]): Fit {
  const n = x.length;
  const meanX = x.reduce((sum, v) => sum + v, 0) / n;
  const meanY = y.reduce((sum, v) => sum + v, 0) / n;
  let sxx = 0;
  let sxy = 0;
  for (let i = 0; i < n; i++) {
    sxx += ((x[i] as number) - meanX) ** 2;
    sxy += ((x[i] as number) - meanX) * ((y[i] as number) - meanY);
  }
  const b = sxy / sxx;
  let residual = 0;
  for (let i = 0; i < n; i++) {
    residual += ((y[i] as number) - meanY - b * ((x[i] as number) - meanX)) ** 2;
  }
  const variance = residual / (n - 2);
  return {
    slope: b,
    error: Math.sqrt(variance / sxx),
    intercept: meanY - b * meanX,
    errorAt: (at) => Math.sqrt(variance * (1 + 1 / n + (at - meanX) ** 2 / sxx)),
  };
}

/** Small repeatable generator (mulberry32): 0 <= x < 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
