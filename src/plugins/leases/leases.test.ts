// SPDX-License-Identifier: MPL-2.0
// What the plugin writes for which events, and what it leaves alone.
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CommitResult, Transaction } from '../../host/store/store.js';
import { Operation } from '../../host/testing.js';
import { client, lease, now, root, start, until, value, Watched } from './test-support.js';

test('a lease is assigned, renewed and released: put, put, put and then deleted', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'));
  assert.is(value(h, '192.0.2.1')?.operation, 'offer');
  assert.is(value(h, '192.0.2.1')?.node, 'a');
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + 60 }));
  assert.is(value(h, '192.0.2.1')?.operation, 'renew');
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.RELEASE, cltt: now + 60 }));
  assert.is(value(h, '192.0.2.1'), undefined);
  assert.equal(h.store.story, [
    'offer 192.0.2.1',
    'renew 192.0.2.1',
    'release 192.0.2.1',
    'delete 192.0.2.1',
  ]);
  const removal = h.store.transactions.at(-1);
  assert.is(removal?.compare?.length, 1, 'the deletion compares the revision of what it announced');
  await h.stop();
});

test('of many events of one address in a batch the last is written, once', async () => {
  const h = await start();
  const renewals = Array.from({ length: 20 }, (_, i) =>
    lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + i }),
  );
  await h.emit('lease', lease('192.0.2.1'), ...renewals, lease('192.0.2.2'));
  assert.equal(h.store.story, ['renew 192.0.2.1', 'offer 192.0.2.2']);
  assert.is(value(h, '192.0.2.1')?.seq, 21);
  assert.is(await h.metric('coalesced_total'), 20);
  await h.stop();
});

test('batches settle when what came of them is durable, not before', async () => {
  const h = await start();
  h.store.down();
  let settled = 0;
  const batches = [lease('192.0.2.1'), lease('192.0.2.1', { cltt: now + 1 }), lease('192.0.2.2')].map(
    (event) => h.emit('lease', event).then(() => settled++),
  );
  await wait(30);
  assert.is(settled, 0);
  h.store.up();
  await Promise.all(batches);
  assert.is(value(h, '192.0.2.1')?.cltt, now + 1);
  await h.stop();
});

test('no transaction has more than the store takes, and none has a key twice', async () => {
  const h = await start();
  const many = Array.from({ length: 1000 }, (_, i) => lease(`10.0.${i >> 8}.${i & 255}`));
  await h.emit('lease', ...many, ...many.map((event) => ({ ...event, operation: Operation.RELEASE })));
  await h.emit('lease', ...many);
  assert.is(Object.keys(h.store.dump(root)).length, 1000);
  for (const { operations } of h.store.transactions) {
    assert.ok(operations.length <= 128);
    const keys = operations.map((operation) => ('put' in operation ? operation.put : operation.delete));
    assert.is(new Set(keys).size, keys.length);
  }
  await h.stop();
});

test('a release that was journaled after the next client’s assignment takes nothing away', async () => {
  const h = await start();
  const late = lease('192.0.2.1', { operation: Operation.RELEASE, clientId: client(1) });
  const next = lease('192.0.2.1', { clientId: client(2), cltt: now + 1 });
  await h.emit('lease', lease('192.0.2.1'));
  await h.emit('lease', next, late);
  assert.is(value(h, '192.0.2.1')?.client_id, '01:02:00:00:00:00:02');
  await h.emit('lease', late);
  assert.is(value(h, '192.0.2.1')?.client_id, '01:02:00:00:00:00:02');
  await h.stop();
});

test('released and leased again before the deletion was sent: the key stays', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'));
  await Promise.all([
    h.emit('lease', lease('192.0.2.1', { operation: Operation.RELEASE })),
    h.emit('lease', lease('192.0.2.1', { clientId: client(3), cltt: now + 5 })),
  ]);
  assert.is(value(h, '192.0.2.1')?.client_id, '01:02:00:00:00:00:03');
  assert.equal(h.store.story, ['offer 192.0.2.1', 'release 192.0.2.1', 'offer 192.0.2.1']);
  await h.stop();
});

