// SPDX-License-Identifier: MPL-2.0
// The control socket of a host in this process: what it answers, and what it refuses. What it withstands is in
// hardening.test.ts.
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask, LineReader, linesIn } from '../../../test/lib/control-client.js';
import {
  leaseLine,
  pluginList,
  refusal,
  resyncLine,
  statusReport,
} from '../../../test/lib/control-shapes.js';
import { cleanUp, keeper, stage, temporary, until } from '../../../test/lib/host-stage.js';
import { JournalScript } from '../../../test/lib/journal-script.js';
import { MemoryStore } from '../testing.js';

test.after(cleanUp);

const prefix = '/nnoe/dhcp/leases/';

async function staged(entries: Record<string, string> = {}) {
  const socket = join(temporary(), 'host.sock');
  const store = new MemoryStore();
  const keys = Object.entries(entries);
  for (let at = 0; at < keys.length; at += 100)
    await store.commit({
      operations: keys.slice(at, at + 100).map(([name, value]) => ({ put: prefix + name, value })),
    });
  return { ...(await stage({ journals: {}, keepers: [], store, socket })), socket };
}

const value = (ip: string) => JSON.stringify({ ip, hwaddr: '02:00:00:00:00:01', state: 0 });
const leases = (...addresses: string[]) =>
  Object.fromEntries(addresses.map((address) => [address, value(address)]));

async function list(socket: string, query = ''): Promise<Record<string, unknown>[]> {
  const { status, text } = await ask(socket, 'GET', `/v1/leases${query}`);
  assert.is(status, 200, text);
  return linesIn(text).map((line) => leaseLine.parse(line));
}

test('the socket can be opened by its owner and group, and is gone with the host', async () => {
  const { socket, host } = await staged();
  assert.is(statSync(socket).mode & 0o777, 0o660);
  assert.ok(statSync(socket).isSocket());
  await host.stop();
  assert.not.ok(existsSync(socket));
});

test('status says how everybody is, what is wrong and what to do', async () => {
  const directory = temporary();
  const script = await JournalScript.start(join(directory, 'journal'));
  const socket = join(directory, 'host.sock');
  const slow = keeper('slow');
  slow.work = () => new Promise(() => undefined);
  const journals = { dhcp4: join(directory, 'journal'), dhcp6: join(directory, 'absent') };
  const { store, host } = await stage({ journals, keepers: [slow, keeper('quick')], socket });
  script.gap({ reason: 2, count: 7 }).lease(1, { observedUs: (Date.now() - 5000) * 1000 });
  const head = await script.leases(2, 200).head();
  await until(() => slow.batches > 0 && (host.health().sources.dhcp4?.consumers[1]?.lag ?? 1) === 0);
  store.down('nobody answers');
  const report = statusReport.parse((await ask(socket, 'GET', '/v1/status')).body);
  assert.is(report.state, 'failed');
  assert.is(report.pid, process.pid);
  assert.equal(Object.keys(report.plugins.slow?.journals ?? {}), ['dhcp4']);
  const behind = report.plugins.slow?.journals.dhcp4;
  assert.ok((behind?.lag ?? 0) >= 200, JSON.stringify(behind));
  assert.is(behind?.outstanding, 1);
  assert.ok((behind?.ageSeconds ?? 0) >= 5 && (behind?.ageSeconds ?? 99) < 30, JSON.stringify(behind));
  const current = report.plugins.quick?.journals.dhcp4;
  assert.is(current?.cursor, head);
  assert.is(current?.lag, 0);
  assert.is(current?.ageSeconds, 0);
  assert.is(current?.gaps, 2, 'a new journal begins with one');
  assert.is(current?.lastGap?.reason, 'OVERRUN');
  assert.is(report.journals.dhcp4?.head, head);
  assert.is(report.journals.dhcp6?.code, 'JOURNAL_ABSENT');
  assert.equal(
    report.problems.map(({ part, code }) => [part, code]),
    [
      ['store', 'STORE_UNREACHABLE'],
      ['journal dhcp6', 'JOURNAL_ABSENT'],
    ],
  );
  assert.match(report.problems[0]?.help ?? '', 'Check endpoints');
  store.up();
  await host.stop(0.5);
  await script.end();
});

