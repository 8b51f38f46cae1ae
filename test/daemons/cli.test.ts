// SPDX-License-Identifier: MPL-2.0
// limit: 180 s
// The command line against the whole lease plane: Kea of both families, etcd, one host, run as people run them.
import { stripVTControlCharacters } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { z } from 'zod';
import { inProcess, inShell, nnoe, onTerminal, program } from '../lib/cli.js';
import { leaseLine, resyncLine, shownPlugins, statusReport } from '../lib/control-shapes.js';
import { readLeases } from './lib/history.js';
import { load } from './lib/perfdhcp.js';
import { Plane } from './lib/plane.js';
import { type Proc, start, until } from './lib/process.js';

let plane: Plane;
const socket = () => ({ NNOE_CONTROL_SOCKET: plane.host.socket });

const lines = <T>(text: string, schema: z.ZodType<T>): T[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => schema.parse(JSON.parse(line)));

let runs = 0;
/** A command that goes on, with a log to look into. */
const going = (...args: string[]): Proc =>
  start({
    name: `nnoe${runs++}`,
    command: process.execPath,
    args: [program, ...args],
    directory: plane.host.directory,
    env: socket(),
  });

test.before(async () => {
  plane = await Plane.start({ keas: [{ family: 4 }, { family: 6 }] });
  const mix = { rate: 200, clients: 150, seconds: 1, leases: 'address-and-prefix' as const };
  await Promise.all(plane.keas.map((kea) => load(kea, mix).finished()));
  await plane.drained();
});
test.after(() => plane.stop());

