// SPDX-License-Identifier: MPL-2.0
// `nnoe lists` for people.
import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListReport } from '../plugins/lists/report.js';
import { Out } from './io.js';
import { listsState, showLists } from './lists-view.js';

const now = Date.parse('2026-01-02T00:00:00Z');
const out = new Out(new Writable(), {});

const list = (name: string, more: Partial<ListReport> = {}): ListReport => ({
  name,
  kind: 'block',
  source: `/lists/${name}`,
  names: 12_345,
  exceptions: 0,
  bad: {},
  withheld: { names: 0, first: [] },
  subscriptions: [],
  ...more,
});
const guarded = { names: 3 };

test('a list well, one held back, one that failed: a row each, and what to know', () => {
  const report = {
    lists: [
      list('ads', {
        format: 'hosts',
        loaded: '2026-01-01T22:00:00Z',
        exceptions: 2,
        bad: { syntax: { rows: 9, lines: [1, 2, 3, 4, 5] }, url: { rows: 1, lines: [7] } },
        withheld: { names: 7, first: ['google.com', '*.com'] },
        subscriptions: [
          { roles: ['kids', 'guest'], action: 'refused' },
          { roles: [], action: 'nxdomain' },
        ],
      }),
      list('bad', { failed: { reason: '/lists/bad: there is no such file', since: '2026-01-01T00:00:00Z' } }),
      list('few', {
        held: { reason: 'it has 1 names, and had 100', names: 1, since: '2026-01-01T00:00:00Z' },
      }),
    ],
    protected: guarded,
    threats: {
      values: 4,
      malformed: { json: 1 },
      first: [{ key: 'x\u001b[31m', reason: 'found no JSON object' }],
    },
  };
  assert.is(
    showLists(report, out, now),
    `LIST  KIND   STATE   NAMES               AGE               NOT USED  FOR                                        SOURCE
ads   block  ok      12,345, 2 excepted  2 h               17        kids, guest: refused; everybody: nxdomain  /lists/ads (hosts)
bad   block  failed  12,345              before the start            nobody                                     /lists/bad
few   block  held    12,345              before the start            nobody                                     /lists/few

To know
  ads: left out, because they are protected: google.com, *.com and 5 more
  ads: 9 rows not used (syntax), at lines 1, 2, 3, 4, 5 and 4 more
  ads: 1 row not used (url), at line 7
  bad: /lists/bad: there is no such file
  few: held back: it has 1 names, and had 100; to take it: nnoe lists accept few
  threat x\\u{1b}[31m: found no JSON object
`,
  );
  assert.is(listsState(report), 'degraded');
});

test('nothing to say of lists that are well, and of none', () => {
  const well = { lists: [list('ads', { loaded: '2026-01-01T22:00:00Z' })], protected: guarded };
  assert.is(showLists(well, out, now).split('\n').length, 3);
  assert.is(listsState(well), 'ok');
  assert.is(
    showLists({ lists: [], protected: guarded }, out, now),
    'no lists are configured: [plugins.lists.list.NAME]\n',
  );
});

test('whatever is not well shows in the status', () => {
  assert.is(listsState({ lists: [], protected: { names: 0, failed: 'gone' } }), 'degraded');
  assert.is(listsState({ lists: [], threats: { values: 1, malformed: { key: 1 }, first: [] } }), 'degraded');
});

test.run();
