// SPDX-License-Identifier: MPL-2.0
// The stores `etcd` and `etcd-gateway` on a real etcd: what every store owes, and what only a real server can do
// to it. What takes long is done with both at the same time, each with a server of its own.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type EtcdOptions, etcdStore, gatewayStore } from '../../src/host/store/etcd.js';
import { EtcdClient } from '../../src/host/store/etcd-client.js';
import { grpcProtocol } from '../../src/host/store/etcd-grpc.js';
import type { Protocol } from '../../src/host/store/etcd-protocol.js';
import { gatewayProtocol } from '../../src/host/store/gateway.js';
import type { Store } from '../../src/host/store/store.js';
import { conformance, followed } from '../lib/conformance.js';
import { Etcd } from './lib/etcd.js';
import { freePort } from './lib/ports.js';
import { sleep, until } from './lib/process.js';
import { TcpProxy } from './lib/proxy.js';

// A follower in these tests may ask for a sign of life more often than etcd allows otherwise.
const etcd = await Etcd.start({ args: ['--grpc-keepalive-min-time=100ms'] });
const opened: Store[] = [];

type Open = (options: EtcdOptions) => Store;
interface Kind {
  name: string;
  protocol: Protocol;
  shared: Store;
  /** A store of its own, with short timeouts. */
  store(endpoints: string[], options?: Partial<EtcdOptions>): Store;
}

const kind = (protocol: Protocol, open: Open): Kind => {
  const keep = (store: Store) => {
    opened.push(store);
    return store;
  };
  return {
    name: protocol.name,
    protocol,
    shared: keep(open({ endpoints: etcd.endpoints })),
    store: (endpoints, options = {}) =>
      keep(open({ endpoints, connectTimeout: 1, requestTimeout: 1, ...options })),
  };
};
const kinds = [kind(grpcProtocol, etcdStore), kind(gatewayProtocol, gatewayStore)];

for (const { name, shared } of kinds)
  conformance(
    (what, body) => test(`${name}: ${what}`, body),
    async () => {
      await shared.ready();
      return shared;
    },
  );

/** The other kind's test may have compacted up to there a moment ago. */
async function compact(): Promise<void> {
  const revision = String(await etcd.revision());
  await etcd.call('kv/compaction', { revision }).catch((error: Error) => {
    if (!/has been compacted/.test(error.message)) throw error;
  });
}

/** One test, passed by both at the same time; what fails says with which. */
function both(what: string, body: (kind: Kind) => Promise<void>): void {
  const one = async (each: Kind) => {
    try {
      await body(each);
    } catch (error) {
      if (error instanceof Error) error.message = `${each.name}: ${error.message}`;
      throw error;
    }
  };
  test(what, async () => {
    const results = await Promise.allSettled(kinds.map(one));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  });
}

both('nothing listens: said so, and found when it comes', async ({ store }) => {
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

both('the next endpoint is used when one refuses', async ({ store }) => {
  const port = await freePort();
  const two = store([`http://127.0.0.1:${port}`, ...etcd.endpoints]);
  await two.ready();
  assert.is(two.health().state, 'ok');
  await two.close();
});

both('a stalled server is noticed, and what was asked is answered when it wakes', async ({ store }) => {
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

both('with one of two endpoints stalled the other answers', async ({ store }) => {
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

both(
  'a connection dropped in the middle of a transaction: applied once, and recognised',
  async ({ name, store }) => {
    const at = `/cut/${name}/`;
    const proxy = await TcpProxy.open(etcd.member(0).clientPort);
    const cut = store([proxy.url]);
    await cut.ready();
    const value = 'ambiguous-value';
    proxy.request = (bytes) => {
      if (!bytes.includes(value) && !bytes.includes(Buffer.from(value).toString('base64'))) return false;
      proxy.request = undefined;
      return true;
    };
    const key = `${at}k`;
    const result = await cut.commit({
      compare: [{ key, modRevision: 0 }],
      operations: [{ put: key, value: 'ambiguous-value' }],
    });
    assert.not(result.committed, 'the retry finds what the first attempt wrote');
    assert.is(result.current[0]?.value.toString(), 'ambiguous-value');
    const [entry] = await etcd.list(at);
    assert.is(entry?.createRevision, entry?.modRevision);
    await cut.close();
    proxy.close();
  },
);

both('a follower misses nothing over dropped connections and compaction', async ({ name, store, shared }) => {
  const at = `/follow/${name}/`;
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url]);
  const seen = followed(cut, at);
  await until('the first snapshot', () => seen.snapshots > 0);
  const expected: Record<string, string> = {};
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 30; i++) {
      const key = `${at}${(round * 7 + i) % 40}`;
      if ((round + i) % 3 === 0) {
        await shared.commit({ operations: [{ delete: key }] });
        delete expected[key];
      } else {
        expected[key] = `${round}.${i}`;
        await shared.commit({ operations: [{ put: key, value: `${round}.${i}` }] });
      }
      if (i === 10) proxy.breakAll();
    }
    if (round % 3 === 1) await compact();
  }
  await seen.becomes(expected);
  assert.equal(seen.errors, []);
  assert.equal(
    Object.fromEntries((await etcd.list(at)).map(({ key, value }) => [key, value])),
    Object.fromEntries(seen.state),
  );
  await cut.close();
  proxy.close();
});

both('a follower that was cut off while history was compacted away', async ({ name, store, shared }) => {
  const at = `/gone/${name}/`;
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url]);
  await shared.commit({
    operations: [
      { put: `${at}a`, value: '1' },
      { put: `${at}b`, value: '1' },
    ],
  });
  const seen = followed(cut, at);
  await seen.becomes({ [`${at}a`]: '1', [`${at}b`]: '1' });
  proxy.refuse();
  await shared.commit({ operations: [{ delete: `${at}a` }] });
  await shared.commit({ operations: [{ put: `${at}b`, value: '2' }] });
  await compact();
  proxy.pass();
  await seen.becomes({ [`${at}b`]: '2' });
  assert.equal(seen.errors, []);
  await cut.close();
  proxy.close();
});

