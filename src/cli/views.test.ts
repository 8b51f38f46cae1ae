// SPDX-License-Identifier: MPL-2.0
// What people are shown: widths, states that are not known, and names that clients chose.
import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseValue, StatusReport } from '../host/control/api.js';
import { exitStatusOf, exitStatusOfState } from './exit-status.js';
import { Out } from './io.js';
import { changeLine, LeaseTable, leaseCells, leaseHeadings } from './lease-view.js';
import { showStatus } from './status-view.js';
import { crop, duration, printable, size, wrap } from './text.js';

const out = (columns?: number, env: NodeJS.ProcessEnv = {}) =>
  new Out(Object.assign(new Writable(), columns === undefined ? {} : { isTTY: true, columns }), env);
const coloured = (text: string) => text.includes('\x1b[');

const now = Date.UTC(2026, 0, 2, 3, 0, 0);

const report: StatusReport = {
  state: 'degraded',
  node: 'dhcp-a',
  version: '0.1.0',
  pid: 4711,
  uptimeSeconds: 11_520,
  store: {
    state: 'stale',
    code: 'STORE_UNREACHABLE',
    reason: 'from the cache of this node',
    help: 'Check endpoints in [store] and that the members run.',
    name: 'etcd',
    root: '/nnoe',
  },
  control: { state: 'ok', reason: '', socket: '/run/nnoe/host.sock', streams: 0 },
  journals: {
    dhcp4: {
      state: 'ok',
      reason: '',
      directory: '/j4',
      family: 4,
      head: 5000,
      oldest: 1,
      bytes: 3_210_000,
      walk: { owedAfter: 4000, leases: 1200 },
    },
    dhcp6: { state: 'ok', reason: '', directory: '/j6', family: 6, bytes: 12, walk: { owedAfter: 1 } },
  },
  plugins: {
    leases: {
      state: 'quite-new',
      reason: 'a state that this command has never heard of, from a host that is newer than it is',
      journals: {
        dhcp4: {
          cursor: 1,
          lag: 1203,
          ageSeconds: 75,
          outstanding: 2,
          gaps: 1,
          lastGap: { reason: 'OVERRUN', at: '2026-01-02T02:00:00Z' },
        },
        dhcp6: { cursor: 1, lag: 0, ageSeconds: 0, outstanding: 0, gaps: 0 },
      },
    },
  },
  problems: [
    {
      part: 'store',
      state: 'stale',
      code: 'STORE_UNREACHABLE',
      reason: 'from the cache of this node',
      help: 'Check endpoints in [store] and that the members run. The host keeps trying with growing pauses.',
    },
    { part: 'plugin leases', state: 'quite-new', reason: 'r' },
  ],
};

test('status fits a terminal, and tells everything', () => {
  const lines = showStatus(report, out(80, { NO_COLOR: '1' }), now).split('\n');
  assert.equal(lines, [
    'dhcp-a: degraded (nnoe 0.1.0, process 4711, up 3 h 12 min)',
    '',
    'PART            STATE      DETAILS',
    'store           stale      from the cache of this node',
    'journal dhcp4   ok         family 4, 3.2 MB, a walk is under way (1,200 leases)',
    'journal dhcp6   ok         family 6, 12 bytes, waits for a walk by Kea',
    'plugin leases   quite-new  a state that this command has never heard of, from a',
    '                           host that is newer than it is',
    '  dhcp4         behind     1,203 records, the oldest of 1 min ago; 1 gap, the',
    '                           last OVERRUN 1 h ago',
    '  dhcp6         current    has everything',
    'control socket  ok         /run/nnoe/host.sock',
    '',
    'What to do',
    '  store (STORE_UNREACHABLE)',
    '    Check endpoints in [store] and that the members run. The host keeps trying',
    '    with growing pauses.',
    '',
  ]);
});

test('a terminal that is narrow or wide is kept to', () => {
  for (const columns of [60, 80, 200])
    for (const line of showStatus(report, out(columns, { NO_COLOR: '1' }), now).split('\n'))
      assert.ok(line.length <= columns, `${columns}: ${line}`);
});

test('colours: on a terminal, unless NO_COLOR; elsewhere only by FORCE_COLOR', () => {
  assert.ok(coloured(showStatus(report, out(80), now)));
  assert.not(coloured(showStatus(report, out(80, { NO_COLOR: '1' }), now)));
  assert.ok(coloured(showStatus(report, out(80, { NO_COLOR: '' }), now)), 'empty says nothing');
  assert.not(coloured(showStatus(report, out(80, { TERM: 'dumb' }), now)));
  assert.not(coloured(showStatus(report, out(), now)));
  assert.ok(coloured(showStatus(report, out(undefined, { FORCE_COLOR: '1' }), now)));
  assert.not(coloured(showStatus(report, out(80, { FORCE_COLOR: '0' }), now)));
  const plain = out(80);
  plain.plain();
  assert.not(coloured(showStatus(report, plain, now)));
});