test('declined: the key stays with state 1; recovered: it goes', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'));
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.DECLINE }));
  assert.is(value(h, '192.0.2.1')?.state, 1);
  // What Kea recovers has no client any more.
  const bare = { clientId: Buffer.alloc(0), hwaddr: Buffer.alloc(0), state: 1 };
  await h.emit('lease', lease('192.0.2.1', { ...bare, operation: Operation.RECOVER }));
  assert.is(value(h, '192.0.2.1'), undefined);
  assert.equal(h.store.story.slice(1), ['renew 192.0.2.1', 'expire 192.0.2.1', 'delete 192.0.2.1']);
  await h.stop();
});

test('what is there already is not written again, by events, snapshots or a new life', async () => {
  const store = new Watched();
  const h = await start({ store });
  await h.emit('lease', lease('192.0.2.1'));
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.UPDATE, observedUs: 1 }));
  await h.walk([lease('192.0.2.1', { operation: Operation.SNAPSHOT })]);
  assert.equal(store.story, ['offer 192.0.2.1']);
  await h.stop();
  const next = await start({ store });
  next.seq = 1000;
  await next.walk([lease('192.0.2.1', { operation: Operation.SNAPSHOT })]);
  await next.emit('lease', lease('192.0.2.1', { operation: Operation.UPDATE }));
  assert.equal(store.story, ['offer 192.0.2.1']);
  assert.ok((await next.metric('unchanged_total')) >= 2);
  await next.stop();
});

test('a snapshot that differs is written, and keeps the word that stands', async () => {
  const store = new Watched();
  const h = await start({ store });
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.RENEW }));
  await h.walk([lease('192.0.2.1', { operation: Operation.SNAPSHOT, cltt: now + 9 })]);
  assert.is(value(h, '192.0.2.1')?.operation, 'renew');
  await h.stop();
  const next = await start({ store });
  next.seq = 1000;
  const snapshots = ['192.0.2.1', '192.0.2.2'].map((address) =>
    lease(address, { operation: Operation.SNAPSHOT, cltt: now + 10 }),
  );
  await next.walk(snapshots);
  assert.is(value(next, '192.0.2.1')?.operation, 'renew');
  assert.is(value(next, '192.0.2.1')?.cltt, now + 10);
  assert.is(value(next, '192.0.2.2')?.operation, 'offer');
  await next.stop();
});

test('a snapshot of a lease whose key still announces the end of the last one is an offer', async () => {
  const store = new Watched();
  const left = { ip: '192.0.2.1', operation: 'release', node: 'a', seq: 1, cltt: now - 9 };
  await store.commit({ operations: [{ put: `${root}192.0.2.1`, value: JSON.stringify(left) }] });
  const h = await start({ store });
  h.seq = 10;
  await h.walk([lease('192.0.2.1', { operation: Operation.SNAPSHOT })]);
  assert.is(value(h, '192.0.2.1')?.operation, 'offer');
  await h.stop();
});

test('delivered again after a restart: older records undo nothing', async () => {
  const store = new Watched();
  const records = [
    lease('192.0.2.1'),
    lease('192.0.2.2'),
    lease('192.0.2.2', { operation: Operation.RELEASE }),
    lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + 50 }),
    lease('192.0.2.3'),
    lease('192.0.2.3', { operation: Operation.EXPIRE }),
    lease('192.0.2.3', { clientId: client(4), cltt: now + 60 }),
  ];
  const first = await start({ store });
  for (const record of records) await first.emit('lease', record);
  const before = store.dump(root);
  await first.stop();
  const second = await start({ store });
  for (const record of records) await second.emit('lease', record);
  assert.equal(store.dump(root), before);
  await second.stop();
});

