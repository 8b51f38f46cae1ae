// SPDX-License-Identifier: MPL-2.0
// What the HTTP server answers, to requests and to what is none.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HealthReport } from './health.js';
import { type HttpServer, serveHttp } from './http.js';

let broken = false;
let ready = true;
let state: HealthReport['state'] = 'ok';
let server: HttpServer;

const health = () => ({ state }) as HealthReport;
const readiness = () =>
  ready
    ? { ready, reasons: [] }
    : { ready, reasons: [{ what: 'store', code: 'STORE_X', reason: 'r', help: 'h' }] };

async function metrics() {
  if (broken) throw new Error('who knows');
  return { type: 'text/plain; version=0.0.4', text: 'up 1\n' };
}

test.before(async () => {
  server = await serveHttp({ listen: '127.0.0.1:0', health, readiness, metrics });
});
test.after(() => server.close());

const get = (path: string, options: RequestInit = {}) => fetch(`http://${server.address}${path}`, options);

async function open(): Promise<Socket> {
  const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** What comes back until the server closes. */
async function raw(request: string): Promise<string> {
  const socket = await open();
  socket.write(request);
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return text;
}

test('/health: 200 when well or degraded, else 503; the report either way', async () => {
  for (const [now, status] of [
    ['ok', 200],
    ['degraded', 200],
    ['starting', 503],
    ['failed', 503],
  ] as const) {
    state = now;
    const response = await get('/health');
    assert.is(response.status, status);
    assert.equal(await response.json(), { state: now });
  }
});

test('/ready: 200 or 503, and why not', async () => {
  const good = await get('/ready?from=a-load-balancer');
  assert.is(good.status, 200);
  assert.is(good.headers.get('cache-control'), 'no-store');
  ready = false;
  const bad = await get('/ready');
  assert.is(bad.status, 503);
  assert.is(((await bad.json()) as { reasons: { code: string }[] }).reasons[0]?.code, 'STORE_X');
});

test('HEAD is GET without the body', async () => {
  const [head, whole] = [await get('/metrics', { method: 'HEAD' }), await get('/metrics')];
  assert.is(head.status, 200);
  assert.is(await head.text(), '');
  assert.is(head.headers.get('content-length'), '5');
  assert.is(whole.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.is(await whole.text(), 'up 1\n');
});

test('other pages are 404, other methods 405, in words', async () => {
  for (const path of ['/', '/metrics/', '/constructor', '/%2e%2e/etc/passwd']) {
    const response = await get(path);
    assert.is(response.status, 404, path);
    assert.is(await response.text(), 'there is /health, /ready, /metrics\n');
  }
  const post = await get('/ready', { method: 'POST', body: 'x'.repeat(1_000_000) });
  assert.is(post.status, 405);
  assert.is(post.headers.get('allow'), 'GET, HEAD');
  assert.match(await post.text(), '/ready can be read');
});

test('a scrape that throws is a 500 that says why, and the next one works', async () => {
  broken = true;
  const response = await get('/metrics');
  assert.is(response.status, 500);
  assert.is(await response.text(), 'who knows\n');
  broken = false;
  assert.is((await get('/metrics')).status, 200);
});

test('what is no request, or too large a one, is refused and the connection closed', async () => {
  assert.match(await raw('\x16\x03\x01hello\r\n\r\n'), /^HTTP\/1\.1 400 .*not an HTTP request\n$/s);
  const large = await raw(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 .*more than 8192 bytes\n$/s);
});

test('who connects and says nothing, or slowly, is told and closed; others are served meanwhile', async () => {
  const began = performance.now();
  const slow = raw('GET /health HTTP/1.1\r\nhost:');
  state = 'ok';
  assert.is((await get('/health')).status, 200);
  assert.match(await slow, /^HTTP\/1\.1 408 /);
  assert.ok(performance.now() - began < 15_000);
});

test('connections beyond the limit are closed at once and harm nobody', async () => {
  const sockets = await Promise.all(Array.from({ length: 80 }, open));
  for (const socket of sockets) socket.on('error', () => undefined);
  await once(sockets[79] as Socket, 'close');
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map((socket) => (socket.closed ? undefined : once(socket, 'close'))));
  // The server hears of it a little later.
  const again = async () => (await get('/health').catch(() => undefined))?.status === 200;
  for (let i = 0; i < 200 && !(await again()); i++) await wait(10);
  assert.is(await again(), true);
});

test('a port that is taken, and an address that is not ours, are errors with the reason', async () => {
  for (const listen of [server.address, '192.0.2.1:9090', 'no.such.name.invalid:9090'])
    try {
      await serveHttp({ listen, health, readiness, metrics });
      assert.unreachable(listen);
    } catch (error) {
      assert.is((error as { code?: string }).code, 'HTTP_LISTEN');
      assert.match((error as Error).message, listen);
    }
});

test('IPv6 addresses stand in brackets', async () => {
  const six = await serveHttp({ listen: '[::1]:0', health, readiness, metrics });
  assert.match(six.address, /^\[::1\]:\d+$/);
  assert.is((await fetch(`http://${six.address}/health`)).status, 200);
  six.close();
});

test.run();
