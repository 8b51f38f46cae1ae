// SPDX-License-Identifier: MPL-2.0
import { harness, hwaddr, ipv4, Operation } from 'nnoe/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import plugin from './first-seen.js';

const lease = {
  operation: Operation.ASSIGN,
  address: ipv4('192.0.2.1'),
  hwaddr: hwaddr('02:00:00:00:00:aa'),
  cltt: 1_700_000_000,
};

test('the first lease of a device is noted, later ones change nothing', async () => {
  const h = await harness(plugin, { config: { site: 'lab' }, node: 'a' });
  await h.emit('lease', lease, { ...lease, operation: Operation.RENEW, cltt: 1_700_000_600 });
  assert.equal(h.store.dump(), {
    '/nnoe/inventory/first-seen/02:00:00:00:00:aa': '{"time":1700000000,"site":"lab","node":"a"}',
  });
  assert.is(await h.metric('seen_total'), 1);
  await h.stop();
});

test('what happened in a gap is seen by the walk that follows it', async () => {
  const h = await harness(plugin);
  await h.gap();
  await h.walk([lease]);
  assert.is(await h.metric('seen_total'), 1);
  await h.stop();
});

test('a lease without hardware address is passed over', async () => {
  const h = await harness(plugin);
  await h.emit('lease', { ...lease, hwaddr: hwaddr('') });
  assert.equal(h.store.dump(), {});
  assert.equal(h.health(), { state: 'ok' });
  await h.stop();
});

test.run();
