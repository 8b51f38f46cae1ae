// SPDX-License-Identifier: MPL-2.0
// limit: 180 s
// Two Kea servers that share their leases, each with a host of its own, and one store. Both report every
// address: what is in the store has to be the newer of what they say, and whoever is stale removes nothing.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Relay4 } from '../daemons/lib/dhcp4.js';
import { Etcd } from '../daemons/lib/etcd.js';
import { becomes, hotStandby } from '../daemons/lib/ha.js';
import { readHistory, readLeases } from '../daemons/lib/history.js';
import { Host } from '../daemons/lib/host.js';
import { Kea, type KeaOptions } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { drained } from '../daemons/lib/plane.js';
import { freePorts } from '../daemons/lib/ports.js';
import { sleep, until } from '../daemons/lib/process.js';
import { finalLeases, readCsv } from '../daemons/lib/witness.js';

const names = ['node-a', 'node-b'] as const;

interface Pair {
  etcd: Etcd;
  keas: [Kea, Kea];
  hosts: [Host, Host];
}

async function start(options: (name: string) => Partial<KeaOptions>): Promise<Pair> {
  const etcd = await Etcd.start();
  const one = (name: string) =>
    Kea.start({ family: 4, hook: { 'snapshot-on-start': false }, ...options(name) });
  const keas: [Kea, Kea] = [await one(names[0]), await one(names[1])];
  const host = (i: 0 | 1) =>
    Host.start({
      node: names[i],
      journals: { dhcp4: { directory: keas[i].at.journal, family: 4 } },
      endpoints: etcd.endpoints,
    });
  return { etcd, keas, hosts: [await host(0), await host(1)] };
}

async function stop({ etcd, keas, hosts }: Pair): Promise<void> {
  for (const host of hosts) await host.stop();
  for (const kea of keas) await kea.stop();
  await etcd.stop();
}

async function atRest({ keas }: Pair): Promise<void> {
  for (const kea of keas) await drained(kea);
}

async function sameAs(pair: Pair, kea: Kea): Promise<number> {
  const held = finalLeases(readCsv(kea.at.csv, 4));
  const stored = await readLeases(pair.etcd, 4);
  assert.equal([...stored.keys()].sort(), [...held.keys()].sort());
  for (const [address, line] of held) {
    const lease = stored.get(address);
    assert.equal(
      [lease?.owner, lease?.cltt, lease?.validLft],
      [line.owner, line.cltt, line.validLft],
      address,
    );
  }
  return held.size;
}

test('a hot-standby pair under load, through a failover and back', async () => {
  const ports = await freePorts(2);
  const pair = await start((name) => ({
    threads: 2,
    hooks: [
      {
        library: 'libdhcp_ha.so',
        parameters: hotStandby(name, names, ports, { 'max-response-delay': 1500, 'max-ack-delay': 500 }),
      },
    ],
  }));
  const [primary, standby] = pair.keas;
  await Promise.all(pair.keas.map((kea) => becomes(kea, 'hot-standby')));
  const mix = { rate: 150, clients: 150, renews: 50, releases: 50, seconds: 2 } as const;
  await load(primary, mix).finished();
  await atRest(pair);
  assert.ok((await sameAs(pair, primary)) > 20);
  // Each node wrote history of its own about what it saw, the standby as news from its partner.
  const nodes = new Set((await readHistory(pair.etcd, 4)).map((event) => event.node));
  assert.equal([...nodes].sort(), [...names]);

  await primary.kill();
  await becomes(standby, 'partner-down');
  await load(standby, mix).finished();
  await drained(standby);
  await sameAs(pair, standby);

  await primary.start();
  await Promise.all(pair.keas.map((kea) => becomes(kea, 'hot-standby')));
  await load(primary, mix).finished();
  await atRest(pair);
  assert.ok((await sameAs(pair, primary)) > 20);
  await stop(pair);
});

test('the stale one of two nodes expires an address that the other has extended', async () => {
  const pair = await start(() => ({ threads: 0 }));
  const [stale, fresh] = pair.keas;
  const addresses = Array.from({ length: 20 }, (_, i) => `10.0.1.${i + 1}`);
  const now = Math.floor(Date.now() / 1000);
  const add = (kea: Kea, address: string, lifetime: number) =>
    kea.command('lease4-add', {
      'ip-address': address,
      'hw-address': `02:00:00:00:01:${address.split('.')[3]?.padStart(2, '0')}`,
      'valid-lft': lifetime,
      // Kea derives cltt from these two.
      expire: now + (lifetime === 3 ? 3 : lifetime + 1),
      origin: 'ha-partner',
    });
  for (const address of addresses) await add(stale, address, 3);
  await drained(stale);
  assert.is((await readLeases(pair.etcd, 4)).size, 20);
  for (const address of addresses.slice(0, 10)) await add(fresh, address, 3600);
  await drained(fresh);
  const gone = async () => (await stale.ask('lease4-get-all')).result === 3;
  await until('the stale node to reclaim its leases', gone, 15_000, 100);
  await atRest(pair);
  const left = await readLeases(pair.etcd, 4);
  assert.equal([...left.keys()].sort(), addresses.slice(0, 10).sort());
  for (const lease of left.values()) assert.equal([lease.node, lease.validLft], ['node-b', 3600]);
  // Nor does its walk, which no longer shows them, remove what is the other's.
  await stale.command('nnoe-resync');
  await sleep(500);
  await atRest(pair);
  assert.is((await readLeases(pair.etcd, 4)).size, 10);
  await stop(pair);
});

test('a release at one node removes the lease that the other holds from its partner', async () => {
  const pair = await start(() => ({ threads: 0 }));
  const [first, second] = pair.keas;
  const relay = await Relay4.open(first);
  const client = { hwaddr: Buffer.from('020000000301', 'hex') };
  const lease = await relay.assign(client);
  const [line] = readCsv(first.at.csv, 4);
  if (!line) throw new Error('no lease');
  await drained(first);
  await second.command('lease4-add', {
    'ip-address': lease.address,
    'hw-address': line.hwaddr,
    'valid-lft': line.validLft,
    expire: line.cltt + line.validLft,
    origin: 'ha-partner',
  });
  await drained(second);
  const held = (await readLeases(pair.etcd, 4)).get(lease.address);
  // Equal cltt: it stays with the node that wrote it.
  assert.is(held?.node, 'node-a');
  await relay.release(client, lease);
  await second.command('lease4-del', { 'ip-address': lease.address, origin: 'ha-partner' });
  await atRest(pair);
  assert.is((await readLeases(pair.etcd, 4)).size, 0);
  relay.close();
  await stop(pair);
});

test.run();