test('status: all is well, told in a table, in colour on a terminal only, and as a document', async () => {
  const { status, out, err } = await nnoe(['status'], socket());
  assert.equal([status, err], [0, ''], out);
  assert.match(out, /^node-a: ok \(nnoe \d/);
  assert.match(out, /^store +ok +etcd at \S+ answers; keys below \/nnoe$/m);
  assert.match(out, /^journal dhcp6 +ok +family 6, \S+ \S+/m);
  assert.match(out, /^plugin leases +ok /m);
  assert.match(out, /^ {2}dhcp4 +current +has everything/m);
  assert.not.match(out, 'What to do');
  const shown = await onTerminal('nnoe status', socket());
  assert.is(shown.status, 0);
  assert.match(shown.out, '\x1b[32mok');
  for (const line of stripVTControlCharacters(shown.out).split('\r\n')) assert.ok(line.length <= 80, line);
  const terminal = { columns: 80 };
  for (const plain of [
    await inProcess(['status', '--no-color'], socket(), terminal),
    await inProcess(['status'], { ...socket(), NO_COLOR: '1' }, terminal),
  ])
    assert.not.match(plain.out, '\x1b[');
  assert.match((await inProcess(['status'], { ...socket(), FORCE_COLOR: '1' })).out, '\x1b[32mok');
  const report = statusReport.parse(JSON.parse((await inProcess(['status', '--json'], socket())).out));
  assert.is(report.plugins.leases?.journals.dhcp4?.lag, 0);
  assert.equal(report.problems, []);
  const byFile = await inProcess(['status', '--config', plane.host.configFile]);
  assert.is(byFile.status, 0);
});

test('leases: exactly what the store holds, as lines, as a table, and by address or network', async () => {
  const stored = { 4: await readLeases(plane.etcd, 4), 6: await readLeases(plane.etcd, 6) };
  const total = stored[4].size + stored[6].size;
  assert.ok(stored[4].size >= 100 && stored[6].size >= 200);
  const all = lines((await inProcess(['leases', '--json'], socket())).out, leaseLine);
  assert.equal(all.at(-1)?.type, 'end');
  const values = all.flatMap((line) => (line.type === 'lease' ? [JSON.stringify(line.lease)] : []));
  const inStore = (await plane.etcd.list('/nnoe/dhcp/leases/')).map(({ value }) => value);
  assert.equal(values.sort(), inStore.sort());
  const table = await inProcess(['leases'], socket());
  assert.is(table.status, 0);
  assert.is(table.out.split('\n').length, total + 2);
  assert.match(table.out, /^ADDRESS +STATE +ENDS +CLIENT +HOSTNAME\n/);
  assert.match(table.out, /^10\.0\.\d+\.\d+ +leased +in [\w ]+? {2,}00:0c:[0-9a-f:]+$/m);
  assert.match(table.out, /^2001:db8:\S+\/64 +leased /m);
  const counted = async (...args: string[]) =>
    (await inProcess(['leases', ...args], socket())).out.split('\n').length - 2;
  assert.is(await counted('-4'), stored[4].size);
  assert.is(await counted('--ipv6'), stored[6].size);
  assert.is(await counted('10.0.0.0/8'), stored[4].size);
  const [key = ''] = stored[4].keys();
  const address = key.split('/').at(-1) ?? '';
  const one = await inProcess(['leases', address], socket());
  assert.equal([one.status, one.out.split('\n').length], [0, 3]);
  const none = await inProcess(['leases', '203.0.113.1'], socket());
  assert.equal([none.status, none.out, none.err], [1, '', 'no lease for 203.0.113.1\n']);
  const absent = await inProcess(['leases', '203.0.113.1', '--json'], socket());
  assert.equal([absent.status, lines(absent.out, leaseLine).at(-1)?.type], [1, 'end']);
});

test('a reader that has seen enough ends the command quietly', async () => {
  const watch = 'nnoe leases --json --watch | head -1; echo "ended with $PIPESTATUS"';
  const { status, out, err } = await inShell(watch, socket());
  assert.equal([status, err], [0, '']);
  assert.match(out, /^\{"type":"lease".*\nended with 0\n$/);
});

test('leases --watch shows changes as they happen, until Ctrl-C', async () => {
  const people = going('leases', '10.0.0.0/8', '--watch');
  const programs = going('leases', '--watch', '--json');
  await programs.waitFor(/"type":"live"/);
  await people.waitFor(/10\.0\.\S+ +leased/);
  // Other clients than before; some of them give their lease back.
  const mix = { rate: 20, clients: 20, seconds: 1, mac: '00:0d:01:02:03:04', releases: 10 };
  await load(plane.kea(4), mix).finished();
  await people.waitFor(/^\d\d:\d\d:\d\d {2}10\.0\.\S+ +assigned +00:0d:\S+ +for \d+ s$/m);
  await people.waitFor(/^\d\d:\d\d:\d\d {2}10\.0\.\S+ +released +00:0d:\S+$/m);
  await programs.waitFor(/"type":"delete"/);
  for (const each of [people, programs]) {
    each.signal('SIGINT');
    assert.equal(await each.ended(5000), { code: 130, signal: null });
  }
  assert.not.match(people.output(), 'gone', 'its end was announced');
  const changes = lines(programs.output(), leaseLine);
  assert.ok(changes.some((line) => line.type === 'put' && line.lease?.operation === 'offer'));
});

test('resync reads everything again, and ends when it is in the store', async () => {
  await plane.drained();
  const [victim] = (await readLeases(plane.etcd, 4)).values();
  if (!victim) throw new Error('no lease in the store');
  await plane.etcd.delete(victim.key);
  const { status, out, err } = await inProcess(['resync'], socket());
  assert.equal([status, err], [0, ''], out);
  assert.match(out, /^dhcp4: complete, \d+ leases in /m);
  assert.match(out, /^dhcp6: complete, \d+ leases in /m);
  await until('the deleted key to come back', async () => (await plane.etcd.get(victim.key)) !== undefined);
  const json = lines((await inProcess(['resync', 'dhcp6', '--json'], socket())).out, resyncLine);
  assert.equal(json.at(-1), { type: 'end', complete: true });
  assert.ok(json.every((line) => line.type === 'end' || (line.type === 'walk' && line.source === 'dhcp6')));
  const asked = await inProcess(['resync', 'dhcp4', '--no-wait'], socket());
  assert.equal([asked.status, asked.out], [0, 'dhcp4: asked for; nnoe status tells how far it is\n']);
  const wrong = await inProcess(['resync', 'dhcp5'], socket());
  assert.equal(
    [wrong.status, wrong.err],
    [
      64,
      'nnoe resync: argument <source>: found "dhcp5", expected one of dhcp4, dhcp6; see nnoe resync --help\n',
    ],
  );
});

test('with Kea away resync says what it waits for, gives up in time, and ends at Ctrl-C', async () => {
  await plane.drained();
  await plane.kea(6).stop();
  const waits = going('resync', 'dhcp6', '--json');
  const shown = await onTerminal('nnoe resync dhcp6 --timeout 2.5', socket());
  assert.is(shown.status, 75);
  const drawn = shown.out
    .split('\r\x1b[K')
    .filter((text) => text.includes('dhcp6: waiting for Kea to begin'));
  assert.ok(drawn.length > 3, 'drawn again and again, in place');
  assert.match(shown.out, 'nnoe: not complete after 2.5 s: dhcp6: waiting for Kea');
  const piped = await inProcess(['resync', 'dhcp6', '--timeout', '1.5'], socket());
  assert.is(piped.status, 75);
  assert.not.match(piped.err, '\x1b');
  waits.signal('SIGINT');
  assert.is((await waits.ended(5000)).code, 130);
  const report = await inProcess(['status'], socket());
  assert.match(report.out, 'waits for a walk by Kea');
  await plane.kea(6).start();
  await until(
    'the walk that stayed owed',
    async () => !(await inProcess(['status'], socket())).out.includes('waits for'),
    60_000,
    100,
  );
});

test('plugins: what each can do, and how it is', async () => {
  const { status, out } = await inProcess(['plugins'], socket());
  assert.is(status, 0);
  assert.match(
    out,
    /^PLUGIN +STABILITY +STATE +CAPABILITIES +SUMMARY\nleases +beta +ok +lease, 5 prefixes, \d+ metrics +Keeps /,
  );
  const detail = await inProcess(['plugins', 'leases'], socket());
  assert.match(detail.out, /^ {2}history-max-age +number +604800 s +History older/m);
  assert.match(detail.out, /^ {2}nnoe_leases_writes_total +counter +/m);
  const json = shownPlugins.parse(JSON.parse((await inProcess(['plugins', '--json'], socket())).out));
  assert.equal([json.running, json.plugins[0]?.status?.state], [true, 'ok']);
  const without = await inProcess(['plugins', '--json', '--config', plane.host.configFile], {
    NNOE_CONTROL_SOCKET: '/nowhere',
  });
  assert.is(shownPlugins.parse(JSON.parse(without.out)).running, false, 'a variable is over the file');
});

test('with etcd away status says so, how far the plugin is behind, and what to do', async () => {
  await plane.etcd.stop();
  await load(plane.kea(4), { rate: 20, clients: 20, seconds: 1, mac: '00:0e:01:02:03:04' }).finished();
  const behind = async () => (await inProcess(['status'], socket())).out;
  await until('the host to notice', async () => /^store +down /m.test(await behind()), 20_000, 200);
  const { status, out } = await inProcess(['status'], socket());
  assert.is(status, 70);
  assert.match(out, /^node-a: failed/);
  assert.match(out, /^ {2}dhcp4 +behind +\d+ records, the oldest of [\d.]+ \w+ ago/m);
  assert.match(out, /\nWhat to do\n {2}store \(STORE_[A-Z_]+\)\n {4}\w/);
  const refused = await inProcess(['leases'], socket());
  assert.is(refused.status, 75);
  assert.match(refused.err, /^nnoe: .*etcd/);
});

test('a host that was killed is told apart from one that was never there; the next takes its socket over', async () => {
  await plane.host.kill();
  const { status, err } = await inProcess(['status'], socket());
  assert.is(status, 69);
  assert.match(err, `nnoe: no host answers on ${plane.host.socket}: nobody listens on it any more`);
  assert.match(err, 'Start it with `nnoe host`');
  const off = await inProcess(['plugins', '--config', plane.host.configFile, '--json']);
  const { running, plugins } = shownPlugins.parse(JSON.parse(off.out));
  assert.equal([off.status, running, plugins[0]?.name, plugins[0]?.enabled], [0, false, 'leases', true]);
  plane.host.spawn();
  await until(
    'the next host',
    async () => (await inProcess(['status'], socket())).status !== 69,
    20_000,
    100,
  );
});

test.run();
