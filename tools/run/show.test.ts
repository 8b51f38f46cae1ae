// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../src/host/store/store.js';
import { leaseLine } from './show.js';

const time = new Date(2026, 0, 1, 9, 5, 3);
const put = (value: object | string): Change => ({
  type: 'put',
  entry: {
    key: 'k',
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    createRevision: 1,
    modRevision: 1,
  },
});

test('an assigned lease', () => {
  const lease = {
    ip: '10.0.0.1',
    operation: 'offer',
    hwaddr: '00:0c:01:02:03:04',
    hostname: 'printer',
    valid_lft: 3600,
  };
  const shown = leaseLine(put(lease), '10.0.0.1', time);
  assert.is(shown, '09:05:03  10.0.0.1               assigned  00:0c:01:02:03:04  "printer"  for 3600 s');
});

test('a delegated prefix shows its length and its DUID', () => {
  const lease = {
    ip: '2001:db8:8000::',
    operation: 'renew',
    duid: '00:01',
    iaid: 7,
    prefix_len: 64,
    valid_lft: 60,
  };
  const shown = leaseLine(put(lease), '2001:db8:8000::', time);
  assert.is(shown, '09:05:03  2001:db8:8000::/64     renewed   DUID 00:01 IAID 7  for 60 s');
});

test('release, removal and a value of somebody else', () => {
  assert.is(
    leaseLine(put({ ip: '10.0.0.1', operation: 'release', hwaddr: '00:01' }), '10.0.0.1', time),
    '09:05:03  10.0.0.1               released  00:01',
  );
  assert.is(
    leaseLine({ type: 'delete', key: 'k', modRevision: 2 }, '10.0.0.1', time),
    '09:05:03  10.0.0.1               gone',
  );
  assert.match(leaseLine(put('{'), '10.0.0.1', time), 'unreadable');
});

test.run();
