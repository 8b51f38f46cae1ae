// SPDX-License-Identifier: MPL-2.0
// report.md: the machine, then a section for each case.
import { markdownTable } from 'markdown-table';
import { extrapolate } from '../lib/growth.js';
import { number } from '../lib/report.js';
import type { Chart } from './charts.js';
import { comparison, ratio } from './compared.js';
import type { CaseResults, Circumstances, FigureResults, Results } from './schema.js';

export function markdown(results: Results, charts: readonly Chart[]): string {
  const cases = Object.entries(results.cases);
  const sections = cases.map(([name, found]) =>
    section(
      name,
      found,
      charts.filter((chart) => chart.case === name),
    ),
  );
  return `${['# Bench report', ...machines(cases), overview(cases), ...sections].join('\n\n')}\n`;
}

/** Text as it stands: nothing in it is Markdown or HTML, and it stays on one line. */
export const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*[\]|]|<(?=[A-Za-z/!?])|&(?=#|\w+;)|~(?=~)|^[>#+-]/g, '\\$&')
    .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_');

type Cases = readonly (readonly [string, CaseResults])[];

/** Each machine with its versions, and which cases ran there: a report can hold runs of several. */
function machines(cases: Cases): string[] {
  const found = new Map<string, string[]>();
  for (const [name, { run }] of cases) {
    const text = circumstances(run);
    found.set(text, [...(found.get(text) ?? []), name]);
  }
  return [...found].map(([text, names]) =>
    found.size === 1 ? text : `**Of ${plain(names.join(', '))}:**\n\n${text}`,
  );
}

function circumstances({ machine, versions }: Circumstances): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version ?? 'absent'}`);
  return `- ${plain(machine)}\n- ${plain(programs.join(', '))}`;
}

function overview(cases: Cases): string {
  const rows = cases.map(([name, { figures, seconds, others, failed, run, summary }]) => {
    const missed = figures.filter(({ ok }) => !ok).length;
    const held = figures.filter(({ ok, bound }) => ok && bound !== null).length;
    const verdict = failed === null ? (missed === 0 ? 'ok' : `${missed} MISSED`) : 'FAILED';
    const link = `[${plain(name)}](#${name.toLowerCase().replace(/[^a-z0-9-]/g, '')})`;
    return [
      link,
      plain(summary),
      verdict,
      String(held),
      duration(seconds),
      `${others.toFixed(0)} %`,
      run.date.slice(0, 10),
    ];
  });
  const head = ['case', 'what', '', 'bounds held', 'took', 'other work', 'date'];
  return markdownTable([head, ...rows], { align: ['l', 'l', 'l', 'r', 'r', 'r', 'l'] });
}

const duration = (seconds: number): string =>
  seconds < 120 ? `${number(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;

function section(name: string, found: CaseResults, charts: readonly Chart[]): string {
  const { summary, run, seconds, others, failed, figures } = found;
  const given = Object.entries(run.options).map(([key, value]) => `${key} ${value}`);
  const how = [
    ...(run.brief ? ['briefly'] : []),
    `seed ${run.seed}`,
    ...given,
    `load average ${run.load.toFixed(2)} before the run`,
  ].join(', ');
  const parts = [
    `## ${plain(name)}`,
    `${plain(summary)}. Measured ${plain(run.date)} in ${duration(seconds)}, ${plain(how)}; other work took ${others.toFixed(0)} % of the machine meanwhile.`,
    ...(failed === null ? [] : [`**The case failed:** ${plain(failed)}`]),
    table(figures),
    figures.map((figure) => `- ${plain(figure.name)}: ${plain(figure.method)}`).join('\n'),
    ...charts.flatMap((chart) => [
      `![${plain(chart.title)}](${chart.file})`,
      ...growth(figures.find((figure) => figure.name === chart.figure)),
    ]),
  ];
  return parts.join('\n\n');
}

const HEAD = ['figure', 'value', 'spread', 'unit', 'bound', '', 'alternative', 'its value', 'ratio'];

function table(figures: readonly FigureResults[]): string {
  const rows = figures.map((figure) => {
    const { name, value, spread, unit, bound, ok } = figure;
    return [
      plain(name),
      value === null ? 'absent' : number(value),
      spread === null ? '' : `${number(spread[0])} .. ${number(spread[1])}`,
      plain(unit),
      plain(bound ?? ''),
      !ok ? '**MISSED**' : bound === null ? '' : 'ok',
      ...alternative(figure),
    ];
  });
  return markdownTable([HEAD, ...rows], { align: ['l', 'r', 'r', 'l', 'l', 'l', 'l', 'r', 'r'] });
}

function alternative(figure: FigureResults): string[] {
  const compared = comparison(figure);
  if (compared === undefined) return ['', '', ''];
  const { name, theirs, unit } = compared;
  if (theirs === null) return ['**absent**', '', ''];
  const found = ratio(compared);
  const value = unit === figure.unit ? number(theirs) : `${number(theirs)} ${plain(unit)}`;
  return [plain(name), value, found === undefined ? '' : number(found)];
}

/** What a series says of a larger size, or why it says nothing. */
function growth(figure: FigureResults | undefined): string[] {
  const series = figure?.series;
  if (series === undefined || series === null || series.growth === null) return [];
  const { growth: wanted, ...rest } = series;
  try {
    return [`Extrapolated. ${plain(extrapolate(rest, wanted).text)}`];
  } catch (error) {
    return [`Not extrapolated. ${plain((error as Error).message)}`];
  }
}