both('a list that is compacted away says so, and may be begun again', async ({ name, shared }) => {
  const at = `/page/${name}/`;
  for (let i = 0; i < 5; i++) await shared.commit({ operations: [{ put: `${at}${i}`, value: 'x' }] });
  const read = async () => {
    for await (const _ of shared.list(at, { pageSize: 2 })) {
      await shared.commit({ operations: [{ put: `${at}0`, value: 'y' }] });
      await compact();
    }
  };
  const error = await read().then(
    () => undefined,
    (thrown: { code?: string }) => thrown,
  );
  assert.is(error?.code, 'STORE_COMPACTED');
  assert.is(shared.health().state, 'ok');
});

both('what is larger than a message may be is listed in smaller pages, and followed', async ({ store }) => {
  const server = await Etcd.start();
  const proxy = await TcpProxy.open(server.member(0).clientPort);
  const [direct, cut] = [store(server.endpoints), store([proxy.url])];
  // gRPC's own limit is 4 MiB, and the gateway's towards etcd.
  const keys = Array.from({ length: 12 }, (_, i) => `/large/${i}`);
  const write = async (round: string) => {
    const value = round.repeat(500_000);
    for (const key of keys) await direct.commit({ operations: [{ put: key, value }] });
  };
  await write('a');
  const seen = followed(cut, '/large/');
  const holds = (round: string) => () => keys.every((key) => seen.state.get(key)?.startsWith(round));
  await until('the snapshot', holds('a'));
  proxy.refuse();
  await write('b');
  proxy.pass();
  await until('what changed meanwhile', holds('b'));
  assert.equal(seen.errors, []);
  await Promise.all([direct.close(), cut.close()]);
  proxy.close();
  await server.stop();
});

both('a quiet watch whose connection died without a word is replaced', async ({ name, store, shared }) => {
  const at = `/quiet/${name}/`;
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url], { silence: 1 });
  const seen = followed(cut, at);
  await until('the first snapshot', () => seen.snapshots > 0);
  await sleep(100);
  // Connections that stand pass nothing on for ever; new ones work.
  proxy.strand();
  await shared.commit({ operations: [{ put: `${at}k`, value: 'x' }] });
  await seen.becomes({ [`${at}k`]: 'x' });
  assert.is(seen.snapshots, 1, 'nothing has to be listed again for that');
  await cut.close();
  proxy.close();
});

both(
  'a quiet follower is told nothing new when history goes, and everything after',
  async ({ name, store, shared }) => {
    const at = `/still/${name}/`;
    await shared.commit({ operations: [{ put: `${at}k`, value: '1' }] });
    const proxy = await TcpProxy.open(etcd.member(0).clientPort);
    const cut = store([proxy.url]);
    const seen = followed(cut, at);
    await seen.becomes({ [`${at}k`]: '1' });
    proxy.refuse();
    for (let i = 0; i < 5; i++)
      await shared.commit({ operations: [{ put: `/elsewhere/${name}`, value: 'x' }] });
    await compact();
    proxy.pass();
    await until('a watch through the proxy', () => proxy.standing > 0 && cut.health().state === 'ok');
    await shared.commit({ operations: [{ put: `${at}k`, value: '2' }] });
    await seen.becomes({ [`${at}k`]: '2' });
    assert.is(seen.snapshots, 1, 'what it was told still holds');
    await cut.close();
    proxy.close();
  },
);

both('a watch that fails while calls are answered shows in health', async ({ name, store }) => {
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url]);
  const at = `/trouble/${name}/`;
  const seen = followed(cut, at);
  await until('health', () => seen.snapshots > 0 && cut.health().state === 'ok');
  // A watch says the key, and on gRPC so does the range: the prefix with its end is in both alike.
  const marks = [at, Buffer.from(at).toString('base64')];
  const watch = name === 'etcd' ? '/etcdserverpb.Watch/Watch' : '/v3/watch';
  proxy.request = (bytes) =>
    bytes.includes(watch) || (proxy.made > 0 && marks.some((m) => bytes.includes(m)));
  proxy.breakAll();
  await until('trouble', () => cut.health().state === 'degraded');
  assert.is(cut.health().code, 'STORE_UNREACHABLE');
  await cut.get('/trouble');
  assert.is(cut.health().state, 'degraded', 'a call that is answered does not hide it');
  proxy.request = undefined;
  await until('the end of it', () => cut.health().state === 'ok');
  await cut.close();
  proxy.close();
});

both('a store that came back empty is noticed, by followers too', async ({ store }) => {
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

both('out of space: named, reads go on, and writes do when it is mended', async ({ store }) => {
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

both('without a majority nothing is committed; with it again, all is', async ({ store }) => {
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

both('a put bound to a lease goes when the lease ends', async ({ name, protocol, shared }) => {
  const client = new EtcdClient(protocol, { endpoints: etcd.endpoints });
  const at = `/leased/${name}/`;
  const key = `${at}k`;
  const seen = followed(shared, at);
  const { lease } = await client.request(protocol.grant(1));
  await client.request(
    protocol.txn(
      [],
      [
        { put: key, value: 'x', lease },
        { put: `${at}not`, value: 'y' },
      ],
    ),
  );
  await seen.becomes({ [key]: 'x', [`${at}not`]: 'y' });
  await seen.becomes({ [`${at}not`]: 'y' });
  await seen.follow.close();
  client.close();
});

both('closing ends what is outstanding', async ({ store }) => {
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
