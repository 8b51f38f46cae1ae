// SPDX-License-Identifier: MPL-2.0
// What befalls a host between the store and dnsdist, seen from dnsdist's wire: the store away at the start with tables
// on disk and without, a full disk under the tables, keys that make no sense, a list that is empty.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { Etcd } from '../daemons/lib/etcd.js';
import { Host, type HostOptions } from '../daemons/lib/host.js';
import { Knot } from '../daemons/lib/knot.js';
import { until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';
import { inProcess } from '../lib/cli.js';
import { statusReport } from '../lib/control-shapes.js';

const [guest, staff] = ['127.0.0.2', '127.0.0.3'];
let etcd: Etcd;
let knot: Knot;

test.before(async () => {
  [etcd, knot] = await Promise.all([Etcd.start(), Knot.start()]);
  await put('127.0.0.0/8', '{"roles":["staff"]}');
  await put(guest, '{"roles":["guest"]}');
});
test.after(async () => {
  await Promise.all([knot?.stop(), etcd?.stop()]);
});

const put = (key: string, value: string) => etcd.put(`/nnoe/role-mappings/${key.replace('/', '%2F')}`, value);

/** A list for guests in a file of its own. */
function listed(...names: string[]): { path: string; plugins: NonNullable<HostOptions['plugins']> } {
  const path = join(temporary('lists'), 'ads');
  writeList(path, names);
  const subscribe = [{ lists: ['ads'], roles: ['guest'], action: 'nxdomain' }];
  return { path, plugins: { lists: { list: { ads: { path } }, subscribe, 'check-interval': 1 } } };
}
function writeList(path: string, names: Iterable<string>): void {
  writeFileSync(`${path}.new`, [...names, ''].join('\n'));
  renameSync(`${path}.new`, path);
}

const tablesOf = (host: Host) => join(host.directory, 'tables');
const bridged = (directory: string, fail: 'open' | 'closed') =>
  Dnsdist.start({ server: knot, lua: [bridgeLine({ directory, fail })] });
const rcode = async (dnsdist: Dnsdist, name: string, from = guest) =>
  (await ask(dnsdist, { name, from }))?.rcode;
const becomes = (dnsdist: Dnsdist, name: string, wanted: string, from = guest) =>
  until(`${wanted} for ${name}`, async () => (await rcode(dnsdist, name, from)) === wanted, 20_000, 10);
const status = async (host: Host) =>
  statusReport.parse(
    JSON.parse((await inProcess(['status', '--json'], { NNOE_CONTROL_SOCKET: host.socket })).out),
  );

/** Verdicts of before: guests are held to the list, others are not. */
async function asBefore(dnsdist: Dnsdist): Promise<void> {
  assert.is(await rcode(dnsdist, 'ads.example'), 'NXDOMAIN');
  assert.is(await rcode(dnsdist, 'ads.example', staff), 'NOERROR');
  assert.is(await rcode(dnsdist, 'fine.example'), 'NOERROR');
}

test('the store is away when host and dnsdist start again: verdicts are those of the tables on disk', async () => {
  const { path, plugins } = listed('ads.example');
  const host = await Host.start({ journals: {}, endpoints: etcd.endpoints, plugins });
  let dnsdist = await bridged(tablesOf(host), 'closed');
  await becomes(dnsdist, 'ads.example', 'NXDOMAIN');
  await asBefore(dnsdist);
  await Promise.all([dnsdist.stop(), host.kill(), etcd.killMember(0)]);

  dnsdist = await bridged(tablesOf(host), 'closed');
  await asBefore(dnsdist);
  host.options.startsHealthy = false;
  await host.start();
  await until('the host to miss the store', async () => (await status(host)).store.state !== 'ok');
  await asBefore(dnsdist);
  // Files do not need the store: they go on, for the roles of before.
  writeList(path, ['ads.example', 'new.example']);
  await becomes(dnsdist, 'new.example', 'NXDOMAIN');
  await asBefore(dnsdist);

  etcd.startMember(0);
  await etcd.ready();
  await put(staff, '{"roles":["guest"]}');
  await becomes(dnsdist, 'ads.example', 'NXDOMAIN', staff);
  await etcd.delete(`/nnoe/role-mappings/${staff}`);
  await becomes(dnsdist, 'ads.example', 'NOERROR', staff);
  await Promise.all([dnsdist.stop(), host.stop()]);
});

test('the store is away at the very first start: nothing is published, and `fail` holds until it is there', async () => {
  const { plugins } = listed('ads.example');
  await etcd.killMember(0);
  const host = await Host.start({
    journals: {},
    endpoints: etcd.endpoints,
    plugins,
    startsHealthy: false,
  });
  const [open, closed] = await Promise.all([
    bridged(tablesOf(host), 'open'),
    bridged(tablesOf(host), 'closed'),
  ]);
  const tables = async () => (await status(host)).tables;
  await until('the list to be read', async () =>
    (await host.metrics()).includes('nnoe_lists_names{list="ads"} 1'),
  );
  assert.is((await tables())?.generation, 0);
  assert.is.not((await tables())?.state, 'ok');
  for (const name of ['ads.example', 'fine.example'])
    assert.equal([await rcode(open, name), await rcode(closed, name)], ['NOERROR', 'REFUSED']);
  etcd.startMember(0);
  await etcd.ready();
  for (const dnsdist of [open, closed]) {
    await becomes(dnsdist, 'ads.example', 'NXDOMAIN');
    await asBefore(dnsdist);
  }
  await Promise.all([open.stop(), closed.stop(), host.stop()]);
});

test('the disk under the tables is full: the last generation stays, status says so, and room is used', async () => {
  const { path, plugins } = listed('ads.example');
  const script = 'mkdir -p tables && mount -t tmpfs -o size=1m,mode=755 tmpfs tables && exec "$@"';
  const isRoot = process.getuid?.() === 0;
  const wrapper = ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount', 'sh', '-c', script, 'sh'];
  const host = await Host.start({ journals: {}, endpoints: etcd.endpoints, plugins, wrapper });
  const inside = `/proc/${host.proc?.pid}/root${tablesOf(host)}`;
  const dnsdist = await bridged(inside, 'closed');
  await becomes(dnsdist, 'ads.example', 'NXDOMAIN');
  const filler = join(inside, 'filler');
  mkdirSync(filler);
  try {
    for (let i = 0; ; i++) writeFileSync(join(filler, String(i)), Buffer.alloc(i < 200 ? 4096 : 1));
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
  await put(staff, '{"roles":["guest"]}');
  await until('the tables to be degraded', async () => (await status(host)).tables?.state === 'degraded');
  assert.match((await status(host)).tables?.reason ?? '', /space/i);
  await asBefore(dnsdist);
  writeList(path, ['ads.example', 'new.example']);
  await until('the list to be degraded', async () =>
    /space/i.test((await status(host)).plugins.lists?.reason ?? ''),
  );
  await asBefore(dnsdist);
  rmSync(filler, { recursive: true });
  await becomes(dnsdist, 'ads.example', 'NXDOMAIN', staff);
  await becomes(dnsdist, 'new.example', 'NXDOMAIN');
  await until('all to be well', async () => (await status(host)).tables?.state === 'ok');
  assert.equal(
    readdirSync(inside).filter((name) => /tmp/.test(name)),
    [],
    'nothing half-written stays',
  );
  await etcd.delete(`/nnoe/role-mappings/${staff}`);
  await Promise.all([dnsdist.stop(), host.stop()]);
});

test('keys that make no sense or disagree, and an empty list, are named; the rest decides', async () => {
  const { path, plugins } = listed();
  const wrong: [string, string][] = [
    ['192.0.2.999', '{"roles":["guest"]}'],
    ['192.0.2.1/33', '{"roles":["guest"]}'],
    ['192.0.2.2', 'not JSON'],
    ['192.0.2.3', '{"roles":[7]}'],
    ['2001:db8::1', '{"roles":["guest"]}'],
    ['2001:DB8:0::1', '{"roles":["staff"]}'],
  ];
  for (const [key, value] of wrong) await put(key, value);
  const host = await Host.start({
    journals: {},
    endpoints: etcd.endpoints,
    plugins,
    startsHealthy: false,
  });
  const dnsdist = await bridged(tablesOf(host), 'closed');
  await becomes(dnsdist, 'fine.example', 'NOERROR');
  assert.is(await rcode(dnsdist, 'ads.example'), 'NOERROR', 'on no list yet');
  const { out } = await inProcess(['status'], { NNOE_CONTROL_SOCKET: host.socket });
  assert.match(out, /4 mappings are not used: "192\.0\.2\.1%2F33": found .*, and 1 more/);
  assert.match(out, /keys that disagree: .*2001:db8::1/);
  const report = await status(host);
  assert.is(report.plugins.roles?.state, 'degraded');
  const metrics = await host.metrics();
  assert.match(metrics, /^nnoe_roles_conflicts 1$/m);
  const malformed = [...metrics.matchAll(/^nnoe_roles_malformed\{.*\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  );
  assert.is(
    malformed.reduce((sum, count) => sum + count, 0),
    4,
  );
  writeList(path, ['ads.example']);
  await becomes(dnsdist, 'ads.example', 'NXDOMAIN');
  await asBefore(dnsdist);
  for (const [key] of wrong) await etcd.delete(`/nnoe/role-mappings/${key.replace('/', '%2F')}`);
  await until('all to be well', async () => (await status(host)).plugins.roles?.state === 'ok');
  await Promise.all([dnsdist.stop(), host.stop()]);
});

test.run();
