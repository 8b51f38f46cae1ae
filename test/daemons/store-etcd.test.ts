// SPDX-License-Identifier: MPL-2.0
// The store `etcd` on a real etcd: what every store owes, and what only a real server can do to it.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type EtcdOptions, etcdStore } from '../../src/host/store/etcd.js';
import type { Store } from '../../src/host/store/store.js';
import { conformance, followed } from '../lib/conformance.js';
import { Etcd } from './lib/etcd.js';
import { freePort } from './lib/ports.js';
import { sleep, until } from './lib/process.js';

const etcd = await Etcd.start();
const shared = etcdStore({ endpoints: etcd.endpoints });
const opened: Store[] = [shared];

/** A store of its own, with short timeouts. */
function store(endpoints: string[], options: Partial<EtcdOptions> = {}): Store {
  const made = etcdStore({ endpoints, connectTimeout: 1, requestTimeout: 1, ...options });
  opened.push(made);
  return made;
}

conformance(test, async () => {
  await shared.ready();
  return shared;
});

/** Between client and server: connections can be cut, or left open and silent. */
class Relay {
  readonly #sockets = new Set<Socket>();
  /** From now on what the server answers is dropped. */
  mute = false;
  /** Called with what the client sent; true: cut after passing it on. */
  cutAfter: ((bytes: Buffer) => boolean) | undefined;

  private constructor(
    readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: number): Promise<Relay> {
    const port = await freePort();
    const proxy = new Relay(
      createServer((client) => proxy.#join(client, target)),
      port,
    );
    await new Promise<void>((done) => proxy.server.listen(port, '127.0.0.1', done));
    return proxy;
  }

  #join(client: Socket, target: number): void {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        (socket === client ? upstream : client).destroy();
      });
    }
    client.on('data', (bytes) => {
      const cut = this.cutAfter?.(bytes as Buffer) === true;
      upstream.write(bytes);
      // The server gets it; its answer does not come back.
      if (cut) setTimeout(() => this.cut(), 20);
      if (cut) this.mute = true;
    });
    upstream.on('data', (bytes) => {
      if (!this.mute) client.write(bytes);
    });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.server.close();
    this.cut();
  }
}

test('nothing listens: said so, and found when it comes', async () => {
  const port = await freePort();
  const late = store([`http://127.0.0.1:${port}`]);
  const written = late.commit({ operations: [{ put: '/late', value: '1' }] });
  await until('health to say so', () => late.health().code === 'STORE_UNREACHABLE');
  assert.match(late.health().reason, `127.0.0.1:${port}`);
  const server = await Etcd.start({ clientPort: port });
  assert.ok((await written).committed);
  assert.is(late.health().state, 'ok');
  await late.close();
  await server.stop();
});

test('the next endpoint is used when one refuses', async () => {
  const port = await freePort();
  const two = store([`http://127.0.0.1:${port}`, ...etcd.endpoints]);
  await two.ready();
  assert.is(two.health().state, 'ok');
  await two.close();
});

test('a stalled server is noticed, and what was asked is answered when it wakes', async () => {
  const server = await Etcd.start();
  const one = store(server.endpoints);
  const seen = followed(one, '/stall/');
  await seen.becomes({});
  await one.commit({ operations: [{ put: '/stall/a', value: '1' }] });
  server.member(0).proc?.signal('SIGSTOP');
  const written = one.commit({ operations: [{ put: '/stall/b', value: '2' }] });
  await until('the time-out in health', () => one.health().code === 'STORE_TIMEOUT', 5000);
  // Longer than keep-alive needs to give the connection of the watch up.
  await sleep(4000);
  server.member(0).proc?.signal('SIGCONT');
  assert.ok((await written).committed);
  await one.commit({ operations: [{ put: '/stall/c', value: '3' }] });
  await seen.becomes({ '/stall/a': '1', '/stall/b': '2', '/stall/c': '3' });
  assert.equal(seen.errors, []);
  assert.is(one.health().state, 'ok');
  await one.close();
  await server.stop();
});

