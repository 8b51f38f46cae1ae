// SPDX-License-Identifier: MPL-2.0
// A chart of bars: each figure of a case beside the other way of doing it. Figures of one unit share an axis.
import { number } from '../lib/report.js';
import { type Compared, comparison } from './compared.js';
import { type Scale, scaleFor } from './scale.js';
import type { FigureResults } from './schema.js';
import {
  COLOURS,
  document,
  EDGE,
  element,
  FAINT,
  HALO,
  heading,
  label,
  type Markup,
  MUTED,
  short,
  WIDTH,
  wrap,
} from './svg.js';

/** Names of the ways stand left of it. */
const LEFT = 232;
/** The longest bar ends here; its value stands behind. */
const RIGHT = WIDTH - 96;
const BAR = 16;
const LINE = 15;

interface Group extends Compared {
  figure: string;
}

interface Block {
  markup: Markup[];
  bottom: number;
}

/** Undefined: no figure of the case has an alternative. */
export function barChart(title: string, figures: readonly FigureResults[]): string | undefined {
  const units = new Map<string, Group[]>();
  for (const figure of figures) {
    const compared = comparison(figure);
    if (compared === undefined) continue;
    const { unit } = compared;
    units.set(unit, [...(units.get(unit) ?? []), { ...compared, figure: figure.name }]);
  }
  if (units.size === 0) return undefined;
  const head = heading(title);
  const blocks: Block[] = [];
  for (const [unit, groups] of units) blocks.push(panel(unit, groups, blocks.at(-1)?.bottom ?? head.bottom));
  const content = [...head.markup, ...blocks.flatMap(({ markup }) => markup)];
  return document(title, (blocks.at(-1) as Block).bottom + EDGE, content);
}

function panel(unit: string, groups: readonly Group[], top: number): Block {
  const values = groups.flatMap(({ ours, theirs }) => [ours, theirs]).filter((value) => value !== null);
  const scale = scaleFor(values.length === 0 ? [0] : values, [LEFT, RIGHT], { logFrom: 20, bars: true });
  const rows: Block[] = [];
  for (const group of groups) rows.push(groupRows(group, rows.at(-1)?.bottom ?? top, scale));
  const bottom = (rows.at(-1) as Block).bottom;
  return {
    markup: [...axis(unit, scale, top + 8, bottom), ...rows.flatMap(({ markup }) => markup)],
    bottom: bottom + 50,
  };
}

function axis(unit: string, scale: Scale, top: number, bottom: number): Markup[] {
  const ticks = thinned(scale).flatMap((tick) => [
    element('line', { x1: scale(tick), x2: scale(tick), y1: top, y2: bottom, stroke: FAINT }),
    label(scale(tick), bottom + 16, short(tick), { 'text-anchor': 'middle' }),
  ]);
  const name = label((LEFT + RIGHT) / 2, bottom + 36, scale.log ? `${unit} (log scale)` : unit, {
    'text-anchor': 'middle',
  });
  return [...ticks, name];
}

/** No two labels nearer than a label is wide. */
function thinned(scale: Scale): number[] {
  const kept: number[] = [];
  for (const tick of scale.ticks) {
    const last = kept.at(-1);
    if (last === undefined || scale(tick) - scale(last) >= 44) kept.push(tick);
  }
  return kept;
}

function groupRows({ figure, ours, name, theirs }: Group, top: number, scale: Scale): Block {
  const title = wrap(figure, WIDTH - 2 * EDGE).slice(0, 2);
  const markup = title.map((line, i) => label(EDGE, top + 20 + i * LINE, line, { 'font-weight': 600 }));
  const first = row('NNOE', ours, COLOURS[0], top + 12 + title.length * LINE, scale);
  const second = row(name, theirs, COLOURS[1], first.bottom, scale);
  return { markup: [...markup, ...first.markup, ...second.markup], bottom: second.bottom + 6 };
}

function row(name: string, value: number | null, fill: string, top: number, scale: Scale): Block {
  const lines = wrap(name, LEFT - EDGE - 12).slice(0, 3);
  const height = Math.max(BAR + 6, lines.length * LINE + 4);
  const middle = top + height / 2;
  const names = lines.map((line, i) =>
    label(LEFT - 10, middle + 4 + (i - (lines.length - 1) / 2) * LINE, line, { 'text-anchor': 'end' }),
  );
  if (value === null)
    return {
      markup: [...names, label(LEFT + 6, middle + 4, 'absent', { fill: MUTED })],
      bottom: top + height,
    };
  const [from, to] = [scale(scale.base), scale(value)];
  const [x, width] = [Math.min(from, to), Math.abs(to - from)];
  const bar = element('rect', { x, y: middle - BAR / 2, width, height: BAR, fill });
  const shown = label(Math.max(from, to) + 6, middle + 4, number(value), HALO);
  return { markup: [...names, bar, shown], bottom: top + height };
}
