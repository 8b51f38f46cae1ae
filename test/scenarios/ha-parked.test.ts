// SPDX-License-Identifier: MPL-2.0
// limit: 120 s
// A partner that hangs: Kea parks what waits for it, and when it may park no more (parked-packet-limit) it
// writes the lease, drops the answer and calls no library. Once the partner goes on, a walk brings those leases.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Relay4, Type4 } from '../daemons/lib/dhcp4.js';
import { Relay6, Type6 } from '../daemons/lib/dhcp6.js';
import { sameLeases } from '../daemons/lib/exact.js';
import { becomes, hotStandby } from '../daemons/lib/ha.js';
import { type JsonObject, Kea } from '../daemons/lib/kea.js';
import { drained, Plane } from '../daemons/lib/plane.js';
import { freePorts } from '../daemons/lib/ports.js';
import { until } from '../daemons/lib/process.js';
import { finalLeases, readCsv } from '../daemons/lib/witness.js';

const names = ['first', 'second'] as const;
const limit = 2;
const before = 3;
const during = 10;
// The primary must neither give its partner up nor its updates while the partner is stopped.
const patient = { 'max-response-delay': 60_000 };

// A signal takes its time to reach every thread.
async function freeze(kea: Kea): Promise<void> {
  kea.proc?.signal('SIGSTOP');
  const tasks = `/proc/${kea.proc?.pid}/task`;
  const stopped = (task: string) => /^State:\tT/m.test(readFileSync(`${tasks}/${task}/status`, 'latin1'));
  await until('all threads to stop', () => readdirSync(tasks).every(stopped));
}

interface Clients {
  assign(n: number): Promise<unknown>;
  /** As far as the request, whose answer may not come. */
  request(n: number): Promise<unknown>;
  close(): void;
}

async function clients4(kea: Kea): Promise<Clients> {
  const relay = await Relay4.open(kea);
  const client = (n: number) => ({ hwaddr: Buffer.from([2, 0, 0, 0, 4, n]) });
  const request = async (n: number) => {
    const offer = await relay.send(Type4.discover, client(n));
    if (!offer) throw new Error('no offer');
    const address = Buffer.from(offer.address.split('.').map(Number));
    const options: [number, Buffer][] = [
      [50, address],
      [54, offer.serverId],
    ];
    return await relay.send(Type4.request, client(n), { options }, 100);
  };
  return { assign: (n) => relay.assign(client(n)), request, close: () => relay.close() };
}

async function clients6(kea: Kea): Promise<Clients> {
  const relay = await Relay6.open(kea);
  const client = (n: number) => ({ duid: Buffer.from([0, 3, 0, 1, 2, 0, 0, 0, 6, n]), na: [1] });
  const request = async (n: number) => {
    const advertise = await relay.send(Type6.solicit, client(n));
    if (!advertise) throw new Error('no advertise');
    return await relay.send(Type6.request, client(n), advertise, 100);
  };
  return { assign: (n) => relay.assign(client(n)), request, close: () => relay.close() };
}

interface ParkingLot {
  limit: number;
  full: number;
}

async function status(kea: Kea) {
  const all = await kea.command('nnoe-status');
  const assigned = Number((all.events as JsonObject).assign);
  return { assigned, lot: all['parking-lot'] as unknown as ParkingLot };
}

interface Pair {
  plane: Plane;
  primary: Kea;
  standby: Kea;
  stop(): Promise<void>;
}

/** Two servers, the second one stopped, and leases that the first one wrote without calling anybody. */
async function overfilled(family: 4 | 6): Promise<Pair> {
  const ports = await freePorts(2);
  const options = (name: string, hook: JsonObject | false) => ({
    family,
    hook,
    threads: 2,
    hooks: [{ library: 'libdhcp_ha.so', parameters: hotStandby(name, names, ports, patient) }],
    extra: { 'parked-packet-limit': limit },
  });
  const standby = await Kea.start(options(names[1], false));
  const plane = await Plane.start({ keas: [options(names[0], { 'snapshot-on-start': false })] });
  const primary = plane.kea(family);
  await Promise.all([primary, standby].map((kea) => becomes(kea, 'hot-standby')));
  // The one that a new host asks for must not be the one that helps.
  await plane.host.proc?.waitFor(/SOURCE_WALK_DONE/);
  const clients = await (family === 4 ? clients4 : clients6)(primary);
  for (let n = 0; n < before; n++) await clients.assign(n);
  await freeze(standby);
  const answers = [];
  for (let n = before; n < before + during; n++) answers.push(await clients.request(n));
  clients.close();
  assert.is(answers.filter((answer) => answer).length, 0, 'answers without the partner');
  assert.is(finalLeases(readCsv(primary.at.csv, family)).size, before + during);
  // What this is about: the others were written and no callout came.
  assert.is((await status(primary)).assigned, before + limit);
  const stop = async () => {
    await plane.stop();
    await standby.stop();
  };
  return { plane, primary, standby, stop };
}

async function walked({ plane, primary }: Pair): Promise<void> {
  await primary.proc?.waitFor(/NNOE_WALK_BEGIN .*cause gap/);
  await primary.proc?.waitFor(/NNOE_WALK_END .*complete: 13 leases/);
  await drained(primary);
  assert.is(await sameLeases(plane, primary.family), before + during);
}

for (const family of [4, 6] as const) {
  test(`DHCPv${family}: leases written while the parking lot was full`, async () => {
    const pair = await overfilled(family);
    pair.standby.proc?.signal('SIGCONT');
    await walked(pair);
    const { lot } = await status(pair.primary);
    assert.equal([lot.limit, lot.full], [limit, 1]);
    assert.is(pair.primary.proc?.output().match(/NNOE_PARKING_LOT_FULL/g)?.length, 1);
    await pair.stop();
  });
}

test('a server that is killed while it owes the walk makes it when it is back', async () => {
  const pair = await overfilled(4);
  await pair.primary.proc?.waitFor(/NNOE_PARKING_LOT_FULL/);
  assert.not.match(pair.primary.proc?.output() ?? '', /cause gap/);
  await pair.primary.kill();
  await pair.primary.start();
  await walked(pair);
  pair.standby.proc?.signal('SIGCONT');
  await pair.stop();
});

test.run();