test('plugins lists what is declared', async () => {
  const socket = join(temporary(), 'host.sock');
  const more = '[plugins.off]\nenabled = false\n';
  await stage({ journals: {}, keepers: [keeper('on'), keeper('off')], socket, more });
  const { plugins } = pluginList.parse((await ask(socket, 'GET', '/v1/plugins')).body);
  assert.equal(
    plugins.map(({ name, enabled, package: from }) => [name, enabled, from]),
    [
      ['on', true, 'nnoe'],
      ['off', false, 'nnoe'],
    ],
  );
  assert.equal(plugins[0]?.consumes, { lease: { batch: 64, window: 1, onGap: 'ignore', deadline: 30 } });
});

test('leases are listed in pages, all or those of an address or network', async () => {
  const many = Array.from({ length: 1203 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const { socket } = await staged(leases(...many, '192.0.2.7', '192.0.2.70', '2001:db8::7', '2001:db8:1::7'));
  const all = await list(socket);
  assert.is(all.length, many.length + 5);
  assert.equal(all.at(-1)?.count, many.length + 4);
  assert.is(new Set(all.map(({ address }) => address)).size, many.length + 5);
  const addresses = async (query: string) =>
    (await list(socket, query)).flatMap(({ address }) => address ?? []);
  assert.equal(await addresses('?address=192.0.2.7'), ['192.0.2.7']);
  assert.equal(await addresses('?address=2001:DB8:0::7'), ['2001:db8::7']);
  assert.equal(await addresses('?address=192.0.2.8'), []);
  assert.equal(await addresses('?prefix=192.0.2.0/26'), ['192.0.2.7']);
  assert.equal(await addresses('?prefix=2001:db8::/32'), ['2001:db8:1::7', '2001:db8::7']);
  assert.is((await addresses('?prefix=10.0.4.0/22')).length, 1203 - 1024);
  assert.is((await addresses('?prefix=0.0.0.0/0')).length, many.length + 2);
});

test('a value that is no lease does not break the lines', async () => {
  const { socket } = await staged({
    '192.0.2.1': 'not JSON',
    '192.0.2.2': '[1]',
    '192.0.2.3': '{\n  "ip": "192.0.2.3"\n}',
    '192.0.2.4': '{"hostname":"a\u2028b"}',
    'odd"key\n': '{}',
  });
  const lines = await list(socket);
  assert.equal(
    lines.flatMap((line) => ('lease' in line ? [line.lease] : [])),
    [null, null, { ip: '192.0.2.3' }, { hostname: 'a\u2028b' }, {}],
  );
  assert.is(lines[4]?.address, 'odd"key\n');
});

test('a watch shows what is there when asked, then every change, and says when it has to begin anew', async () => {
  const { socket, store } = await staged(leases('192.0.2.1', '198.51.100.1'));
  const silent = await LineReader.open(socket, '/v1/leases?watch=1');
  const whole = await LineReader.open(socket, '/v1/leases?watch=1&snapshot=1');
  const one = await LineReader.open(socket, '/v1/leases?watch=1&snapshot=1&prefix=192.0.2.0/24');
  const readers = [silent, whole, one];
  await until(() => readers.every((reader) => reader.of('live').length === 1));
  await store.commit({ operations: [{ put: `${prefix}192.0.2.9`, value: value('192.0.2.9') }] });
  await store.commit({ operations: [{ delete: `${prefix}198.51.100.1` }] });
  await store.commit({ operations: [{ delete: `${prefix}192.0.2.9` }] });
  await until(() => readers.every((reader) => reader.lines.at(-1)?.address === '192.0.2.9'));
  const seen = (reader: LineReader) =>
    reader.lines.map(({ type, address }) => [type, address].join(' ').trim());
  assert.equal(seen(silent), ['live', 'put 192.0.2.9', 'delete 198.51.100.1', 'delete 192.0.2.9']);
  assert.equal(seen(whole), ['lease 192.0.2.1', 'lease 198.51.100.1', ...seen(silent)]);
  assert.equal(seen(one), ['lease 192.0.2.1', 'live', 'put 192.0.2.9', 'delete 192.0.2.9']);
  store.reset();
  await until(() => readers.every((reader) => reader.of('live').length === 2));
  assert.equal(seen(whole).slice(-2), ['reset', 'live']);
  for (const line of readers.flatMap((reader) => reader.lines)) leaseLine.parse(line);
  for (const reader of readers) reader.close();
});

test('no change is missed or shown twice between what is there and what comes', async () => {
  const { socket, store } = await staged(
    leases(...Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)),
  );
  let written = 0;
  let going = true;
  const writer = (async () => {
    while (going) {
      written++;
      await store.commit({ operations: [{ put: `${prefix}172.16.0.1`, value: `{"n":${written}}` }] });
    }
  })();
  for (let round = 0; round < 5; round++) {
    const reader = await LineReader.open(socket, '/v1/leases?watch=1&snapshot=1');
    await until(() => reader.of('put').length > 50);
    reader.close();
    const numbers = reader.lines.flatMap(({ address, lease }) =>
      address === '172.16.0.1' ? [(lease as { n: number }).n] : [],
    );
    assert.equal(
      numbers,
      numbers.map((_, i) => (numbers[0] ?? 0) + i),
    );
  }
  going = false;
  await writer;
});

test('a store that is away is told at once, with its own code', async () => {
  const { socket, store } = await staged();
  store.down('nobody answers');
  for (const path of ['/v1/leases', '/v1/leases?watch=1']) {
    const { status, body } = await ask(socket, 'GET', path);
    assert.is(status, 503);
    assert.is(refusal.parse(body).error.code, 'STORE_UNREACHABLE');
  }
  store.up();
});

test('a walk is asked for, watched, and over when every plugin is through', async () => {
  const directory = temporary();
  const script = await JournalScript.start(join(directory, 'journal'));
  const socket = join(directory, 'host.sock');
  await script.walk(1, 2);
  const settles: (() => void)[] = [];
  const replays = keeper('replays', { onGap: 'replay' });
  const slow = keeper('slow');
  const journals = { dhcp4: join(directory, 'journal') };
  const { host } = await stage({ journals, keepers: [replays, slow], socket });
  await until(() => host.health().sources.dhcp4?.consumers.every(({ lag }) => lag === 0) ?? false);
  const asked = linesIn((await ask(socket, 'POST', '/v1/resync?wait=0')).text).map((l) =>
    resyncLine.parse(l),
  );
  assert.equal(
    asked.map(({ type }) => type),
    ['walk', 'end'],
  );
  await until(() => script.walks === 1);
  await script.walk(1, 2, 3);
  await until(() => host.health().sources.dhcp4?.walkOwedAfter === undefined);
  slow.work = () => new Promise((resolve) => settles.push(resolve));
  const reader = await LineReader.open(socket, '/v1/resync?source=dhcp4', 'POST');
  await until(() => script.walks === 2, 8000);
  const id = await script.walkBegin().head();
  script.snapshot(1).snapshot(2);
  await until(() => reader.lines.some(({ state, leases }) => state === 'walking' && leases === 2));
  await script.walkEnd({ id, leases: 2 }).head();
  await until(() => reader.lines.at(-1)?.state === 'settling');
  await wait(150);
  assert.not.ok(reader.ended, 'the slow one is not through');
  slow.work = () => undefined;
  for (const settle of settles) settle();
  await until(() => reader.ended);
  const states = reader.lines
    .map((line) => resyncLine.parse(line))
    .map((line) => ('state' in line ? line.state : line.type));
  assert.equal([...new Set(states)], ['asked', 'walking', 'settling', 'done', 'end']);
  assert.equal(reader.lines.at(-1), { type: 'end', complete: true });
  assert.is(reader.lines.at(-2)?.leases, 2);
  await host.stop();
  await script.end();
});

test('a journal that is not there cannot be walked; the others are', async () => {
  const socket = join(temporary(), 'host.sock');
  await stage({ journals: { dhcp4: '/nowhere/journal' }, keepers: [keeper('a')], socket });
  const lines = linesIn((await ask(socket, 'POST', '/v1/resync')).text).map((line) => resyncLine.parse(line));
  assert.is(lines.length, 2);
  const [first, last] = lines;
  assert.ok(first?.type === 'walk' && first.state === 'refused' && first.code === 'JOURNAL_ABSENT');
  assert.equal(last, { type: 'end', complete: false });
});

test('a request that makes no sense is refused by name', async () => {
  const { socket } = await staged();
  const cases: [method: string, path: string, status: number, said: string][] = [
    ['GET', '/', 404, 'path: found "/", expected one of /v1/status'],
    ['GET', '/v2/status', 404, 'path: found "/v2/status"'],
    ['POST', '/v1/status', 405, 'method: found POST, expected GET'],
    ['GET', '/v1/resync', 405, 'method: found GET, expected POST'],
    ['DELETE', '/v1/leases', 405, 'method: found DELETE, expected GET'],
    ['GET', '/v1/status?a=1', 400, 'parameter: found "a", expected none'],
    ['GET', '/v1/leases?adress=1', 400, 'parameter: found "adress", expected one of address, prefix'],
    ['GET', '/v1/leases?address=1.2.3', 400, 'address: found "1.2.3", expected an address such as'],
    ['GET', '/v1/leases?prefix=1.2.3.4', 400, 'prefix: found "1.2.3.4", expected a network such as'],
    ['GET', '/v1/leases?prefix=::/0&address=::1', 400, 'prefix: found it beside address'],
    ['GET', '/v1/leases?watch=yes', 400, 'watch: found "yes", expected 0 or 1'],
    ['GET', '/v1/leases?snapshot=1', 400, 'snapshot: found it without watch=1'],
    ['GET', '/v1/leases?watch=1&watch=1', 400, 'watch: found it more than once'],
    ['GET', '//', 400, 'path: found "//"'],
    ['POST', '/v1/resync', 409, 'there is no journal'],
  ];
  for (const [method, path, status, said] of cases) {
    const answer = await ask(socket, method, path);
    assert.is(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.match(refusal.parse(answer.body).error.message, said);
  }
  assert.is((await ask(socket, 'POST', '/v1/status')).headers.allow, 'GET');
  assert.is((await ask(socket, 'POST', '/v1/resync', 'a body')).status, 413);
});

test('a journal that is not configured is named', async () => {
  const socket = join(temporary(), 'host.sock');
  await stage({ journals: { dhcp4: '/nowhere/a', dhcp6: '/nowhere/b' }, keepers: [], socket });
  const { status, body } = await ask(socket, 'POST', '/v1/resync?source=dhcp5');
  assert.is(status, 404);
  assert.match(refusal.parse(body).error.message, 'source: found "dhcp5", expected one of dhcp4, dhcp6');
});

test('the socket of a dead host is replaced, that of a living one is not', async () => {
  const first = await staged();
  const error = await stage({ journals: {}, keepers: [], socket: first.socket }).then(
    () => undefined,
    (thrown) => thrown,
  );
  assert.is(error?.code, 'CONTROL_BUSY');
  assert.match(error.message, first.socket);
  assert.is((await ask(first.socket, 'GET', '/v1/status')).status, 200, 'the first goes on');
  await first.host.stop();
  // A socket file that nobody listens on: what a killed host leaves.
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${first.socket}.dead`, resolve));
  renameSync(`${first.socket}.dead`, first.socket);
  await new Promise((resolve) => dead.close(resolve));
  assert.ok(existsSync(first.socket));
  await stage({ journals: {}, keepers: [], socket: first.socket });
  assert.is((await ask(first.socket, 'GET', '/v1/status')).status, 200);
});

test('a socket that cannot be made leaves the host running and degraded, until it can', async () => {
  const directory = join(temporary(), 'run');
  const socket = join(directory, 'host.sock');
  writeFileSync(directory, 'in the way');
  const { host, codes } = await stage({ journals: {}, keepers: [], socket });
  const { state, control } = host.health();
  assert.is(state, 'degraded');
  assert.is(control.code, 'CONTROL_SOCKET');
  assert.match(control.reason, socket);
  assert.ok(codes.includes('HOST_STARTED'));
  rmSync(directory);
  await until(() => host.health().state === 'ok', 5000);
  assert.is((await ask(socket, 'GET', '/v1/status')).status, 200);
  await host.stop();
});

test('a file that is no socket is left alone; a socket that was removed comes back', async () => {
  const directory = temporary();
  const socket = join(directory, 'host.sock');
  writeFileSync(socket, 'precious');
  const { host } = await stage({ journals: {}, keepers: [], socket });
  assert.match(host.health().control.reason, 'no socket');
  rmSync(socket);
  await until(() => existsSync(socket), 5000);
  rmSync(socket);
  await until(() => existsSync(socket), 5000);
  assert.is((await ask(socket, 'GET', '/v1/status')).status, 200);
  await host.stop();
});

test('only its own directory is made, and only for its group', async () => {
  const directory = temporary();
  chmodSync(directory, 0o755);
  const made = await stage({ journals: {}, keepers: [], socket: join(directory, 'nnoe', 'host.sock') });
  assert.is(statSync(join(directory, 'nnoe')).mode & 0o777, 0o750);
  await made.host.stop();
  mkdirSync(join(directory, 'a'));
  const deep = await stage({
    journals: {},
    keepers: [],
    socket: join(directory, 'a', 'b', 'c', 'host.sock'),
  });
  assert.is(deep.host.health().control.code, 'CONTROL_SOCKET');
  assert.not.ok(existsSync(join(directory, 'a', 'b')));
  await deep.host.stop();
});

test.run();
