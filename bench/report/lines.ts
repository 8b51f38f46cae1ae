// SPDX-License-Identifier: MPL-2.0
// A chart of curves: cost against the size of a list, against threads.
import { line as path, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';
import { type Extrapolation, extrapolate } from '../lib/growth.js';
import { type Scale, scaleFor } from './scale.js';
import type { SeriesResults } from './schema.js';
import {
  colour,
  document,
  EDGE,
  element,
  FAINT,
  heading,
  label,
  type Markup,
  MUTED,
  short,
  WIDTH,
  widthOf,
  wrap,
} from './svg.js';

const LEFT = 84;
const RIGHT = WIDTH - 32;
const PLOT_HEIGHT = 280;
const SYMBOLS = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond];
const LEGEND_ROW = 20;

type Point = readonly [number, number];

interface Axes {
  x: Scale;
  y: Scale;
  top: number;
  bottom: number;
}

const has = (point: Point | undefined): point is Point => point !== undefined;

/** Undefined: no line has a point. */
export function lineChart(title: string, series: SeriesResults): string | undefined {
  const lines = series.lines.filter(({ points }) => points.length > 0);
  if (lines.length === 0) return undefined;
  const further = extrapolation(series);
  const head = heading(title);
  const names = lines.map(({ name }) => name);
  const legend = legendOf(further === undefined ? names : [...names, further.name], head.bottom);
  const top = legend.bottom + 20;
  const bottom = top + PLOT_HEIGHT;
  const ends: Point[] = further === undefined ? [] : [[further.found.at, further.found.predicted]];
  const points = [...lines.flatMap((line) => line.points), ...ends];
  const axes = axesFor(points, top, bottom);
  const content = [
    ...head.markup,
    ...legend.markup,
    ...xAxis(series.x, axes),
    ...yAxis(`${series.y} (${series.unit})`, axes),
    ...lines.map((each, i) => curve(each.points, i, axes)),
    ...(further === undefined ? [] : prediction(further.found, axes)),
  ];
  return document(title, bottom + 56, content);
}

function extrapolation(series: SeriesResults): { name: string; found: Extrapolation } | undefined {
  const { growth, ...rest } = series;
  if (growth === null) return undefined;
  try {
    const found = extrapolate(rest, growth);
    return Number.isFinite(found.predicted) ? { name: `extrapolated: ${growth.line}`, found } : undefined;
  } catch {
    // The report says in words why there is none.
    return undefined;
  }
}

function axesFor(points: readonly Point[], top: number, bottom: number): Axes {
  const xs = points.map(([x]) => x);
  const x = scaleFor(xs, [LEFT, RIGHT], { logFrom: 20 });
  const y = scaleFor(
    points.map(([, value]) => value),
    [bottom, top],
    { logFrom: 50 },
  );
  const distinct = [...new Set(xs)].sort((a, b) => a - b);
  // Threads and the like: a tick for each of them, and none between.
  const few = !x.log && distinct.length <= 10 && distinct.every(Number.isInteger);
  return { x: few ? Object.assign((value: number) => x(value), x, { ticks: distinct }) : x, y, top, bottom };
}

function xAxis(title: string, { x, top, bottom }: Axes): Markup[] {
  const ticks = x.ticks.flatMap((tick) => [
    element('line', { x1: x(tick), x2: x(tick), y1: top, y2: bottom, stroke: FAINT }),
    label(x(tick), bottom + 18, short(tick), { 'text-anchor': 'middle' }),
  ]);
  const name = label((LEFT + RIGHT) / 2, bottom + 42, x.log ? `${title} (log scale)` : title, {
    'text-anchor': 'middle',
  });
  return [...ticks, name];
}

function yAxis(title: string, { y, top, bottom }: Axes): Markup[] {
  const ticks = y.ticks.flatMap((tick) => [
    element('line', { x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick), stroke: FAINT }),
    label(LEFT - 8, y(tick) + 4, short(tick), { 'text-anchor': 'end' }),
  ]);
  const lines = wrap(y.log ? `${title} (log scale)` : title, bottom - top);
  const middle = (top + bottom) / 2;
  const names = lines.slice(0, 2).map((line, i) =>
    label(0, 0, line, {
      transform: `translate(${EDGE + 10 + i * 14} ${middle}) rotate(-90)`,
      'text-anchor': 'middle',
    }),
  );
  return [...ticks, ...names];
}

function curve(points: readonly Point[], i: number, { x, y }: Axes): Markup {
  const drawn = path<Point>(
    (point) => x(point[0]),
    (point) => y(point[1]),
  ).digits(2)(points);
  const marks = points.map(([px, py]) => mark(x(px), y(py), i));
  return element(
    'g',
    {},
    ...(points.length > 1 && drawn !== null
      ? [element('path', { d: drawn, fill: 'none', stroke: colour(i), 'stroke-width': 2 })]
      : []),
    ...marks,
  );
}

const mark = (x: number, y: number, i: number): Markup =>
  element('path', {
    d: symbol(SYMBOLS[i % SYMBOLS.length], 44).digits(2)() ?? '',
    transform: `translate(${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100})`,
    fill: colour(i),
  });

/** Dashed from the smallest size that was fitted to the one asked for, which is hollow: nobody measured it. */
function prediction({ from, at, curve: fit }: Extrapolation, { x, y }: Axes): Markup[] {
  const steps = 48;
  const between = (part: number) => (x.log ? from * (at / from) ** part : from + (at - from) * part);
  const points = Array.from({ length: steps + 1 }, (_, i): Point | undefined => {
    const where = i === steps ? at : between(i / steps);
    return y.log && fit(where) <= 0 ? undefined : [where, fit(where)];
  }).filter(has);
  const drawn = path<Point>(
    (point) => x(point[0]),
    (point) => y(point[1]),
  ).digits(2)(points);
  return [
    element('path', {
      d: drawn ?? '',
      fill: 'none',
      stroke: MUTED,
      'stroke-width': 1.5,
      'stroke-dasharray': '5 4',
    }),
    element('circle', { cx: x(at), cy: y(fit(at)), r: 6, fill: 'none', stroke: MUTED, 'stroke-width': 1.5 }),
  ];
}

/** As many in a row as there is room for. */
function legendOf(names: readonly string[], top: number): { markup: Markup[]; bottom: number } {
  let [x, y] = [EDGE, top + 12];
  const markup = names.flatMap((name, i) => {
    const [text = ''] = wrap(name, WIDTH - 2 * EDGE - 40);
    const width = 30 + widthOf(text);
    if (x > EDGE && x + width > WIDTH - EDGE) [x, y] = [EDGE, y + LEGEND_ROW];
    const at = x;
    x += width + 16;
    const sample = name.startsWith('extrapolated: ')
      ? element('line', {
          x1: at,
          x2: at + 20,
          y1: y - 4,
          y2: y - 4,
          stroke: MUTED,
          'stroke-dasharray': '5 4',
        })
      : mark(at + 10, y - 4, i);
    return [sample, label(at + 26, y, text)];
  });
  return { markup, bottom: y };
}
