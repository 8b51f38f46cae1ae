// SPDX-License-Identifier: MPL-2.0
// Following over `etcd` and `etcd-gateway`: connections that break, die silently or lag, and history that is gone.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { followed } from '../lib/conformance.js';
import { Etcd } from './lib/etcd.js';
import { sleep, until } from './lib/process.js';
import { TcpProxy } from './lib/proxy.js';
import { compact, Stores } from './lib/stores.js';

// A follower in these tests asks for a sign of life more often than etcd allows otherwise.
const etcd = await Etcd.start({ args: ['--grpc-keepalive-min-time=100ms'] });
const stores = new Stores(etcd);

stores.both(
  'a follower misses nothing over dropped connections and compaction',
  async ({ name, store, shared }) => {
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
      if (round % 3 === 1) await compact(etcd);
    }
    await seen.becomes(expected);
    assert.equal(seen.errors, []);
    assert.equal(
      Object.fromEntries((await etcd.list(at)).map(({ key, value }) => [key, value])),
      Object.fromEntries(seen.state),
    );
    await cut.close();
    proxy.close();
  },
);

stores.both(
  'a follower that was cut off while history was compacted away',
  async ({ name, store, shared }) => {
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
    await compact(etcd);
    proxy.pass();
    await seen.becomes({ [`${at}b`]: '2' });
    assert.equal(seen.errors, []);
    await cut.close();
    proxy.close();
  },
);

stores.both(
  'what is larger than a message may be is listed in smaller pages, and followed',
  async ({ store }) => {
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
  },
);

stores.both(
  'a quiet watch whose connection died without a word is replaced',
  async ({ name, store, shared }) => {
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
  },
);

stores.both(
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
    await compact(etcd);
    proxy.pass();
    await until('a watch through the proxy', () => proxy.standing > 0 && cut.health().state === 'ok');
    await shared.commit({ operations: [{ put: `${at}k`, value: '2' }] });
    await seen.becomes({ [`${at}k`]: '2' });
    assert.is(seen.snapshots, 1, 'what it was told still holds');
    await cut.close();
    proxy.close();
  },
);

stores.both('a watch that fails while calls are answered shows in health', async ({ name, store }) => {
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url]);
  const at = `/trouble/${name}/`;
  let restarts = 0;
  cut.observe?.({ failed: () => undefined, retried: () => undefined, followRestarted: () => restarts++ });
  const seen = followed(cut, at);
  await until('health', () => seen.snapshots > 0 && cut.health().state === 'ok');
  await cut.commit({ operations: [{ put: `${at}k`, value: 'x' }] });
  await seen.becomes({ [`${at}k`]: 'x' });
  assert.is(restarts, 0, 'nothing was taken up again so far');
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
  assert.ok(restarts > 0);
  await cut.close();
  proxy.close();
});

stores.both('a store that came back empty is noticed, by followers too', async ({ store }) => {
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

test.after(async () => {
  await stores.close();
  await etcd.stop();
});

test.run();
