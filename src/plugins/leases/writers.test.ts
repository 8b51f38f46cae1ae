// SPDX-License-Identifier: MPL-2.0
// A node that writes alone proves so once a transaction; with company, or after a doubt, key by key.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Operation } from '../../host/testing.js';
import { lease, now, root, start, value } from './test-support.js';

const list = '/nnoe/dhcp/writers/nodes';
const many = (cltt: number) => Array.from({ length: 20 }, (_, i) => lease(`192.0.2.${i}`, { cltt }));

test('alone: one compare for a transaction of events that nobody can have written yet', async () => {
  const h = await start();
  assert.is(h.store.dump(list)[list], '{"nodes":["a"]}');
  await h.emit('lease', ...many(now));
  assert.equal(
    h.store.transactions.at(-1)?.compare?.map(({ key }) => key),
    [list],
  );
  await h.emit('lease', ...many(now + 1).map((event) => ({ ...event, operation: Operation.RENEW })));
  assert.equal(
    h.store.transactions.at(-1)?.compare?.map(({ key }) => key),
    [list],
  );
  assert.is(await h.metric('conflicts_total'), 0);
  await h.stop();
});

test('what an earlier life may have written is compared key by key, and newer values stay', async () => {
  const first = await start();
  first.seq = 100;
  await first.emit('lease', lease('192.0.2.1', { cltt: now + 9 }));
  await first.stop();
  const h = await start({ store: first.store });
  h.fresh = false;
  h.seq = 50;
  await h.emit('lease', lease('192.0.2.1'), lease('192.0.2.2'));
  assert.is(value(h, '192.0.2.1')?.cltt, now + 9);
  assert.is(value(h, '192.0.2.2')?.cltt, now);
  assert.equal(
    h.store.transactions.at(-1)?.compare?.map(({ key }) => key),
    [`${root}192.0.2.2`],
  );
  await h.stop();
});

test('another node joins: the next write notices, and what that node wrote stays', async () => {
  const a = await start();
  await a.emit('lease', ...many(now));
  const b = await start({ store: a.store, node: 'b' });
  assert.is(a.store.dump(list)[list], '{"nodes":["a","b"]}');
  await b.emit('lease', ...many(now + 60));
  assert.is(value(a, '192.0.2.1')?.node, 'b');
  await a.emit('lease', ...many(now + 30));
  for (let i = 0; i < 20; i++) {
    assert.is(value(a, `192.0.2.${i}`)?.node, 'b');
    assert.is(value(a, `192.0.2.${i}`)?.cltt, now + 60);
  }
  await a.emit('lease', lease('192.0.2.200'));
  assert.equal(
    a.store.transactions.at(-1)?.compare?.map(({ key }) => key),
    [`${root}192.0.2.200`],
  );
  await a.stop();
  await b.stop();
});

test('an attempt that went unanswered is fenced before its keys are written again', async () => {
  const h = await start();
  h.store.losses = 1;
  await h.emit('lease', lease('192.0.2.1'));
  const late = h.store.transactions.find(({ operations }) =>
    operations.some((operation) => 'put' in operation && operation.put === `${root}192.0.2.1`),
  );
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + 60 }));
  assert.ok(late);
  const { committed } = await h.store.commit(late);
  assert.not(committed, 'the late attempt changes nothing');
  assert.is(value(h, '192.0.2.1')?.cltt, now + 60);
  await h.stop();
});

test('a list that is no list costs compares, not leases', async () => {
  const first = await start();
  await first.stop();
  await first.store.commit({ operations: [{ put: list, value: '{"nodes":7}' }] });
  const h = await start({ store: first.store });
  await h.emit('lease', lease('192.0.2.1'));
  assert.equal(
    h.store.transactions.at(-1)?.compare?.map(({ key }) => key),
    [`${root}192.0.2.1`],
  );
  assert.is(value(h, '192.0.2.1')?.node, 'a');
  await h.stop();
});

test.run();
