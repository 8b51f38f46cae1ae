// SPDX-License-Identifier: MPL-2.0
// Results to make reports of in tests.
import type { CaseResults, FigureResults } from './schema.js';

export const figure = (more: Partial<FigureResults>): FigureResults => ({
  ...{ case: 'hook', name: 'own cost', value: 100, unit: 'ns', bound: null, compared: false },
  ...{ alternative: null, method: 'as it says', ok: true, spread: null, series: null },
  ...more,
});

/** One figure with everything that a figure can have. */
export const example = (more: Partial<CaseResults> = {}): CaseResults => ({
  summary: 'what the hook costs',
  run: {
    ...{ date: '2026-03-04T05:06:07.890Z', machine: '2 x Some Processor, 4.0 GiB', load: 0.25 },
    ...{ versions: { node: 'v20.0.0', kea: null }, seed: 3, brief: false, options: { pairs: 2 } },
  },
  ...{ seconds: 61.25, others: 3.4, failed: null },
  figures: [
    figure({
      ...{
        bound: '<= 150',
        compared: true,
        alternative: { name: 'an empty hook', value: 400 },
        spread: [90, 110],
      },
      series: {
        ...{ name: 'cost of a lease', x: 'leases', y: 'own cost', unit: 'ns' },
        lines: [{ name: 'NNOE', points: [1, 2, 3, 4, 5].map((x) => [x * 1000, 90 + x]) }],
        growth: { line: 'NNOE', model: 'linear', at: 1_000_000 },
      },
    }),
  ],
  ...more,
});