test('an answer that was lost is recognised, for puts, removals and deletions', async () => {
  const h = await start();
  h.store.losses = 1;
  await h.emit('lease', lease('192.0.2.1'), lease('192.0.2.2'));
  assert.equal(h.store.story, ['offer 192.0.2.1', 'offer 192.0.2.2']);
  h.store.losses = 2;
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.RELEASE }));
  assert.is(value(h, '192.0.2.1'), undefined);
  assert.equal(h.store.story.slice(2), ['release 192.0.2.1', 'delete 192.0.2.1']);
  await h.emit('lease', lease('192.0.2.2', { operation: Operation.RENEW, cltt: now + 1 }));
  assert.is(value(h, '192.0.2.2')?.operation, 'renew');
  await h.stop();
});

test('two nodes: the stale one neither overwrites nor expires what the other renewed', async () => {
  const store = new Watched();
  const a = await start({ store, node: 'a' });
  const b = await start({ store, node: 'b' });
  await a.emit('lease', lease('192.0.2.1'));
  await b.emit('lease', lease('192.0.2.1', { operation: Operation.UPDATE }));
  assert.is(value(a, '192.0.2.1')?.node, 'a', 'equal cltt: whoever wrote it stays');
  await b.emit('lease', lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + 100 }));
  assert.is(value(a, '192.0.2.1')?.node, 'b');
  await a.emit('lease', lease('192.0.2.1', { operation: Operation.EXPIRE, cltt: now }));
  assert.is(value(a, '192.0.2.1')?.node, 'b', 'a stale expiry');
  await a.walk([]);
  await wait(30);
  assert.is(value(a, '192.0.2.1')?.node, 'b', 'a walk of the stale node');
  await a.emit('lease', lease('192.0.2.1', { operation: Operation.UPDATE, cltt: now + 100 }));
  const expired = lease('192.0.2.1', { operation: Operation.EXPIRE, cltt: now + 100 });
  await Promise.all([a.emit('lease', expired), b.emit('lease', expired)]);
  assert.is(value(a, '192.0.2.1'), undefined, 'both reclaim what really ended');
  await a.stop();
  await b.stop();
});

test('a record that makes no sense is given up, told of, and does not stop the others', async () => {
  const h = await start();
  await h.emit(
    'lease',
    lease('192.0.2.1'),
    { operation: Operation.ASSIGN, address: Buffer.from([1, 2, 3]) },
    lease('192.0.2.2'),
  );
  assert.ok(value(h, '192.0.2.1') && value(h, '192.0.2.2'));
  assert.is(await h.metric('refused_total'), 1);
  assert.is(h.health().state, 'degraded');
  await until(() =>
    Object.values(h.store.dump('/nnoe/audit/logs/')).some((text) => /record-refused/.test(text)),
  );
  assert.is(h.failure, undefined);
  await h.stop();
});

test('a value that the store refuses is found among the others and given up alone', async () => {
  const store = new (class extends Watched {
    override async commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult> {
      if (transaction.operations.some((o) => 'put' in o && o.put.endsWith('.66')))
        throw Object.assign(new Error('too large'), { retry: false });
      return super.commit(transaction, signal);
    }
  })();
  const h = await start({ store });
  await h.emit('lease', ...Array.from({ length: 100 }, (_, i) => lease(`192.0.2.${i + 1}`)));
  assert.is(Object.keys(store.dump(root)).length, 99);
  assert.is(await h.metric('refused_total'), 1);
  await h.stop();
});

test('stopped while the store is away: the batch is rejected, so that it comes again', async () => {
  const h = await start();
  h.store.down();
  const batch = h.emit('lease', lease('192.0.2.1')).then(
    () => 'settled',
    () => 'rejected',
  );
  await wait(10);
  await h.stop();
  assert.is(await batch, 'rejected');
});

test.run();
