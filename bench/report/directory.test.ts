// SPDX-License-Identifier: MPL-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporary } from '../../test/daemons/lib/workspace.js';
import type { Result } from '../lib/figures.js';
import { parseResults, ReportDirectory } from './directory.js';
import { plain } from './markdown.js';
import { figureResults } from './schema.js';
import { example, figure } from './test-support.js';

const ORDER = ['journal', 'hook'];
const read = (directory: string, file: string) => readFileSync(join(directory, file), 'utf8');
const resultsOf = (directory: string) => parseResults('results.json', read(directory, 'results.json'));

test('what is put is read again as it was, and nothing else lies there', () => {
  const directory = join(temporary('report'), 'new', 'deep');
  new ReportDirectory(directory, ORDER).put('hook', example());
  assert.equal(resultsOf(directory), { format: 1, cases: { hook: example() } });
  assert.equal(readdirSync(directory).sort(), ['charts', 'report.md', 'results.json']);
  assert.equal(readdirSync(join(directory, 'charts')).sort(), ['hook-beside.svg', 'hook-own-cost.svg']);
});

test('a later run replaces its case with its charts, the others stay, in the order of the cases', () => {
  const directory = temporary('report');
  const first = new ReportDirectory(directory, ORDER);
  first.put('gone', example());
  first.put('hook', example());
  const again = example({ seconds: 5, figures: [figure({ value: 7 })] });
  new ReportDirectory(directory, ORDER).put('hook', again);
  new ReportDirectory(directory, ORDER).put('journal', example({ summary: 'an append' }));
  const { cases } = resultsOf(directory);
  assert.equal(Object.keys(cases), ['journal', 'hook', 'gone']);
  assert.equal(cases.hook, again);
  assert.equal(cases.gone, example());
  const drawn = ['gone', 'journal'].flatMap((name) => [`${name}-beside.svg`, `${name}-own-cost.svg`]);
  assert.equal(readdirSync(join(directory, 'charts')).sort(), drawn);
});

test('the report in Markdown: machine, table, ratio, method, growth, charts that are there', () => {
  const directory = temporary('report');
  const report = new ReportDirectory(directory, ORDER);
  report.put('hook', example());
  const missing = figure({ name: 'a|b', compared: true, ok: false, value: null });
  const run = { ...example().run, machine: 'another machine' };
  report.put('journal', example({ failed: 'no\nserver', figures: [missing], run }));
  const text = read(directory, 'report.md');
  assert.match(text, /\*\*Of journal:\*\*\n\n- another machine\n- node v20\.0\.0, kea absent/);
  assert.match(
    text,
    /\| own cost +\| +100 +\| +90 \.\. 110 +\| ns +\| <= 150 +\| ok +\| an empty hook +\| +400 +\| +0\.25 +\|/,
  );
  assert.match(text, /^- own cost: as it says$/m);
  assert.match(text, /^Extrapolated\. NNOE: ns = 90 \+ 0\.001 · n .* = 1,090 ± /m);
  assert.match(text, /\| a\\\|b +\| +absent .*\*\*MISSED\*\*.*\*\*absent\*\*/);
  assert.match(text, /^\*\*The case failed:\*\* no server$/m);
  assert.match(
    text,
    /Measured 2026-03-04T05:06:07\.890Z in 61\.3 s, seed 3, pairs 2, load average 0\.25 before the run; other work took 3 %/,
  );
  const linked = [...text.matchAll(/!\[.*\]\((.*)\)/g)].map((match) => match[1] as string);
  assert.equal(linked, ['charts/journal-beside.svg', 'charts/hook-beside.svg', 'charts/hook-own-cost.svg']);
  for (const file of linked) assert.ok(existsSync(join(directory, file)), file);
});

test('text in Markdown is text', () => {
  assert.is(
    plain('a|b <i> `c` _d_ nnoe_decide <= 3\n&amp; [x](y)'),
    'a\\|b \\<i> \\`c\\` \\_d\\_ nnoe_decide <= 3 \\&amp; \\[x\\](y)',
  );
});

