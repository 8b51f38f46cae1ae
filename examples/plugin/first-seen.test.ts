// SPDX-License-Identifier: MPL-2.0
import { harness, ipv4, Operation } from 'nnoe/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import plugin from './first-seen.js';

const hwaddr = Buffer.from('0200000000aa', 'hex');
const lease = { operation: Operation.ASSIGN, address: ipv4('192.0.2.1'), hwaddr, cltt: 1_700_000_000 };

test('the first lease of a device is noted, later ones change nothing', async () => {
  const h = await harness(plugin, { config: { site: 'lab' }, node: 'a' });
  await h.emit('lease', lease, { ...lease, operation: Operation.RENEW, cltt: 1_700_000_600 });
  const [entry] = Object.entries(h.store.dump());
  assert.ok(entry?.[0].endsWith('/inventory/first-seen/0200000000aa'));
  assert.match(String(entry?.[1]), '1700000000');
  assert.is(await h.metric('seen'), 1);
  await h.stop();
});

test('a lease without hardware address is passed over', async () => {
  const h = await harness(plugin);
  await h.emit('lease', { ...lease, hwaddr: Buffer.alloc(0) });
  assert.equal(h.store.dump(), {});
  await h.stop();
});

test.run();
