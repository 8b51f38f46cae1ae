// SPDX-License-Identifier: MPL-2.0
// What the control socket withstands: clients that send nonsense, nothing, or too much, that do not read, that
// come in numbers, or that go away.
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask, connected, LineReader, open, raw } from '../../../test/lib/control-client.js';
import { refusal } from '../../../test/lib/control-shapes.js';
import { cleanUp, stage, temporary, until } from '../../../test/lib/host-stage.js';
import type { Follow, FollowHandlers, FollowOptions, Page } from '../store/store.js';
import { MemoryStore } from '../testing.js';
import type { ControlLimits } from './limits.js';

test.after(cleanUp);

const prefix = '/nnoe/dhcp/leases/';

/** Counts what is asked of it. */
class CountingStore extends MemoryStore {
  follows = 0;
  closed = 0;
  pages = 0;

  override follow(at: string, handlers: FollowHandlers, options?: FollowOptions): Follow {
    this.follows++;
    assert.is(options?.from, 'now', 'every lease would be loaded');
    const follow = super.follow(at, handlers, options);
    return {
      close: () => {
        this.closed++;
        return follow.close();
      },
    };
  }

  override async *list(...options: Parameters<MemoryStore['list']>): AsyncGenerator<Page> {
    for await (const page of super.list(...options)) {
      this.pages++;
      yield page;
    }
  }
}

async function staged(limits: Partial<ControlLimits> = {}, count = 0) {
  const socket = join(temporary(), 'host.sock');
  const store = new CountingStore();
  // A kilobyte each, so that a few thousand fill every buffer on the way.
  const value = JSON.stringify({ ip: '10.0.0.0', user_context: { filler: 'x'.repeat(1000) } });
  for (let at = 0; at < count; at += 100)
    await store.commit({
      operations: Array.from({ length: 100 }, (_, i) => ({ put: `${prefix}10.0.${at}.${i}`, value })),
    });
  const { host } = await stage({ journals: {}, keepers: [], store, socket, limits });
  const change = (n: number) =>
    store.commit({
      operations: [{ put: `${prefix}10.9.0.${n % 50}`, value: `${value.slice(0, -1)},"n":${n}}` }],
    });
  return { socket, store, host, change };
}

/** The host answers others meanwhile. */
const serves = async (socket: string) => assert.is((await ask(socket, 'GET', '/v1/status')).status, 200);

const bodyOf = (text: string) => refusal.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));

test('what is no HTTP gets 400, and the connection is closed', async () => {
  const { socket } = await staged();
  const nonsense = [
    'hello\r\n\r\n',
    '\x00\x01\x02\x03',
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), // TLS
    'GET /v1/status HTTP/1.1\r\nhost: a\r\nbroken header\r\n\r\n',
    'GET /v1/status HTTP/9.9\r\nhost: a\r\n\r\n',
    'GET /v1/status HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
    'GET /v1/status HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ];
  for (const bytes of nonsense) {
    const answer = await raw(socket, bytes);
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
    assert.is(bodyOf(answer).error.code, 'CONTROL_REQUEST');
  }
  await serves(socket);
});

