// SPDX-License-Identifier: MPL-2.0
// The harness itself, on bare servers without anything of ours: what it reports must be what happened.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Relay4, Type4 } from './dhcp4.js';
import { Relay6, Type6 } from './dhcp6.js';
import { Etcd } from './etcd.js';
import { Kea } from './kea.js';
import { load } from './perfdhcp.js';
import { alive, run, start, until } from './process.js';
import { finalLeases, readCsv } from './witness.js';
import { temporary } from './workspace.js';

test('a child of a test process that is killed dies with it', async () => {
  const directory = temporary('orphan');
  const script = `import('${import.meta.dirname}/process.js').then(({ start }) => {
    const p = start({ name: 'sleep', command: 'sleep', args: ['60'], directory: '${directory}' });
    console.log(p.pid);
    setInterval(() => {}, 1000);
  });`;
  const parent = start({ name: 'parent', command: process.execPath, args: ['-e', script], directory });
  const [, pid] = await parent.waitFor(/^(\d+)$/m);
  assert.ok(alive(Number(pid)));
  await parent.kill();
  await until('the death of the child', () => !alive(Number(pid)), 2_000);
});

for (const family of [4, 6] as const) {
  test(`kea-dhcp${family} under load writes one line for each change`, async () => {
    const kea = await Kea.start({ family, hook: false });
    const clients = { rate: 200, clients: 100, seconds: 2, leases: 'address-and-prefix' } as const;
    const report = await load(kea, { ...clients, renews: 50, releases: 50 }).finished();
    assert.is(report.drops, 0, JSON.stringify(report));
    const lines = readCsv(kea.at.csv, family);
    const perExchange = family === 4 ? 1 : 2;
    const { exchanges } = report;
    const assigned = exchanges[family === 4 ? 'REQUEST-ACK' : 'REQUEST-REPLY'];
    const renewed = exchanges[family === 4 ? 'REQUEST-ACK (renewal)' : 'RENEW-REPLY'];
    assert.is.not(assigned?.received, 0);
    const live = lines.filter((line) => !line.deleted).length;
    assert.is(live, ((assigned?.received ?? 0) + (renewed?.received ?? 0)) * perExchange);
    const held = await kea.command(`lease${family}-get-all`);
    assert.is((held.leases as unknown[]).length, finalLeases(lines).size);
    await kea.stop();
  });
}

test('clients of our own get, renew, decline and release leases', async () => {
  const [v4, v6] = await Promise.all([
    Kea.start({ family: 4, hook: false, threads: 0 }),
    Kea.start({ family: 6, hook: false, threads: 0 }),
  ]);
  const relay4 = await Relay4.open(v4);
  const client4 = { hwaddr: Buffer.from('020000000001', 'hex'), hostname: Buffer.from('a') };
  const first = await relay4.assign(client4);
  assert.is((await relay4.renew(client4, first))?.type, Type4.ack);
  await relay4.decline(client4, first);
  const second = await relay4.assign(client4);
  assert.is.not(second.address, first.address);
  await relay4.release(client4, second);
  const states4 = readCsv(v4.at.csv, 4).map((l) => `${l.address} ${l.state} ${l.deleted}`);
  assert.equal(
    states4,
    ['0 false', '0 false', '1 false']
      .map((s) => `${first.address} ${s}`)
      .concat(['0 false', '0 true'].map((s) => `${second.address} ${s}`)),
  );
  const relay6 = await Relay6.open(v6);
  const client6 = {
    duid: Buffer.from('000300010200000000ff', 'hex'),
    na: [1, 2],
    pd: [7],
    fqdn: 'a.example.org',
  };
  const lease6 = await relay6.assign(client6);
  assert.is(lease6.addresses.length, 2);
  assert.is(lease6.prefixes.length, 1);
  for (const type of [Type6.renew, Type6.rebind, Type6.release]) {
    assert.is((await relay6.send(type, client6, lease6))?.type, Type6.reply);
  }
  const lines6 = readCsv(v6.at.csv, 6);
  assert.is(lines6.length, 12);
  assert.is(lines6.filter((l) => l.deleted).length, 3);
  assert.equal(
    [...new Set(lines6.map((l) => l.address))].sort(),
    [...lease6.addresses, ...lease6.prefixes].sort(),
  );
  relay4.close();
  relay6.close();
  await Promise.all([v4.stop(), v6.stop()]);
});

test('three etcd members go on when one is killed, and take it back', async () => {
  const etcd = await Etcd.start({ members: 3 });
  await etcd.put('/a/1', 'one');
  await etcd.killMember(0);
  await etcd.ready();
  await etcd.put('/a/2', 'two');
  etcd.startMember(0);
  await etcd.ready();
  const entries = await etcd.list('/a/', 1);
  assert.equal(
    entries.map((e) => [e.key, e.value]),
    [
      ['/a/1', 'one'],
      ['/a/2', 'two'],
    ],
  );
  assert.is(await etcd.count('/a/'), 2);
  assert.match(
    run('etcdctl', ['--endpoints', etcd.endpoints.join(','), 'get', '/a/1'], { ETCDCTL_API: '3' }),
    /one/,
  );
  await etcd.stop();
});

test.run();
