// SPDX-License-Identifier: MPL-2.0
// How many leases are active, across the lives of a node and whatever happens to the store.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseEvent } from '../../host/gen/events.js';
import { Operation } from '../../host/testing.js';
import { client, lease, now, root, start, until, Watched } from './test-support.js';

type Node = Awaited<ReturnType<typeof start>>;

/** As a scrape sees it; undefined: left out. */
async function active(h: Node): Promise<number | undefined> {
  h.health();
  return (await h.shows('dhcp_active')) ? h.metric('dhcp_active') : undefined;
}
const counted = async (h: Node, expected: number) => until(async () => (await active(h)) === expected);
const range = (count: number, fields: Partial<LeaseEvent> = {}) =>
  Array.from({ length: count }, (_, i) => lease(`192.0.${i >> 8}.${i & 255}`, fields));

test('counted as leases come, change, are declined, and go', async () => {
  const h = await start();
  await counted(h, 0);
  await h.emit('lease', ...range(5));
  assert.is(await active(h), 5);
  await h.emit('lease', lease('192.0.0.0', { operation: Operation.RENEW, cltt: now + 1 }));
  assert.is(await active(h), 5);
  await h.emit('lease', lease('192.0.0.1', { operation: Operation.DECLINE, cltt: now + 1 }));
  assert.is(await active(h), 4);
  await h.emit('lease', lease('192.0.0.2', { operation: Operation.RELEASE }));
  assert.is(await active(h), 3);
  await h.emit('lease', lease('192.0.0.3', { cltt: now - 7200, operation: Operation.RENEW }));
  assert.is(await active(h), 2, 'past its end, though nobody reported it');
  assert.is(await h.metric('dhcp_total'), 5);
  assert.is(await h.metric('active', { family: '4' }), 2);
  assert.is(await h.metric('active', { family: '6' }), 0);
  await h.stop();
});

test('after a start, what the node wrote before is counted; what others wrote is not', async () => {
  const store = new Watched();
  const other = await start({ store, node: 'b' });
  await other.emit('lease', lease('198.51.100.1'));
  await other.stop();
  const first = await start({ store });
  await first.emit('lease', ...range(1200));
  await first.emit('lease', lease('192.0.0.7', { operation: Operation.DECLINE, cltt: now + 1 }));
  await first.stop();
  const h = await start({ store });
  await counted(h, 1199);
  assert.is(await h.metric('keys'), 1200);
  assert.is(await h.metric('dhcp_total'), 0);
  h.seq = 10_000;
  await h.emit('lease', lease('192.0.0.8', { operation: Operation.RELEASE }));
  assert.is(await active(h), 1198);
  await h.emit('lease', lease('192.0.0.9', { operation: Operation.EXPIRE, clientId: client(9) }));
  assert.is(await active(h), 1198, 'another client’s: its content was read before anything was decided');
  await h.stop();
});

test('what is known from before a start is replaced without a look, and stays as it is when a walk shows it', async () => {
  const store = new Watched();
  const first = await start({ store });
  await first.emit('lease', ...range(20));
  await first.stop();
  const h = await start({ store });
  await counted(h, 20);
  store.transactions.length = 0;
  h.seq = 1000;
  await h.walk(range(20, { operation: Operation.SNAPSHOT }));
  await until(async () => (await h.metric('unchanged_total')) === 20);
  assert.equal(store.story, []);
  assert.is(await active(h), 20);
  await h.emit('lease', ...range(20, { operation: Operation.RENEW, cltt: now + 1 }));
  assert.is(store.story.length, 20);
  assert.is(await h.metric('conflicts_total'), 0);
  assert.is(await active(h), 20);
  await h.stop();
});

/** Shows pages late: what happens meanwhile is newer than what they show. */
class Late extends Watched {
  release: () => void = () => undefined;
  override async *list(...[prefix, options]: Parameters<Watched['list']>) {
    for await (const page of super.list(prefix, options)) {
      if (prefix === root)
        await new Promise<void>((resolve) => {
          this.release = resolve;
        });
      yield page;
    }
  }
}

test('a lease that went while its page was on the way is not counted, nor one twice that was renewed', async () => {
  const store = new Late();
  const first = await start({ store: store as Watched });
  await first.emit('lease', ...range(10));
  await first.stop();
  const h = await start({ store: store as Watched });
  assert.is(await active(h), undefined, 'not known yet');
  h.seq = 1000;
  await h.emit('lease', lease('192.0.0.3', { operation: Operation.RELEASE }));
  await h.emit('lease', lease('192.0.0.4', { operation: Operation.RENEW, cltt: now + 1 }));
  await h.emit('lease', lease('192.0.0.200'));
  store.release();
  await counted(h, 10);
  assert.is(await h.metric('keys'), 10);
  await h.stop();
});

test('a store that comes back empty is counted again', async () => {
  const h = await start();
  await counted(h, 0);
  await h.emit('lease', ...range(5));
  h.store.reset();
  await counted(h, 0);
  await h.walk(range(3, { operation: Operation.SNAPSHOT }));
  assert.is(await active(h), 3);
  await h.stop();
});

test('a lease that another node took over is that node’s', async () => {
  const store = new Watched();
  const h = await start({ store });
  await h.emit('lease', ...range(2));
  await counted(h, 2);
  const other = await start({ store, node: 'b' });
  await other.emit('lease', lease('192.0.0.1', { operation: Operation.RENEW, cltt: now + 10 }));
  await h.emit('lease', lease('192.0.0.1', { operation: Operation.UPDATE, cltt: now + 5 }));
  assert.is(await active(h), 1);
  assert.is(await active(other), 1);
  await other.stop();
  await h.stop();
});

test.run();