test('with one of two endpoints stalled the other answers', async () => {
  const stalled = await Etcd.start();
  const mixed = store([...stalled.endpoints]);
  await mixed.ready();
  await mixed.close();
  stalled.member(0).proc?.signal('SIGSTOP');
  const two = store([...stalled.endpoints, ...etcd.endpoints]);
  const began = performance.now();
  await two.commit({ operations: [{ put: '/two', value: 'x' }] });
  assert.ok(performance.now() - began < 4000);
  assert.is(two.health().state, 'ok');
  await two.close();
  await stalled.stop();
});

test('a connection dropped in the middle of a transaction: applied once, and recognised', async () => {
  const proxy = await Relay.start(etcd.member(0).clientPort);
  const cut = store([`http://127.0.0.1:${proxy.port}`]);
  await cut.ready();
  proxy.cutAfter = (bytes) => {
    if (!bytes.includes('ambiguous-value')) return false;
    proxy.cutAfter = undefined;
    setTimeout(() => {
      proxy.mute = false;
    }, 200);
    return true;
  };
  const key = '/cut/k';
  const result = await cut.commit({
    compare: [{ key, modRevision: 0 }],
    operations: [{ put: key, value: 'ambiguous-value' }],
  });
  assert.not(result.committed, 'the retry finds what the first attempt wrote');
  assert.is(result.current[0]?.value.toString(), 'ambiguous-value');
  const [entry] = await etcd.list('/cut/');
  assert.is(entry?.createRevision, entry?.modRevision);
  await cut.close();
  proxy.stop();
});

test('a follower misses nothing over dropped connections and compaction', async () => {
  const proxy = await Relay.start(etcd.member(0).clientPort);
  const cut = store([`http://127.0.0.1:${proxy.port}`]);
  const seen = followed(cut, '/follow/');
  await until('the first snapshot', () => seen.snapshots > 0);
  const expected: Record<string, string> = {};
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 30; i++) {
      const key = `/follow/${(round * 7 + i) % 40}`;
      if ((round + i) % 3 === 0) {
        await shared.commit({ operations: [{ delete: key }] });
        delete expected[key];
      } else {
        expected[key] = `${round}.${i}`;
        await shared.commit({ operations: [{ put: key, value: `${round}.${i}` }] });
      }
      if (i === 10) proxy.cut();
    }
    if (round % 3 === 1) await etcd.call('kv/compaction', { revision: String(await etcd.revision()) });
  }
  await seen.becomes(expected);
  assert.equal(seen.errors, []);
  assert.equal(
    Object.fromEntries((await etcd.list('/follow/')).map(({ key, value }) => [key, value])),
    Object.fromEntries(seen.state),
  );
  await cut.close();
  proxy.stop();
});

test('a follower that was cut off while history was compacted away', async () => {
  const proxy = await Relay.start(etcd.member(0).clientPort);
  const cut = store([`http://127.0.0.1:${proxy.port}`]);
  await shared.commit({
    operations: [
      { put: '/gone/a', value: '1' },
      { put: '/gone/b', value: '1' },
    ],
  });
  const seen = followed(cut, '/gone/');
  await seen.becomes({ '/gone/a': '1', '/gone/b': '1' });
  proxy.server.close();
  proxy.cut();
  await shared.commit({ operations: [{ delete: '/gone/a' }] });
  await shared.commit({ operations: [{ put: '/gone/b', value: '2' }] });
  await etcd.call('kv/compaction', { revision: String(await etcd.revision()) });
  await new Promise<void>((done) => proxy.server.listen(proxy.port, '127.0.0.1', done));
  await seen.becomes({ '/gone/b': '2' });
  assert.equal(seen.errors, []);
  await cut.close();
  proxy.stop();
});

test('a list that is compacted away says so, and may be begun again', async () => {
  for (let i = 0; i < 5; i++) await shared.commit({ operations: [{ put: `/page/${i}`, value: 'x' }] });
  const read = async () => {
    for await (const _ of shared.list('/page/', { pageSize: 2 })) {
      await shared.commit({ operations: [{ put: '/page/0', value: 'y' }] });
      await etcd.call('kv/compaction', { revision: String(await etcd.revision()) });
    }
  };
  const error = await read().then(
    () => undefined,
    (thrown: { code?: string }) => thrown,
  );
  assert.is(error?.code, 'STORE_COMPACTED');
  assert.is(shared.health().state, 'ok');
});

