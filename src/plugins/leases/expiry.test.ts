// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Audit } from './audit.js';
import { historyName, historyTime, isExpired, quickExpiry, SteadyClock } from './expiry.js';

const entry = (value: object | string) => ({
  key: 'k',
  value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  createRevision: 1,
  modRevision: 1,
});

test('the end of a lease is found without parsing, and only where it stands', () => {
  assert.is(quickExpiry(Buffer.from('{"ip":"10.0.0.1","expires_at":1700003600,"x":1}')), 1_700_003_600);
  const hostile = JSON.stringify({ hostname: ',"expires_at":1', state: 0, expires_at: 7 });
  assert.is(quickExpiry(Buffer.from(hostile)), 7);
  for (const text of ['', '{}', '{"a":1,"expires_at":"5"}', '{"a":1, "expires_at": 5}'])
    assert.is(quickExpiry(Buffer.from(text)), undefined);
});

test('expired after the grace of its node; whatever says nothing never', () => {
  const graces = { own: 100, others: 1000 };
  const ends = (fields: object) => (now: number) =>
    isExpired(entry({ ip: 'x', ...fields }), 'a', now, graces);
  const own = ends({ expires_at: 5000, node: 'a' });
  assert.equal([own(5099), own(5100)], [false, true]);
  const other = ends({ expires_at: 5000, node: 'b' });
  assert.equal([other(5999), other(6000)], [false, true]);
  const foreign = ends({ cltt: '4000', valid_lft: '1000' });
  assert.equal([foreign(5999), foreign(6000)], [false, true]);
  assert.not(ends({ node: 'a' })(1e12));
  assert.not(isExpired(entry('not json'), 'a', 1e12, graces));
});

test('a wall clock that jumps is not believed for a while, in both directions', () => {
  let wall = 1_000_000_000_000;
  let monotonic = 5000;
  const pass = (ms: number) => {
    wall += ms;
    monotonic += ms;
  };
  const clock = new SteadyClock(
    600,
    () => wall,
    () => monotonic,
  );
  assert.is(clock.now(), 1_000_000_000);
  pass(86_400_000);
  assert.is(clock.now(), 1_000_086_400, 'time that passes is no jump');
  wall += 10_000;
  assert.is(clock.now(), 1_000_086_410, 'a small correction is none either');
  for (const jump of [3_600_000, -7_200_000]) {
    wall += jump;
    assert.is(clock.now(), undefined);
    pass(599_000);
    assert.is(clock.now(), undefined);
    pass(2000);
    assert.is(clock.now(), wall / 1000);
  }
});

test('names in the history sort by time, then by sequence', () => {
  const names = [
    historyName('10.0.0.1', 1_700_000_000_123_456, 5),
    historyName('10.0.0.1', 1_700_000_000_123_999, 40),
    historyName('10.0.0.1', 1_700_000_000_124_000, 6),
    historyName('10.0.0.1', 1_700_000_000_124_000, 2 ** 53 - 1),
  ];
  assert.is(names[0], '10.0.0.1/1700000000123-0000000000000005');
  assert.equal([...names].sort(), names);
  assert.is(historyTime(names[0] ?? ''), 1_700_000_000.123);
  assert.is(historyTime(historyName('2001:db8::1', 0, 1)), 0);
  for (const name of ['', '10.0.0.1', '10.0.0.1/x-1', '10.0.0.1/123-1'])
    assert.is(historyTime(name), undefined);
});

test('audit entries never share a name', () => {
  const audit = new Audit('node-a', () => 1_700_000_000_000);
  const entries = [1, 2, 3].map(() => audit.entry({ action: 'a', resource: 'r', result: 'ok' }));
  assert.equal(
    entries.map(({ name }) => name),
    ['2023-11-14T22:13:20.000Z-node-a', '2023-11-14T22:13:20.001Z-node-a', '2023-11-14T22:13:20.002Z-node-a'],
  );
  assert.is(
    entries[1]?.value,
    '{"timestamp":"2023-11-14T22:13:20.001Z","node":"node-a","action":"a","resource":"r","result":"ok"}',
  );
});

test.run();