test('damaged results: file and key are named, and the file stays as it was', () => {
  const bad: [string, RegExp][] = [
    ['{"format": 1, "cases": {', /results\.json: expected JSON: /],
    ['', /results\.json: expected JSON: /],
    ['[]', /results\.json: .*the whole: /],
    ['{"format": 2, "cases": {}}', /results\.json: .*format: /],
    [
      JSON.stringify({ format: 1, cases: { hook: { ...example(), seconds: 'long' } } }),
      /cases\.hook\.seconds: .*number/,
    ],
    [
      JSON.stringify({
        format: 1,
        cases: { hook: example({ figures: [{ ...figure({}), value: 'x' as never }] }) },
      }),
      /cases\.hook\.figures\[0\]\.value: .*number/,
    ],
    [JSON.stringify({ format: 1, cases: {}, more: 1 }), /the whole: .*more/],
  ];
  for (const [content, expected] of bad) {
    const directory = temporary('report');
    const file = join(directory, 'results.json');
    writeFileSync(file, content);
    assert.throws(() => new ReportDirectory(directory, ORDER), expected, content);
    assert.is(readFileSync(file, 'utf8'), content);
    assert.equal(readdirSync(directory), ['results.json']);
  }
  // Between the cases of a run, too.
  const directory = temporary('report');
  const report = new ReportDirectory(directory, ORDER);
  writeFileSync(join(directory, 'results.json'), '{');
  assert.throws(() => report.put('hook', example()), /results\.json: expected JSON/);
  assert.is(read(directory, 'results.json'), '{');
});

test('values that JSON has no number for are absent, and the report is valid all the same', () => {
  const result: Result = {
    case: 'hook',
    spec: { name: 'n', unit: 'u', method: 'm', alternative: true, bound: { relation: '<=', value: 1 } },
    measured: {
      value: Number.NaN,
      spread: [Number.NaN, Number.POSITIVE_INFINITY],
      alternative: { name: 'x', value: Number.NaN },
      series: {
        name: 's',
        x: 'x',
        y: 'y',
        unit: 'u',
        lines: [
          {
            name: 'l',
            points: [
              [1, Number.NaN],
              [2, 3],
            ],
          },
        ],
      },
    },
  };
  const directory = temporary('report');
  new ReportDirectory(directory, ORDER).put('hook', example({ figures: [figureResults(result)] }));
  const [found] = resultsOf(directory).cases.hook?.figures ?? [];
  assert.equal([found?.value, found?.spread, found?.alternative, found?.ok], [null, null, null, false]);
  assert.equal(found?.series?.lines, [{ name: 'l', points: [[2, 3]] }]);
});

const main = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '../main.js'), ...args], { encoding: 'utf8' });

test('a directory that cannot be written is said before anything is measured', () => {
  const parent = temporary('report');
  const file = join(parent, 'file');
  writeFileSync(file, '');
  const { status, stdout, stderr } = main('journal', '--report', file);
  assert.is(status, 64, stderr);
  assert.is(stdout, '');
  assert.ok(stderr.includes(`option --report: ${file}`), stderr);
  assert.not.match(stderr, /journal:/);
  assert.throws(() => new ReportDirectory(join(file, 'below'), ORDER), /file\/below.*ENOTDIR/);
  // A directory in place of a file of the report.
  const taken = join(parent, 'taken');
  mkdirSync(join(taken, 'results.json'), { recursive: true });
  assert.throws(() => new ReportDirectory(taken, ORDER), /results\.json: cannot be read: EISDIR/);
  if (process.getuid?.() === 0) return;
  const closed = join(parent, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o555);
  assert.throws(() => new ReportDirectory(closed, ORDER), /closed: no report can be written there: .*EACCES/);
});

test.run();