test('a store that came back empty is noticed, by followers too', async () => {
  const server = await Etcd.start();
  const one = store(server.endpoints);
  let resets = 0;
  one.onReset(() => resets++);
  for (let i = 0; i < 20; i++) await one.commit({ operations: [{ put: `/was/${i}`, value: 'x' }] });
  const seen = followed(one, '/was/');
  await until('the snapshot', () => seen.state.size === 20);
  await server.stop();
  const fresh = await Etcd.start({ clientPort: server.member(0).clientPort });
  await until('the reset', () => resets === 1, 20_000);
  await one.commit({ operations: [{ put: '/was/new', value: 'y' }] });
  await seen.becomes({ '/was/new': 'y' });
  assert.is(resets, 1);
  assert.ok(seen.snapshots >= 2, 'continuity cannot be claimed');
  await one.close();
  await fresh.stop();
});

test('out of space: named, reads go on, and writes do when it is mended', async () => {
  const server = await Etcd.start({ args: ['--quota-backend-bytes=4194304'] });
  const one = store(server.endpoints);
  const enough = new AbortController();
  const fill = async () => {
    for (let i = 0; i < 40; i++)
      await one.commit({ operations: [{ put: '/big', value: Buffer.alloc(500_000, i) }] }, enough.signal);
  };
  const filled = fill().catch(() => 'aborted');
  await until('the alarm in health', () => one.health().code === 'STORE_NO_SPACE');
  await one.get('/big');
  assert.is(one.health().code, 'STORE_NO_SPACE', 'a read does not hide it');
  const written = one.commit({ operations: [{ put: '/small', value: 'x' }] });
  enough.abort();
  assert.is(await filled, 'aborted');
  await until('the small write to be refused', () => one.health().code === 'STORE_NO_SPACE');
  await server.call('kv/compaction', { revision: String(await server.revision()), physical: true });
  await server.call('maintenance/defragment', {});
  const { alarms } = await server.call('maintenance/alarm', { action: 'GET' });
  for (const alarm of alarms as object[])
    await server.call('maintenance/alarm', { ...alarm, action: 'DEACTIVATE' });
  assert.ok((await written).committed);
  assert.is(one.health().state, 'ok');
  await one.close();
  await server.stop();
});

test('without a majority nothing is committed; with it again, all is', async () => {
  const cluster = await Etcd.start({ members: 3 });
  const three = store(cluster.endpoints);
  const seen = followed(three, '/quorum/');
  await three.commit({ operations: [{ put: '/quorum/a', value: '1' }] });
  await seen.becomes({ '/quorum/a': '1' });
  await cluster.killMember(0);
  await three.commit({ operations: [{ put: '/quorum/b', value: '2' }] });
  await seen.becomes({ '/quorum/a': '1', '/quorum/b': '2' });
  await cluster.killMember(1);
  const written = three.commit({ operations: [{ put: '/quorum/c', value: '3' }] });
  await until('trouble in health', () => three.health().state === 'down');
  const codes = new Set<string | undefined>();
  for (let i = 0; i < 40; i++) {
    codes.add(three.health().code);
    await sleep(50);
  }
  assert.ok(
    [...codes].some((code) => code === 'STORE_NO_LEADER' || code === 'STORE_TIMEOUT'),
    [...codes].join(),
  );
  cluster.startMember(0);
  assert.ok((await written).committed);
  await seen.becomes({ '/quorum/a': '1', '/quorum/b': '2', '/quorum/c': '3' });
  assert.equal(seen.errors, []);
  await three.close();
  await cluster.stop();
});

test('closing ends what is outstanding', async () => {
  const port = await freePort();
  const never = store([`http://127.0.0.1:${port}`]);
  const written = never.commit({ operations: [{ put: '/k', value: 'x' }] });
  const seen = followed(never, '/k');
  await sleep(50);
  await never.close();
  assert.is(await written.then(String, (error: { code?: string }) => error.code), 'STORE_CLOSED');
  assert.equal(seen.errors, []);
});

test.after(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await etcd.stop();
});

test.run();