test('a state that is not known is not well', () => {
  assert.equal(
    ['ok', 'degraded', 'starting', 'stale', 'whatever', 'failed'].map(exitStatusOfState),
    [0, 75, 75, 75, 75, 70],
  );
  assert.is(exitStatusOf('CODE_OF_A_NEWER_HOST'), 75);
  assert.is(exitStatusOf('STORE_UNREACHABLE'), 75);
  assert.is(exitStatusOf('CONTROL_REQUEST'), 70);
});

const v4 = {
  ip: '192.0.2.7',
  hwaddr: '02:00:00:0a:0b:0c',
  hostname: 'printer',
  state: 0,
  cltt: now / 1000,
  valid_lft: 3600,
  expires_at: now / 1000 + 3600,
  operation: 'offer',
};

test('a lease is shown whatever of it is missing or odd', () => {
  const cells = (lease: LeaseValue, address = '192.0.2.7') => leaseCells(address, lease, now).join('|');
  assert.is(cells(v4), '192.0.2.7|leased|in 1 h|02:00:00:0a:0b:0c|printer');
  assert.is(cells(null), '192.0.2.7|unreadable|-|-|');
  assert.is(cells({}), '192.0.2.7|leased|-|-|');
  assert.is(
    cells({ ...v4, state: '1', expires_at: String(now / 1000 - 90) }),
    '192.0.2.7|declined|1 min ago|02:00:00:0a:0b:0c|printer',
  );
  assert.is(cells({ ...v4, expires_at: undefined }), cells(v4), 'cltt and valid_lft say it as well');
  assert.is(cells({ ...v4, valid_lft: 4294967295 }).split('|')[2], 'never');
  assert.is(
    cells({ duid: '00:01', iaid: 7, prefix_len: 56 }, '2001:db8::'),
    '2001:db8::/56|leased|-|DUID 00:01 IAID 7|',
  );
});

test('what a client put into its name does not reach the terminal', () => {
  const hostile = 'a\x1b]0;owned\x07b\x9b2Jc\u202ed\u2028e\nf';
  const shown = 'a\\u{1b}]0;owned\\u{7}b\\u{9b}2Jc\\u{202e}d\\u{2028}e\\u{a}f';
  assert.is(printable(hostile), shown);
  assert.is(leaseCells('192.0.2.7', { ...v4, hostname: hostile }, now).at(-1), shown);
  for (const field of ['hwaddr', 'hostname', 'operation']) {
    const line = changeLine('192.0.2.7', { ...v4, [field]: hostile }, new Date(now));
    assert.is(line, printable(line), field);
  }
  assert.is(printable('zoë-プリンタ'), 'zoë-プリンタ');
});

test('changes say what happened', () => {
  const line = (lease: LeaseValue | undefined, address = '192.0.2.7') =>
    changeLine(address, lease, new Date(now)).slice(10);
  assert.is(line(v4), '192.0.2.7              assigned  02:00:00:0a:0b:0c  "printer"  for 3600 s');
  assert.is(line({ ...v4, operation: 'renew' }).slice(23, 31), 'renewed ');
  assert.is(
    line({ ...v4, operation: 'release' }),
    '192.0.2.7              released  02:00:00:0a:0b:0c  "printer"',
  );
  assert.is(line({ ...v4, operation: 'renew', state: 1 }).slice(23, 31), 'declined');
  assert.is(line(undefined), '192.0.2.7              gone');
  assert.is(line(null), '192.0.2.7              unreadable');
  assert.match(line({ prefix_len: 64 }, '2001:db8:1::'), '2001:db8:1::/64');
});

test('a table is aligned from its first page on; only hostnames are cut at the edge', () => {
  const table = new LeaseTable();
  const rows = [leaseHeadings, leaseCells('192.0.2.7', { ...v4, hostname: 'h'.repeat(200) }, now)];
  const [head, first] = table.add(rows, 80).split('\n');
  assert.is(head?.indexOf('STATE'), first?.indexOf('leased'));
  assert.is(head?.indexOf('HOSTNAME'), first?.indexOf('hhh'));
  assert.is(first?.length, 80);
  assert.is(first?.at(-1), '…');
  assert.ok(
    (table.add(rows, undefined).split('\n')[1]?.length ?? 0) > 200,
    'not where it is read by programs',
  );
  const narrow = table.add([leaseCells('2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff', v4, now)], 40);
  assert.match(narrow, /02:00:00:0a:0b:0c$/, 'the name gives way, not the client');
});

test('numbers, times and paragraphs', () => {
  assert.equal([0, 999, 1000, 3_210_000, 12_345_678, 5e9].map(size), [
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '3.2 MB',
    '12 MB',
    '5.0 GB',
  ]);
  assert.equal([0, 0.25, 9.94, 42.4, 60, 75, 3600, 11_520, 90_000, 864_000].map(duration), [
    '0 s',
    '0.3 s',
    '9.9 s',
    '42 s',
    '1 min',
    '1 min',
    '1 h',
    '3 h 12 min',
    '1 d 1 h',
    '10 d',
  ]);
  assert.equal(wrap('aa bb  cc\ndddddddd e', 5), ['aa bb', 'cc', 'dddddddd', 'e']);
  assert.is(crop('abcdef', 4), 'abc…');
});

test.run();