test('a request may not be large', async () => {
  const { socket } = await staged();
  for (const large of [
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n`,
    `GET / HTTP/1.1\r\na: ${'b'.repeat(20_000)}\r\n`,
  ]) {
    const answer = await raw(socket, large);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    bodyOf(answer);
  }
  const body = 'POST /v1/resync HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n';
  assert.match(await raw(socket, body), /^HTTP\/1\.1 413 /);
  await serves(socket);
});

test('a request that does not come in time is given up, also one that never begins', async () => {
  const { socket } = await staged({ requestMs: 200, checkMs: 50 });
  const began = performance.now();
  assert.match(await raw(socket, 'GET /v1/status HTTP/1.1\r\n'), /^HTTP\/1\.1 408 /);
  await raw(socket, '');
  assert.match(
    await raw(socket, 'POST /v1/resync HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'),
    /^HTTP\/1\.1 413 /,
  );
  assert.ok(performance.now() - began < 5000);
});

test('connections are limited, and come free again', async () => {
  const { socket } = await staged({ connections: 4 });
  const held = await Promise.all(Array.from({ length: 4 }, () => connected(socket)));
  assert.is(await raw(socket, 'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n'), '', 'closed at once');
  for (const each of held) each.destroy();
  const answers = async () =>
    ask(socket, 'GET', '/v1/status').then(
      ({ status }) => status === 200,
      () => false,
    );
  let answered = false;
  for (let i = 0; i < 100 && !answered; i++) {
    answered = await answers();
    await wait(10);
  }
  assert.ok(answered);
});

test('streams are limited; one more is refused with what to do, and status is not', async () => {
  const { socket } = await staged({ streams: 3 });
  const three = await Promise.all([1, 2, 3].map(() => LineReader.open(socket, '/v1/leases?watch=1')));
  const { status, headers, body } = await ask(socket, 'GET', '/v1/leases');
  assert.is(status, 503);
  assert.is(headers['retry-after'], '1');
  assert.is(refusal.parse(body).error.code, 'CONTROL_STREAMS');
  const report = (await ask(socket, 'GET', '/v1/status')).body as { control: { streams: number } };
  assert.is(report.control.streams, 3);
  three[0]?.close();
  let again = 503;
  for (let i = 0; i < 100 && again === 503; i++) {
    again = (await ask(socket, 'GET', '/v1/leases')).status;
    await wait(10);
  }
  assert.is(again, 200);
  for (const each of three) each.close();
});

test('a listing is read from the store no faster than its reader takes it', async () => {
  const { socket, store } = await staged({ page: 100 }, 8000);
  const response = await open(socket, 'GET', '/v1/leases');
  response.pause();
  let seen = -1;
  while (seen !== store.pages) {
    seen = store.pages;
    await wait(100);
  }
  assert.ok(seen < 40, `${seen} of 80 pages were read though nobody takes them`);
  await serves(socket);
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  assert.is(store.pages, 80);
  assert.ok(bytes > 8_000_000);
});

test('a reader that takes nothing for too long is cut', async () => {
  const { socket, store } = await staged({ stallMs: 150 }, 8000);
  const response = await open(socket, 'GET', '/v1/leases');
  response.pause();
  const streams = async () =>
    ((await ask(socket, 'GET', '/v1/status')).body as { control: { streams: number } }).control.streams;
  assert.is(await streams(), 1);
  for (let i = 0; i < 200 && (await streams()) > 0; i++) await wait(10);
  assert.is(await streams(), 0);
  assert.ok(store.pages < 80);
  response.on('error', () => undefined).destroy();
});

test('who watches the same shares one follow, which ends with the last of them', async () => {
  const { socket, store } = await staged();
  const readers = await Promise.all([1, 2, 3].map(() => LineReader.open(socket, '/v1/leases?watch=1')));
  const other = await LineReader.open(socket, '/v1/leases?watch=1&prefix=10.0.0.0/8');
  await until(() => [...readers, other].every((reader) => reader.of('live').length === 1));
  assert.is(store.follows, 2);
  for (const reader of readers.slice(1)) reader.close();
  await wait(50);
  assert.is(store.closed, 0);
  readers[0]?.close();
  await until(() => store.closed === 1);
  other.close();
  await until(() => store.closed === 2);
});

test('a client that leaves before the store has answered frees its follow', async () => {
  const { socket, store } = await staged({ storeMs: 60_000 });
  // A store that accepts and does not answer.
  const hang = new Promise<void>(() => undefined);
  store.follow = () => {
    store.follows++;
    return {
      close: async () => {
        store.closed++;
        await hang;
      },
    };
  };
  const reader = await LineReader.open(socket, '/v1/leases?watch=1');
  await until(() => store.follows === 1);
  reader.close();
  await until(() => store.closed === 1);
  await serves(socket);
});

test('a watcher that does not read holds up the others only for a while, then is cut', async () => {
  const { socket, store, change } = await staged({ queue: 20, holdUpMs: 300 });
  const stuck: IncomingMessage = await open(socket, 'GET', '/v1/leases?watch=1');
  stuck.on('error', () => undefined);
  stuck.pause();
  const good = await LineReader.open(socket, '/v1/leases?watch=1');
  await until(() => good.of('live').length === 1);
  const total = 3000;
  for (let n = 1; n <= total; n++) await change(n);
  await until(() => good.of('put').length === total, 10_000);
  assert.equal(
    good.of('put').map(({ lease }) => (lease as { n: number }).n),
    Array.from({ length: total }, (_, i) => i + 1),
    'every change, in order',
  );
  const { control } = (await ask(socket, 'GET', '/v1/status')).body as { control: { streams: number } };
  assert.is(control.streams, 1, 'the other one was cut');
  assert.is(store.closed, 0);
  good.close();
  stuck.destroy();
  await until(() => store.closed === 1);
});

test('when the host stops, streams are told so, and nobody keeps it', async () => {
  const { socket, host } = await staged({}, 8000);
  const reader = await LineReader.open(socket, '/v1/leases?watch=1');
  const stuck = await open(socket, 'GET', '/v1/leases');
  stuck.on('error', () => undefined).pause();
  const idle = await connected(socket);
  idle.on('error', () => undefined);
  await until(() => reader.of('live').length === 1);
  const began = performance.now();
  await host.stop(5);
  assert.ok(performance.now() - began < 2500);
  await until(() => reader.ended);
  assert.is(reader.lines.at(-1)?.code, 'CONTROL_STOPPING');
  stuck.destroy();
});

test.run();
