// SPDX-License-Identifier: MPL-2.0
// What the plugin does beside events: walks, a store that was lost, history, sweeping, audit.
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { leaseEvent, Operation } from '../../host/testing.js';
import { lease, now, root, start, until, type Value, value, Watched } from './test-support.js';

test('a walk drops what Kea does not have: own keys, of its family and subnet, without a newer event', async () => {
  const store = new Watched();
  const other = await start({ store, node: 'b' });
  await other.emit('lease', lease('192.0.2.50'));
  await other.stop();
  const h = await start({ store });
  const v6 = { key: `${root}2001:db8::1`, value: '{"ip":"2001:db8::1","node":"a","seq":1,"subnet_id":1}' };
  await store.commit({ operations: [{ put: v6.key, value: v6.value }] });
  await h.emit('lease', ...[1, 2, 3].map((i) => lease(`192.0.2.${i}`)), lease('192.0.2.9', { subnetId: 2 }));
  const id = ++h.seq;
  const walk = { id, cause: 'COMMAND', subnetId: 1 };
  const shown = leaseEvent(lease('192.0.2.1', { operation: Operation.SNAPSHOT }));
  await h.deliver([
    { kind: 'walk-begin', seq: id, walk },
    { kind: 'snapshot', seq: ++h.seq, event: shown },
    { kind: 'lease', seq: ++h.seq, event: leaseEvent(lease('192.0.2.2', { cltt: now + 1 })) },
    { kind: 'walk-end', seq: ++h.seq, walk, complete: true, leases: 1 },
  ]);
  await until(() => value(h, '192.0.2.3') === undefined);
  const left = Object.keys(store.dump(root)).map((key) => key.slice(root.length));
  assert.equal(left, ['192.0.2.1', '192.0.2.2', '192.0.2.50', '192.0.2.9', '2001:db8::1']);
  await until(async () => (await h.metric('removed_total', { reason: 'walk' })) === 1);
  await until(() => Object.keys(store.dump('/nnoe/dhcp/walks/')).length === 0);
  assert.is(h.walksRequested, 0);
  await h.stop();
});

test('a walk that was cut short drops nothing', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'));
  await h.walk([], { complete: false });
  await wait(30);
  assert.ok(value(h, '192.0.2.1'));
  await h.stop();
});

test('keys deleted or altered behind our back are found by a walk and written by the next', async () => {
  const h = await start();
  const leases = [1, 2, 3].map((i) => lease(`192.0.2.${i}`));
  const snapshots = leases.map((event) => ({ ...event, operation: Operation.SNAPSHOT }));
  await h.emit('lease', ...leases);
  const good = h.store.dump(root);
  await h.store.commit({
    operations: [{ delete: `${root}192.0.2.1` }, { put: `${root}192.0.2.2`, value: 'x' }],
  });
  await h.walk(snapshots);
  await until(() => h.walksRequested === 1);
  await h.walk(snapshots);
  const stripped = (dump: Record<string, string>) =>
    Object.values(dump).map((text) => ({ ...JSON.parse(text), seq: 0, operation: '' }));
  assert.equal(stripped(h.store.dump(root)), stripped(good));
  await wait(20);
  assert.is(h.walksRequested, 1);
  await h.stop();
});

test('stopped between the end of a walk and its consequences: the next life asks for another', async () => {
  const store = new Watched();
  await store.commit({ operations: [{ put: '/nnoe/dhcp/walks/a/dhcp4', value: '{}' }] });
  await store.commit({ operations: [{ put: '/nnoe/dhcp/walks/b/dhcp4', value: '{}' }] });
  const h = await start({ store });
  assert.is(h.walksRequested, 1);
  await h.stop();
});

test('a store that came back empty: asks for a walk, and writes everything from it', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'), lease('192.0.2.2'));
  h.store.reset();
  assert.is(h.walksRequested, 1);
  await h.emit('lease', lease('192.0.2.2', { operation: Operation.RENEW, cltt: now + 1 }));
  await h.walk(['192.0.2.1'].map((address) => lease(address, { operation: Operation.SNAPSHOT })));
  assert.is(value(h, '192.0.2.1')?.operation, 'offer');
  assert.ok(value(h, '192.0.2.2'));
  await h.stop();
});

