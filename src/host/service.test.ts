// SPDX-License-Identifier: MPL-2.0
// Notifications as a receiver on a real Unix datagram socket gets them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../../test/lib/host-stage.js';
import { killReceivers, Receiver } from '../../test/lib/service-manager.js';
import { native } from './native.js';
import { ServiceManager } from './service.js';

const root = mkdtempSync(join(tmpdir(), 'nnoe-service-'));
test.after(() => {
  killReceivers();
  rmSync(root, { recursive: true, force: true });
});

/** A service manager that listens there, and the codes that were logged. */
function manager(env: NodeJS.ProcessEnv) {
  const codes: string[] = [];
  const write = (line: string) => codes.push((JSON.parse(line) as { code: string }).code);
  return { service: new ServiceManager(env, native(), pino({}, { write })), codes };
}

for (const [kind, socket] of [
  ['a path', join(root, 'path.sock')],
  ['an abstract name', `@nnoe-service-${process.pid}`],
] as const) {
  test(`states, each once and in one line, on ${kind}`, async () => {
    const receiver = (await Receiver.start(socket)).read();
    const { service, codes } = manager({ NOTIFY_SOCKET: socket });
    service.status('starting');
    service.ready();
    service.status('one\nline');
    service.status('one line');
    service.stopping(10);
    await until(() => receiver.lines.includes('STOPPING=1'));
    assert.equal(receiver.lines, [
      ...['STATUS=starting', 'READY=1', 'STATUS=one line'],
      ...['EXTEND_TIMEOUT_USEC=15000000', 'STOPPING=1'],
    ]);
    assert.equal(new Set(receiver.told.map(({ pid }) => pid)), new Set([process.pid]));
    assert.equal(codes, []);
    service.close();
    await receiver.end();
  });
}

test('the watchdog is told twice in its time, only when it is meant for this process', async () => {
  const socket = join(root, 'watchdog.sock');
  const receiver = (await Receiver.start(socket)).read();
  const other = manager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' });
  await wait(150);
  assert.equal(receiver.told, []);
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000000', WATCHDOG_PID: String(process.pid) };
  const { service } = manager(env);
  assert.equal(env, {}, 'children do not speak for the host');
  await until(() => receiver.told.length >= 3);
  for (const [i, { text, at }] of receiver.told.entries()) {
    assert.is(text, 'WATCHDOG=1');
    const before = receiver.told[i - 1];
    if (before) assert.ok(at - before.at < 2000, `${at - before.at} ms`);
  }
  // A loop that does not turn does not say that it lives.
  const end = performance.now() + 1500;
  const count = receiver.told.length;
  while (performance.now() < end);
  assert.is(receiver.told.length, count);
  await until(() => receiver.told.length > count + 1);
  const longest = Math.max(...receiver.told.slice(1).map(({ at }, i) => at - (receiver.told[i]?.at ?? at)));
  assert.ok(longest >= 1450, `${longest} ms without a word`);
  service.close();
  other.service.close();
  await receiver.end();
});

test('a receiver that is slow is not waited for, and told later', async () => {
  const socket = join(root, 'slow.sock');
  const receiver = await Receiver.start(socket);
  let queued = 0;
  while (native().notify(socket, 'WATCHDOG=1')) queued++;
  assert.ok(queued > 0);
  const { service, codes } = manager({ NOTIFY_SOCKET: socket });
  const began = performance.now();
  service.ready();
  service.status('ready');
  assert.ok(performance.now() - began < 100);
  receiver.read();
  await until(() => receiver.lines.length === 2);
  assert.equal(receiver.lines, ['READY=1', 'STATUS=ready']);
  assert.equal(codes, [], 'a full queue is no fault');
  service.close();
  await receiver.end();
});

test('a socket that is not there is complained of once, tried again, and used when it is', async () => {
  const socket = join(root, 'late.sock');
  const { service, codes } = manager({ NOTIFY_SOCKET: socket });
  service.ready();
  service.status('ready');
  assert.equal(codes, ['SERVICE_NOTIFY']);
  const receiver = (await Receiver.start(socket)).read();
  await until(() => receiver.lines.length === 2);
  service.close();
  await receiver.end();
});

test('names that are none, and what is no text, are refused with a reason', () => {
  for (const socket of ['relative.sock', '/', '@', `/${'x'.repeat(120)}`, '/a\0b'])
    assert.throws(
      () => native().notify(socket, 'READY=1'),
      (error: Error & { code?: string }) => error.code === 'SERVICE_NOTIFY',
    );
  // biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript may do.
  assert.throws(() => native().notify('/x', 1 as any), /must be a string/);
});

test('without a service manager nothing is sent and nothing said', () => {
  const { service, codes } = manager({ WATCHDOG_USEC: '1000' });
  service.ready();
  service.status('ready');
  service.stopping(1);
  service.close();
  assert.equal(codes, []);
});

test.run();
