// SPDX-License-Identifier: MPL-2.0
import { DOMParser, type Document } from '@xmldom/xmldom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { charts } from './charts.js';
import { lineChart } from './lines.js';
import type { Results, SeriesResults } from './schema.js';
import { example, figure } from './test-support.js';

/** Every warning of the parser is an error. */
function parsed(svg: string): Document {
  const onError = (_: string, message: string): never => {
    throw new Error(message);
  };
  return new DOMParser({ onError }).parseFromString(svg, 'image/svg+xml');
}

const texts = (document: Document): string[] =>
  [...document.getElementsByTagName('text')].map((each) => each.textContent ?? '');

const curves = (points: [number, number][], more: Partial<SeriesResults> = {}): SeriesResults => ({
  ...{ name: 'curves', x: 'names', y: 'one lookup', unit: 'ns', growth: null },
  lines: [{ name: 'NNOE', points }],
  ...more,
});

function drawn(series: SeriesResults): Document {
  const svg = lineChart('a title', series);
  assert.ok(svg !== undefined, 'no chart');
  return parsed(svg);
}

const wide: [number, number][] = [
  [10_000, 20],
  [100_000, 40],
  [1_000_000, 90],
];

test('charts are well-formed, the same each time, and of one width', () => {
  const results: Results = { format: 1, cases: { hook: example(), other: example() } };
  const all = charts(results);
  assert.equal(
    all.map(({ file }) => file),
    ['hook', 'other'].flatMap((name) => [`charts/${name}-beside.svg`, `charts/${name}-own-cost.svg`]),
  );
  for (const { svg } of all) assert.is(parsed(svg).documentElement?.getAttribute('width'), '720');
  assert.equal(charts(results), all);
});

test('text is escaped, and what XML cannot hold is replaced', () => {
  const nasty = 'a<b> & "c" \'d\' ]]> \u0001 \ud800';
  const series = curves(wide, { x: nasty, unit: nasty, lines: [{ name: nasty, points: wide }] });
  const document = drawn(series);
  const clean = 'a<b> & "c" \'d\' ]]> ? ?';
  assert.ok(texts(document).includes(clean), texts(document).join('\n'));
  assert.ok(texts(document).includes(`${clean} (log scale)`));
  const beside = figure({ name: nasty, unit: nasty, alternative: { name: '<script>', value: 3 } });
  const results: Results = { format: 1, cases: { '../up & <out>': { ...example(), figures: [beside] } } };
  const [chart] = charts(results);
  assert.is(chart?.file, 'charts/up-out-beside.svg');
  assert.is(parsed(chart?.svg ?? '').getElementsByTagName('script').length, 0);
  assert.ok(texts(parsed(chart?.svg ?? '')).includes('<script>'));
});

test('axes have titles with their units, and a logarithmic one says so', () => {
  const shown = texts(drawn(curves(wide)));
  for (const text of ['names (log scale)', 'one lookup (ns)', '10 k', '100 k', '1 M', 'NNOE'])
    assert.ok(shown.includes(text), `${text} is not in ${shown.join(', ')}`);
  const threads = texts(
    drawn(
      curves(
        [
          [1, 10],
          [2, 19],
        ],
        { x: 'threads' },
      ),
    ),
  );
  assert.equal(
    threads.filter((text) => /^[12]$/.test(text)),
    ['1', '2'],
  );
  assert.ok(threads.includes('threads'));
});

/** Every number of every attribute that says where something is. */
function places(document: Document): number[] {
  const names = ['x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'width', 'height', 'd', 'transform'];
  return [...document.getElementsByTagName('*')].flatMap((each) =>
    names.flatMap((name) => each.getAttribute(name)?.match(/NaN|Infinity|-?\d+(\.\d+)?/g) ?? []).map(Number),
  );
}

test('a chart with one point, of zeros, of one value: everything has a place', () => {
  for (const points of [
    [[10, 5]],
    [[0, 0]],
    [
      [1, 0],
      [2, 0],
    ],
    [
      [3, 7],
      [3, 7],
    ],
    [
      [1, -5],
      [2, 5],
    ],
    [
      [1e-9, 1],
      [1e9, 1e-9],
    ],
  ] as [number, number][][]) {
    const document = drawn(curves(points));
    assert.ok(places(document).every(Number.isFinite), JSON.stringify(points));
  }
  assert.is(lineChart('a title', curves([])), undefined);
});

test('an extrapolation is drawn and named; one that is not possible leaves the curve', () => {
  const points = [1, 2, 3, 4, 5].map((x): [number, number] => [x * 1000, x * 7]);
  const growth = { line: 'NNOE', model: 'linear', at: 1e6 } as const;
  const document = drawn(curves(points, { growth }));
  assert.ok(texts(document).includes('extrapolated: NNOE'));
  assert.is(document.getElementsByTagName('circle').length, 1);
  const few = drawn(curves(points.slice(0, 2), { growth }));
  assert.is(few.getElementsByTagName('circle').length, 0);
});

test('bars: both ways in their unit, and absent where an alternative is missing', () => {
  const figures = [
    figure({ name: 'with', value: 100, alternative: { name: 'theirs', value: 4000 } }),
    figure({
      name: 'ratio',
      unit: 'times',
      alternative: { name: 'a loop', value: 5, as: { unit: 'events/s', ours: 50 } },
    }),
    figure({ name: 'without', value: 7, compared: true }),
    figure({ name: 'alone' }),
  ];
  const [chart] = charts({ format: 1, cases: { hook: { ...example(), figures } } });
  const document = parsed(chart?.svg ?? '');
  const shown = texts(document);
  for (const text of ['with', 'theirs', '4,000', 'a loop', 'events/s', 'without', 'absent', 'ns (log scale)'])
    assert.ok(shown.includes(text), `${text} is not in ${shown.join(', ')}`);
  assert.not(shown.includes('alone'));
  // The frame and five bars.
  const rects = [...document.getElementsByTagName('rect')].map((each) => Number(each.getAttribute('width')));
  assert.is(rects.length, 6);
  assert.ok(rects.every((width) => width > 0));
  assert.ok((rects[1] as number) < (rects[2] as number));
  assert.ok(places(document).every(Number.isFinite));
});

test('a case without alternatives or curves has no chart', () => {
  assert.equal(charts({ format: 1, cases: { hook: { ...example(), figures: [figure({})] } } }), []);
});

test.run();
