// SPDX-License-Identifier: MPL-2.0
// results.json: what a report is made of. Another run reads it again to put its cases beside those that are there.
import { z } from 'zod';
import type { Result, Series } from '../lib/figures.js';
import { figureJson } from '../lib/report.js';

export const FORMAT = 1;

const points = z.array(z.tuple([z.number(), z.number()]));

const series = z.strictObject({
  name: z.string(),
  x: z.string(),
  y: z.string(),
  unit: z.string(),
  lines: z.array(z.strictObject({ name: z.string(), points })),
  growth: z.strictObject({ line: z.string(), model: z.enum(['linear', 'power']), at: z.number() }).nullable(),
});

const alternative = z.strictObject({
  name: z.string(),
  value: z.number(),
  as: z.strictObject({ unit: z.string(), ours: z.number() }).optional(),
});

const figure = z.strictObject({
  case: z.string(),
  name: z.string(),
  value: z.number().nullable(),
  unit: z.string(),
  bound: z.string().nullable(),
  /** Whether there has to be an alternative. */
  compared: z.boolean(),
  alternative: alternative.nullable(),
  method: z.string(),
  ok: z.boolean(),
  spread: z.tuple([z.number(), z.number()]).nullable(),
  series: series.nullable(),
});

/** On what, when and how a case was measured: cases of one report may come from several runs. */
const circumstances = z.strictObject({
  /** When the case began, ISO 8601 in UTC. */
  date: z.iso.datetime(),
  machine: z.string(),
  /** Load average of the minute before the run. */
  load: z.number(),
  /** By program; null: not installed. */
  versions: z.record(z.string(), z.string().nullable()),
  seed: z.number(),
  /** One of all cases at their brief lengths. */
  brief: z.boolean(),
  /** Lengths that were not the case's own, by name. */
  options: z.record(z.string(), z.number()),
});

const caseResults = z.strictObject({
  summary: z.string(),
  run: circumstances,
  /** That the case took, s. */
  seconds: z.number(),
  /** Percent of the machine that other work took meanwhile. */
  others: z.number(),
  /** Why the case ended early; null: it did not. */
  failed: z.string().nullable(),
  figures: z.array(figure),
});

export const results = z.strictObject({
  format: z.literal(FORMAT),
  cases: z.record(z.string(), caseResults),
});

export type Results = z.infer<typeof results>;
export type CaseResults = z.infer<typeof caseResults>;
export type Circumstances = z.infer<typeof circumstances>;
export type FigureResults = z.infer<typeof figure>;
export type SeriesResults = z.infer<typeof series>;

/** A figure as it is kept. */
export function figureResults(result: Result): FigureResults {
  const { alternative: beside, spread, ...rest } = figureJson(result);
  const curves = result.measured?.series;
  return {
    ...rest,
    compared: result.spec.alternative === true,
    alternative: beside,
    spread: spread === null ? null : [spread[0], spread[1]],
    series: curves === undefined ? null : seriesResults(curves),
  };
}

/** What is no number is no point. */
const seriesResults = ({ growth, lines, ...rest }: Series): SeriesResults => ({
  ...rest,
  growth: growth ?? null,
  lines: lines.map(({ name, points: all }) => ({
    name,
    points: all.filter((point) => point.every(Number.isFinite)).map(([x, y]) => [x, y]),
  })),
});
