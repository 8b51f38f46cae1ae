// SPDX-License-Identifier: MPL-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { cases } from '../cases.js';
import { ofFunction, ofObject, perUnit, readProfile } from './callgrind.js';
import { answers, within } from './delays.js';
import { type FigureSpec, holds } from './figures.js';
import { jsonLine, table } from './report.js';
import { median, quantile, slope } from './stats.js';

// main calls callout three times, callout calls itself once and memcpy twice.
const PROFILE = `version: 1
events: Ir
fl=(1) main.cc
ob=(1) /usr/bin/server
fn=(1) main
10 5
cob=(2) /lib/libhook.so
cfi=(2) hook.cc
cfn=(2) callout(isc::Handle&)
calls=3 20
+2 90

ob=(2)
fl=(2)
fn=(2)
20 30
cfn=(2)
calls=1 20
* 12
cob=(3) /lib/libc.so.6
cfn=(3) memcpy
calls=2 0
-1 48

ob=(3)
fn=(3)
0 48
totals: 83
`;

test('a callgrind file: self cost by object, inclusive cost by function, recursion once', async () => {
  const file = join(temporary('callgrind'), 'out');
  writeFileSync(file, PROFILE);
  const profile = await readProfile(file);
  assert.is(profile.total, 83);
  assert.is(ofObject(profile, 'libhook.so'), 30);
  assert.is(ofFunction(profile, /^callout/), 90);
  assert.is(ofFunction(profile, /^memcpy$/), 48);
  assert.is(profile.calls.get('callout(isc::Handle&)'), 3);
});

test('what one more unit costs', () => {
  assert.is(perUnit({ count: 100, cost: 5_000 + 100 * 7 }, { count: 600, cost: 5_000 + 600 * 7 }), 7);
});

test('quantiles interpolate and leave their input alone', () => {
  const values = [4, 1, 3, 2];
  assert.is(median(values), 2.5);
  assert.is(quantile(values, 1), 4);
  assert.equal(values, [4, 1, 3, 2]);
  assert.ok(Number.isNaN(median([])));
});

test('a line is found under noise, with its error', () => {
  const x = Array.from({ length: 40 }, (_, i) => i);
  const fit = slope(
    x,
    x.map((v) => 3 + 0.5 * v + (v % 2 === 0 ? 1 : -1)),
  );
  assert.ok(Math.abs(fit.slope - 0.5) < 2 * fit.error + 0.01);
  assert.ok(fit.error > 0 && fit.error < 0.05);
});

test('answers of perfdhcp, and those sent in a span', () => {
  const text =
    '***Timestamps for packets: DISCOVER-OFFER***\nsent / received: 000000.500000 / 000000.501250\n' +
    '***Timestamps for packets: REQUEST-ACK***\nsent / received: 000002.000000 / 000002.000500\n';
  const all = answers(text);
  assert.is(all.length, 2);
  assert.is(within(all, 1, 3).length, 1);
  assert.ok(Math.abs((within(all, 0, 1)[0] as number) - 1.25) < 1e-6);
  assert.throws(() => answers('no timestamps'));
});

const spec = (relation: '<=' | '>=' | '<'): FigureSpec => ({
  ...{ name: 'n', unit: 'u', method: 'm' },
  bound: { relation, value: 2 },
});

test('a bound holds or not; an absent figure and NaN never do', () => {
  assert.ok(holds({ spec: spec('<='), measured: { value: 2 } }));
  assert.not(holds({ spec: spec('<'), measured: { value: 2 } }));
  assert.ok(holds({ spec: spec('>='), measured: { value: 2 } }));
  assert.not(holds({ spec: spec('>='), measured: undefined }));
  assert.not(holds({ spec: spec('<='), measured: { value: Number.NaN } }));
  const { bound: _, ...free } = spec('<=');
  assert.ok(holds({ spec: free, measured: { value: 9 } }));
  assert.not(holds({ spec: free, measured: undefined }));
});

test('what only a long run can say is not asked of a brief one, but has to be there', () => {
  const long: FigureSpec = { ...spec('>='), long: true };
  const measured = { value: 1 };
  assert.not(holds({ spec: long, measured }));
  assert.ok(holds({ spec: long, measured, brief: true }));
  assert.not(holds({ spec: spec('>='), measured, brief: true }));
  assert.not(holds({ spec: long, measured: undefined, brief: true }));
  assert.is(JSON.parse(jsonLine({ case: 'c', spec: long, measured, brief: true })).bound, null);
});

test('a figure that promises an alternative has missed without one, whatever its value', () => {
  const promising: FigureSpec = { ...spec('<='), alternative: true };
  const alternative = { name: 'x', value: 3 };
  assert.ok(holds({ spec: promising, measured: { value: 1, alternative } }));
  assert.not(holds({ spec: promising, measured: { value: 1 } }));
  assert.not(
    holds({ spec: promising, measured: { value: 1, alternative: { name: 'x', value: Number.NaN } } }),
  );
  assert.not(holds({ spec: promising, measured: { value: 9, alternative } }));
  const { bound: _, ...free } = promising;
  assert.ok(holds({ spec: free, measured: { value: 9, alternative } }));
  assert.not(holds({ spec: free, measured: { value: 9 } }));
  assert.match(table([{ case: 'c', spec: free, measured: { value: 9 } }]), /n +9 +u +MISSED +absent/);
  assert.is(JSON.parse(jsonLine({ case: 'c', spec: free, measured: { value: 9 } })).ok, false);
});

test('each case has figures, a bound among them, none of them twice', async () => {
  for (const [name, load] of Object.entries(cases)) {
    const { figures } = (await load()).default;
    assert.ok(
      figures.some(({ bound }) => bound !== undefined),
      `${name} has no bound`,
    );
    assert.is(new Set(figures.map((figure) => figure.name)).size, figures.length, name);
  }
});

test('JSON has the promised fields, null where there is nothing', () => {
  const line = JSON.parse(jsonLine({ case: 'c', spec: spec('<='), measured: undefined }));
  assert.equal(
    ['case', 'name', 'value', 'unit', 'bound', 'alternative', 'method'].map((field) => line[field]),
    ['c', 'n', null, 'u', '<= 2', null, 'm'],
  );
  const full = { case: 'c', spec: spec('<='), measured: { value: 1, alternative: { name: 'x', value: 3 } } };
  assert.equal(JSON.parse(jsonLine(full)).alternative, { name: 'x', value: 3 });
});

test('the table says MISSED and absent', () => {
  assert.match(table([{ case: 'c', spec: spec('<='), measured: { value: 3 } }]), /MISSED/);
  assert.match(table([{ case: 'c', spec: spec('<='), measured: undefined }]), /absent/);
});

test.run();
