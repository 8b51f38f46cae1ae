// SPDX-License-Identifier: MPL-2.0
// The judge must find what it is there to find.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Call, type HistoryEvent, judge } from './told.js';

const put = (key: string, revision: number): HistoryEvent => ({ key, revision, deleted: false });
const gone = (key: string, revision: number): HistoryEvent => ({ key, revision, deleted: true });
const history = [put('a', 2), put('b', 3), put('a', 5), gone('b', 6), put('c', 6), put('d', 8), gone('d', 9)];
const snapshot = (revision: number, ...entries: [key: string, revision: number][]): Call => ({
  kind: 'snapshot',
  revision,
  entries: entries.map(([key, at]) => ({ key, revision: at })),
});
const change = (...changes: HistoryEvent[]): Call => ({
  kind: 'change',
  revision: changes.at(-1)?.revision ?? 0,
  changes,
});
const first = snapshot(3, ['a', 2], ['b', 3]);

test('everything told', () => {
  const verdict = judge(history, [
    first,
    change(put('a', 5), gone('b', 6), put('c', 6)),
    change(put('d', 8)),
    change(gone('d', 9)),
  ]);
  assert.equal(verdict, { told: 5, covered: 0, without: 0, snapshots: 1, missed: [], wrong: [] });
});

test('a hole, within and at the end', () => {
  assert.equal(judge(history, [first, change(gone('b', 6), put('c', 6))]).missed, [put('a', 5)]);
  assert.equal(judge(history, [first, change(put('a', 5))]).missed, [gone('b', 6), put('c', 6)]);
  const half = judge([put('a', 2), put('a', 3), put('a', 4)], [snapshot(2, ['a', 2]), change(put('a', 4))]);
  assert.equal(half.missed, [put('a', 3)], 'a value that was overwritten counts too');
});

test('a snapshot stands for what it covers, and has to be right', () => {
  const covered = judge(history, [first, snapshot(8, ['a', 5], ['c', 6], ['d', 8]), change(gone('d', 9))]);
  assert.equal([covered.covered, covered.missed, covered.wrong], [4, [], []]);
  const stale = judge(history, [first, snapshot(8, ['a', 2], ['c', 6], ['d', 8]), change(gone('d', 9))]);
  assert.is(stale.wrong.length, 1);
  assert.is(judge(history, [first, snapshot(6, ['a', 5])]).wrong.length, 1, 'a key is missing from it');
});

test('what came and went may be left out', () => {
  const verdict = judge(history, [first, change(put('a', 5)), change(gone('b', 6), put('c', 6))]);
  assert.equal([verdict.without, verdict.missed], [2, []]);
});

test('what did not happen, twice, or in another order', () => {
  for (const calls of [
    [first, change(put('x', 5))],
    [first, change(put('a', 5)), change(put('a', 5))],
    [first, change(gone('b', 6), put('c', 6)), change(put('a', 5))],
    [first, change(gone('a', 5))],
  ])
    assert.ok(judge(history, calls).wrong.length > 0, JSON.stringify(calls));
});

test.run();
