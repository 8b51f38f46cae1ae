// SPDX-License-Identifier: MPL-2.0
// `nnoe host` under a service manager, as systemd would see it: started though nothing else is there yet, a status
// that follows what happens, a watchdog that hears from it, and the announcement of its end.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { JournalScript, killScripts } from '../lib/journal-script.js';
import { killReceivers, Receiver } from '../lib/service-manager.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

test.after(() => {
  killReceivers();
  killScripts();
});

test('READY without etcd and Kea, STATUS as they come and go, WATCHDOG throughout, STOPPING at the end', async () => {
  const directory = join(temporary('service'), 'dhcp4');
  const receiver = (await Receiver.start(join(temporary('notify'), 'notify.sock'))).read();
  const etcd = await Etcd.start();
  await etcd.killMember(0);
  const host = await Host.create({
    journals: { dhcp4: { directory, family: 4 } },
    endpoints: etcd.endpoints,
    env: { NOTIFY_SOCKET: receiver.socket, WATCHDOG_USEC: '4000000' },
    startsHealthy: false,
  });
  await host.start();
  const status = () => receiver.lines.filter((line) => line.startsWith('STATUS=')).at(-1) ?? '';
  await until('READY', () => receiver.lines.includes('READY=1'));
  assert.is((await host.ready())?.status, 503);
  await until('a status that names what is missing', () => /^STATUS=not ready: store: STORE_/.test(status()));

  const script = await JournalScript.start(directory);
  etcd.startMember(0);
  await etcd.ready();
  await script.walk(1, 2);
  const ready = 'STATUS=ready; store etcd; journals dhcp4; plugins leases, roles, lists, decisions';
  await until('readiness', () => status() === ready, 20_000);
  assert.is((await host.ready())?.status, 200);
  await etcd.killMember(0);
  await until('the store to be missed', () => /^STATUS=ready; store is down: /.test(status()), 20_000);

  const pings = () => receiver.told.filter(({ text }) => text === 'WATCHDOG=1').length;
  await until('a few words for the watchdog', () => pings() >= 4);
  const heard = receiver.told.filter(({ text }) => text === 'WATCHDOG=1').map(({ at }) => at);
  const silence = Math.max(...heard.slice(1).map((at, i) => at - (heard[i] as number)));
  assert.ok(silence < 4_000, `${silence} ms without a word would have had systemd kill it`);

  await host.stop();
  assert.ok(receiver.lines.includes('STOPPING=1'));
  assert.ok(receiver.lines.includes('EXTEND_TIMEOUT_USEC=15000000'));
  assert.match(receiver.lines.at(-1) ?? '', /^STATUS=stopping: SIGTERM/);
  assert.is(receiver.lines.filter((line) => line === 'READY=1').length, 1);
  assert.equal(new Set(receiver.told.map(({ pid }) => pid)), new Set([host.proc?.pid]));
  await receiver.end();
  await script.end();
  await etcd.stop();
});

test.run();
