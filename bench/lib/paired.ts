// SPDX-License-Identifier: MPL-2.0
// Ratios of two ways that were measured one after the other, many times: what they come to, and how sure that is.

/** Student's t, two-sided 95 %, by degrees of freedom from 1; beyond the table the normal's. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086,
];

export interface Interval {
  /** Geometric mean of the ratios. */
  mean: number;
  /** Of its 95 % interval. */
  low: number;
  high: number;
}

/** @throws Error with fewer than two ratios: there is no interval then. */
export function interval(ratios: readonly number[]): Interval {
  const n = ratios.length;
  if (n < 2) throw new Error(`${n} ratios, expected at least 2`);
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, each) => sum + each, 0) / n;
  const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  const half = (T95[n - 2] ?? 1.96) * Math.sqrt(variance / n);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}
