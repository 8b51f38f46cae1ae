// SPDX-License-Identifier: MPL-2.0
// Which charts a report has, and what their files are called.
import { barChart } from './bars.js';
import { lineChart } from './lines.js';
import type { Results } from './schema.js';

export interface Chart {
  case: string;
  /** The figure whose curves it shows; undefined: all of the case beside their alternatives. */
  figure: string | undefined;
  /** Within the report's directory. */
  file: string;
  title: string;
  svg: string;
}

export function charts({ cases }: Results): Chart[] {
  const found: Chart[] = [];
  const taken = new Set<string>();
  const add = (name: string, figure: string | undefined, title: string, svg: string | undefined): void => {
    if (svg === undefined) return;
    const words = [name, ...(figure === undefined ? ['beside'] : [figure])].join(' ');
    found.push({ case: name, figure, file: `charts/${fileName(words, taken)}.svg`, title, svg });
  };
  for (const [name, { figures }] of Object.entries(cases)) {
    const beside = `${name}: beside other ways of doing it`;
    add(name, undefined, beside, barChart(beside, figures));
    for (const { name: figure, series } of figures) {
      if (series === null) continue;
      const title = `${name}: ${series.name}`;
      add(name, figure, title, lineChart(title, series));
    }
  }
  return found;
}

/** Letters, digits and hyphens, whatever the results say; a number behind when two come to the same. */
function fileName(words: string, taken: Set<string>): string {
  const base = words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 100);
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
  taken.add(name);
  return name;
}
