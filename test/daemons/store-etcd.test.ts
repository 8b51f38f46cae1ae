// SPDX-License-Identifier: MPL-2.0
// The stores `etcd` and `etcd-gateway` on a real etcd: what every store owes, and what only a real server can do
// to it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conformance, followed } from '../lib/conformance.js';
import { Etcd } from './lib/etcd.js';
import { freePort } from './lib/ports.js';
import { sleep, until } from './lib/process.js';
import { TcpProxy } from './lib/proxy.js';
import { compact, Stores } from './lib/stores.js';

const etcd = await Etcd.start();
const stores = new Stores(etcd);

for (const { name, shared } of stores.kinds)
  conformance(
    (what, body) => test(`${name}: ${what}`, body),
    async () => {
      await shared.ready();
      return shared;
    },
  );

stores.both('nothing listens: said so, and found when it comes', async ({ store }) => {
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

stores.both('the next endpoint is used when one refuses', async ({ store }) => {
  const port = await freePort();
  const two = store([`http://127.0.0.1:${port}`, ...etcd.endpoints]);
  await two.ready();
  assert.is(two.health().state, 'ok');
  await two.close();
});

stores.both(
  'a stalled server is noticed, and what was asked is answered when it wakes',
  async ({ store }) => {
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
  },
);

stores.both('with one of two endpoints stalled the other answers', async ({ store }) => {
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

stores.both(
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
    const states = new Set<string>();
    const look = setInterval(() => states.add(cut.health().state), 1);
    const result = await cut.commit({
      compare: [{ key, modRevision: 0 }],
      operations: [{ put: key, value: 'ambiguous-value' }],
    });
    clearInterval(look);
    assert.equal([...states], ['ok'], 'one cut connection is no outage');
    assert.not(result.committed, 'the retry finds what the first attempt wrote');
    assert.is(result.current[0]?.value.toString(), 'ambiguous-value');
    const [entry] = await etcd.list(at);
    assert.is(entry?.createRevision, entry?.modRevision);
    await cut.close();
    proxy.close();
  },
);

stores.both('a ttl counts from when etcd takes the put, also after an outage', async ({ name, store }) => {
  const at = `/outage/${name}/`;
  const proxy = await TcpProxy.open(etcd.member(0).clientPort);
  const cut = store([proxy.url]);
  const put = (key: string) => cut.commit({ operations: [{ put: at + key, value: 'x', ttl: 3 }] });
  // Leaves a lease of 4 s behind, which would do for the next put as well.
  await put('first');
  proxy.refuse();
  const late = put('late');
  await sleep(2500);
  proxy.pass();
  assert.ok((await late).committed);
  await sleep(2000);
  assert.equal(
    (await etcd.list(at)).map(({ key }) => key),
    [`${at}late`],
  );
  await cut.close();
  proxy.close();
});

stores.both('a list that is compacted away says so, and may be begun again', async ({ name, shared }) => {
  const at = `/page/${name}/`;
  for (let i = 0; i < 5; i++) await shared.commit({ operations: [{ put: `${at}${i}`, value: 'x' }] });
  const read = async () => {
    for await (const _ of shared.list(at, { pageSize: 2 })) {
      await shared.commit({ operations: [{ put: `${at}0`, value: 'y' }] });
      await compact(etcd);
    }
  };
  const error = await read().then(
    () => undefined,
    (thrown: { code?: string }) => thrown,
  );
  assert.is(error?.code, 'STORE_COMPACTED');
  assert.is(shared.health().state, 'ok');
});

stores.both('out of space: named, reads go on, and writes do when it is mended', async ({ store }) => {
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

stores.both('without a majority nothing is committed; with it again, all is', async ({ store }) => {
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

stores.both('closing ends what is outstanding', async ({ store }) => {
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
  await stores.close();
  await etcd.stop();
});

test.run();