test('history: one key for every event, in order, none for snapshots', async () => {
  const h = await start({ config: { history: true } });
  const renewals = Array.from({ length: 300 }, (_, i) =>
    lease('192.0.2.1', { operation: Operation.RENEW, cltt: now + i, observedUs: now * 1e6 + i }),
  );
  await h.emit('lease', lease('192.0.2.1'), ...renewals);
  await h.emit('lease', lease('192.0.2.1', { operation: Operation.EXPIRE }));
  await h.walk([lease('192.0.2.2', { operation: Operation.SNAPSHOT })]);
  const prefix = '/nnoe/dhcp/history/';
  const entries = Object.entries(h.store.dump(prefix));
  assert.is(entries.length, 302);
  const [firstKey, firstText] = entries[0] ?? ['', ''];
  assert.is(firstKey, `${prefix}192.0.2.1/${now}000-0000000000000001`);
  const values = entries.map(([, text]) => JSON.parse(text) as Value);
  assert.equal(
    values.map(({ seq }) => seq),
    Array.from({ length: 302 }, (_, i) => i + 1),
  );
  assert.is(JSON.parse(firstText).kea_operation, 'assign');
  assert.is(values.at(-1)?.operation, 'expire');
  await h.stop();
});

test('expired keys are swept: own after the grace, others’ after the longer one', async () => {
  const store = new Watched();
  const b = await start({ store, node: 'b' });
  await b.emit(
    'lease',
    lease('192.0.2.10', { cltt: now - 10_000 }),
    lease('192.0.2.11', { cltt: now - 100_000 }),
  );
  await b.stop();
  const config = { 'sweep-interval': 0.05, 'sweep-grace': 1000, 'sweep-foreign-grace': 50_000 };
  const h = await start({ store, config });
  await h.emit(
    'lease',
    lease('192.0.2.1'),
    lease('192.0.2.2', { cltt: now - 3600 - 500 }),
    lease('192.0.2.3', { cltt: now - 3600 - 2000 }),
    lease('192.0.2.4', { cltt: now - 1e6, validLft: 4_294_967_295 }),
  );
  await until(() => value(h, '192.0.2.3') === undefined && value(h, '192.0.2.11') === undefined);
  const left = Object.keys(store.dump(root)).map((key) => key.slice(root.length));
  assert.equal(left, ['192.0.2.1', '192.0.2.10', '192.0.2.2', '192.0.2.4']);
  await h.emit('lease', lease('192.0.2.3', { cltt: now }));
  assert.ok(value(h, '192.0.2.3'), 'it can be leased again');
  await h.stop();
});

test('history beyond its age goes', async () => {
  const h = await start({ config: { history: true, 'history-max-age': 1000, 'sweep-interval': 0.05 } });
  await h.emit(
    'lease',
    lease('192.0.2.1', { observedUs: (now - 2000) * 1e6 }),
    lease('192.0.2.2', { observedUs: (now - 500) * 1e6 }),
  );
  await until(() => Object.keys(h.store.dump('/nnoe/dhcp/history/')).length === 1);
  assert.match(Object.keys(h.store.dump('/nnoe/dhcp/history/'))[0] ?? '', '192.0.2.2/');
  await h.stop();
});

test('audit entries for gaps, walks, resets and what was removed', async () => {
  const h = await start();
  await h.emit('lease', lease('192.0.2.1'));
  await h.gap('OVERRUN', 7);
  await h.walk([]);
  await until(() => value(h, '192.0.2.1') === undefined);
  h.store.reset();
  const entries = () =>
    Object.entries(h.store.dump('/nnoe/audit/logs/')).map(
      ([key, text]): Value => ({ ...(JSON.parse(text) as Value), key }),
    );
  await until(() => entries().some(({ action }) => action === 'store-reset'));
  for (const entry of entries()) {
    assert.equal(Object.keys(entry).sort(), ['action', 'key', 'node', 'resource', 'result', 'timestamp']);
    assert.is(entry.key, `/nnoe/audit/logs/${entry.timestamp}-a`);
    assert.match(String(entry.timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  await h.stop();
});

test.run();
