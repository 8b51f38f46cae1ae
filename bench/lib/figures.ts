// SPDX-License-Identifier: MPL-2.0
// What a case promises to measure (data, known before it runs) and what it found.

export type Relation = '<=' | '>=' | '<' | '=';

export interface FigureSpec {
  name: string;
  unit: string;
  /** Absent: the figure is shown for comparison and decides nothing. */
  bound?: { relation: Relation; value: number };
  /** Another way of doing it is measured beside it; without that the figure has missed, whatever its value. */
  alternative?: true;
  /** How it is measured, one line. */
  method: string;
}

/** What the same run gave for another way of doing it, in the figure's unit. */
export interface Alternative {
  name: string;
  value: number;
  /** Of a figure that is a ratio: the unit of `value`, and what ours gave in that unit. */
  as?: { unit: string; ours: number };
}

/** Curves of a figure: what it comes to at other sizes, with other numbers of threads. */
export interface Series {
  name: string;
  /** Title of the x axis, with its unit if it has one. */
  x: string;
  /** Title of the y axis, without its unit. */
  y: string;
  /** Of y. */
  unit: string;
  lines: readonly Line[];
  /** What the report says about larger sizes. */
  growth?: Growth;
}

export interface Line {
  name: string;
  /** (x, y), ascending in x. */
  points: readonly (readonly [number, number])[];
}

export interface Growth {
  /** Name of the line. */
  line: string;
  /** y = a + b n, or y = a n^b. */
  model: 'linear' | 'power';
  /** The x to extrapolate to. Points there or beyond are not fitted: what they say stands beside the prediction. */
  at: number;
}

export interface Measured {
  value: number;
  alternative?: Alternative;
  /** How far repetitions lay apart, in the figure's unit: lowest, highest. */
  spread?: readonly [number, number];
  series?: Series;
}

export interface CaseOptions {
  /** Length of the measured part of cases that run for a time, s; undefined: the case's own. */
  seconds: number | undefined;
  /** SIGKILLs of the case `stress`. */
  kills: number;
  /** Repetitions of wall-clock comparisons; undefined: the case's own. */
  pairs: number | undefined;
  /** Leases that the cases `walk` and `idle` hold. */
  leases: number;
  /** Seed of everything random. */
  seed: number;
  /** Progress for people; goes to stderr. */
  say(line: string): void;
}

export interface BenchCase {
  summary: string;
  figures: readonly FigureSpec[];
  /** Resolves to what it measured by figure name. A figure that is missing counts as failed. */
  run(options: CaseOptions): Promise<Record<string, Measured>>;
}

export interface Result {
  case: string;
  spec: FigureSpec;
  /** Undefined: the case did not deliver it. */
  measured: Measured | undefined;
}

export function holds(spec: FigureSpec, measured: Measured | undefined): boolean {
  if (measured === undefined || !Number.isFinite(measured.value)) return false;
  if (spec.alternative && !Number.isFinite(measured.alternative?.value)) return false;
  if (spec.bound === undefined) return true;
  const { relation, value: bound } = spec.bound;
  if (relation === '<=') return measured.value <= bound;
  if (relation === '>=') return measured.value >= bound;
  if (relation === '<') return measured.value < bound;
  return measured.value === bound;
}

export function boundText(spec: FigureSpec): string | null {
  return spec.bound === undefined ? null : `${spec.bound.relation} ${spec.bound.value}`;
}
