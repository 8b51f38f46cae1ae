// SPDX-License-Identifier: MPL-2.0
// How a cost grows, and what it comes to at a size that was not measured: least squares, with the arithmetic in words.
import type { Growth, Line, Series } from './figures.js';
import { number } from './report.js';
import { slope } from './stats.js';

/** With fewer, a line through them says nothing about how good it is. */
export const FEWEST = 5;

export interface Extrapolation {
  at: number;
  predicted: number;
  /** One standard error: of `predicted` for a line, as a factor (above 1) for a power. */
  error: number;
  /** What was measured there, if it was. */
  measured: number | undefined;
  /** The fitted curve. */
  curve(x: number): number;
  /** Lowest x that was fitted. */
  from: number;
  /** The arithmetic, one line of text. */
  text: string;
}

/** @throws Error when the points do not allow it, saying which and why. */
export function extrapolate(series: Series, growth: Growth): Extrapolation {
  const line = series.lines.find(({ name }) => name === growth.line);
  if (line === undefined) throw new Error(`${series.name}: no line "${growth.line}" to extrapolate`);
  const points = fitted(series, line, growth);
  const fit = growth.model === 'linear' ? linear : power;
  const measured = line.points.find(([x]) => x === growth.at)?.[1];
  const found = fit(points, growth.at, series.unit);
  const beside =
    measured === undefined ? '' : `; measured there: ${number(measured)}${off(found.predicted, measured)}`;
  const range = `${points.length} points, n from ${number((points[0] as Point)[0])} to ${number((points.at(-1) as Point)[0])}`;
  const text = `${line.name}: ${found.text}${beside} (${range}; n: ${series.x}; unit: ${series.unit})`;
  return { ...found, at: growth.at, measured, from: (points[0] as Point)[0], text };
}

type Point = readonly [x: number, y: number];
type Fitted = Pick<Extrapolation, 'predicted' | 'error' | 'curve' | 'text'>;

function fitted(series: Series, line: Line, { at, model }: Growth): Point[] {
  const points = line.points.filter(([x]) => x < at);
  const where = `${series.name}, ${line.name}`;
  if (points.length < FEWEST)
    throw new Error(`${where}: ${points.length} points below ${number(at)}, expected at least ${FEWEST}`);
  if (new Set(points.map(([x]) => x)).size < 2) throw new Error(`${where}: all points have the same x`);
  for (const point of points) {
    if (!point.every(Number.isFinite)) throw new Error(`${where}: (${point.join(', ')}) is no number`);
    if (model === 'power' && !point.every((value) => value > 0))
      throw new Error(`${where}: (${point.join(', ')}), expected values above 0 for a power of n`);
  }
  return points;
}

function linear(points: readonly Point[], at: number, unit: string): Fitted {
  const fit = slope(
    points.map(([x]) => x),
    points.map(([, y]) => y),
  );
  const curve = (x: number) => fit.intercept + fit.slope * x;
  const [predicted, error] = [curve(at), fit.errorAt(at)];
  const [a, b, n] = [exact(fit.intercept), exact(fit.slope), number(at)];
  const text =
    `${unit} = ${a} + ${b} · n (standard error of the slope ${exact(fit.error)}); ` +
    `at ${n}: ${a} + ${b} · ${n} = ${number(predicted)} ± ${number(error)}`;
  return { predicted, error, curve, text };
}

/** A line through the logarithms, whose error is a factor. */
function power(points: readonly Point[], at: number, unit: string): Fitted {
  const fit = slope(
    points.map(([x]) => Math.log(x)),
    points.map(([, y]) => Math.log(y)),
  );
  const factor = Math.exp(fit.intercept);
  const curve = (x: number) => factor * x ** fit.slope;
  const [predicted, error] = [curve(at), Math.exp(fit.errorAt(Math.log(at)))];
  const [a, b, n] = [exact(factor), exact(fit.slope), number(at)];
  const text =
    `${unit} = ${a} · n^${b} (standard error of the exponent ${exact(fit.error)}); ` +
    `at ${n}: ${a} · ${n}^${b} = ${number(predicted)}, times or divided by ${exact(error)}`;
  return { predicted, error, curve, text };
}

/** How far the prediction was off: the standard error knows of the scatter alone, not of a law that is another one. */
function off(predicted: number, measured: number): string {
  const percent = (predicted / measured - 1) * 100;
  if (!Number.isFinite(percent)) return '';
  return `, so the prediction is ${number(Math.abs(percent))} % ${percent < 0 ? 'below' : 'above'}`;
}

/** Enough digits to do the arithmetic again. */
const exact = (value: number) =>
  Math.abs(value) >= 1e6
    ? number(value)
    : Number(value.toPrecision(6)).toLocaleString('en-US', { maximumSignificantDigits: 6 });
