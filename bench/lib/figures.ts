// SPDX-License-Identifier: MPL-2.0
// What a case promises to measure (data, known before it runs) and what it found.

export type Relation = '<=' | '>=' | '<' | '=';

export interface Bound {
  relation: Relation;
  value: number;
  /** `value` counts these: what the alternative gave in the same run. */
  times?: 'alternative';
}

export interface FigureSpec {
  name: string;
  unit: string;
  /** Absent: the figure is shown for comparison and decides nothing. */
  bound?: Bound;
  /** Another way of doing it is measured beside it; without that the figure has missed, whatever its value. */
  alternative?: true;
  /** Says whether the run was long enough: a brief one is not asked for it. */
  long?: true;
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
  /**
   * The x to extrapolate to. Points there or beyond are not fitted when there are enough below: what was measured there
   * stands beside the prediction.
   */
  at: number;
}

export interface Measured {
  value: number;
  alternative?: Alternative;
  /** How far repetitions lay apart, in the figure's unit: lowest, highest. */
  spread?: readonly [number, number];
  series?: Series;
}

/** How long cases are; each has the parts that it takes. */
export interface Lengths {
  /** Length of the measured part of cases that run for a time, s; absent: the case's own. */
  seconds?: number;
  /** SIGKILLs of the case `stress`, cut connections of `follow`. */
  kills: number;
  /** Repetitions of wall-clock comparisons; absent: the case's own. */
  pairs?: number;
  /** Leases that the cases `walk`, `idle`, `start` and `scrape` hold. */
  leases: number;
}

/** Of a case that is measured by itself. */
export const usual: Lengths = { kills: 1_000, leases: 1_000_000 };

export interface CaseOptions extends Lengths {
  /** One of all cases, which together take under 40 minutes. */
  brief: boolean;
  /** Seed of everything random. */
  seed: number;
  /** Progress for people; goes to stderr. */
  say(line: string): void;
}

export interface BenchCase {
  summary: string;
  figures: readonly FigureSpec[];
  /** Its lengths in a brief run. */
  brief?: Partial<Lengths>;
  /** Resolves to what it measured by figure name. A figure that is missing counts as failed. */
  run(options: CaseOptions): Promise<Record<string, Measured>>;
}

export interface Result {
  case: string;
  spec: FigureSpec;
  /** Of a brief run. */
  brief?: boolean;
  /** Undefined: the case did not deliver it. */
  measured: Measured | undefined;
}

export function holds({ spec, brief, measured }: Omit<Result, 'case'>): boolean {
  if (measured === undefined || !Number.isFinite(measured.value)) return false;
  if (spec.alternative && !Number.isFinite(measured.alternative?.value)) return false;
  if (spec.bound === undefined || (brief && spec.long)) return true;
  const { relation, value, times } = spec.bound;
  const bound = times === undefined ? value : value * (measured.alternative?.value ?? Number.NaN);
  if (relation === '<=') return measured.value <= bound;
  if (relation === '>=') return measured.value >= bound;
  if (relation === '<') return measured.value < bound;
  return measured.value === bound;
}

/** Null: nothing is asked of it. */
export function boundText({ spec, brief }: Pick<Result, 'spec' | 'brief'>): string | null {
  if (spec.bound === undefined || (brief && spec.long)) return null;
  const { relation, value, times } = spec.bound;
  return `${relation} ${value}${times === undefined ? '' : ` x ${times}`}`;
}
