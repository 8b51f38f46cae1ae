// SPDX-License-Identifier: MPL-2.0
// Role mappings in etcd, a host that publishes them, and `nnoe roles`, also while the store is away and after a kill.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientReport, RolesReport } from '../../src/host/control/api.js';
import { inProcess } from '../lib/cli.js';
import { statusReport } from '../lib/control-shapes.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { until } from './lib/process.js';

let etcd: Etcd;
let host: Host;

const socket = () => ({ NNOE_CONTROL_SOCKET: host.socket });
const put = (key: string, value: string) => etcd.put(`/nnoe/role-mappings/${key}`, value);
const asked = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await inProcess(['roles', ...args, '--json'], socket())).out) as T;
const rolesOf = async (client: string) => (await asked<ClientReport>(client)).roles;
const status = async () =>
  statusReport.parse(JSON.parse((await inProcess(['status', '--json'], socket())).out));
const tables = () => join(host.directory, 'tables');

test.before(async () => {
  etcd = await Etcd.start();
  await put('192.0.2.0/24', '{"roles":["staff"]}');
  await put('192.0.2.7', '{"roles":["iot","printer"]}');
  await put('2001:db8::%2F32', '{"role":"six"}');
  host = await Host.start({ journals: {}, endpoints: etcd.endpoints });
});
test.after(async () => {
  await host.stop();
  await etcd.stop();
});

test('clients have the roles that the store gives them, and `nnoe roles` says why', async () => {
  await until('the mappings to be published', async () => (await status()).tables?.state === 'ok');
  assert.equal(await rolesOf('192.0.2.7'), ['iot', 'printer']);
  const { mapping } = await asked<ClientReport>('192.0.2.8');
  assert.is(mapping, '192.0.2.0/24');
  assert.equal(await rolesOf('2001:db8::7'), ['six']);
  assert.equal(await rolesOf('198.51.100.1'), ['default']);
  const { sets } = await asked<RolesReport>();
  assert.equal(sets.map(({ roles, mappings }) => `${roles.join('+')} ${mappings}`).sort(), [
    'default 0',
    'iot+printer 1',
    'six 1',
    'staff 1',
  ]);
  const { out } = await inProcess(['roles', '192.0.2.7'], socket());
  assert.match(out, /^192\.0\.2\.7 has iot, printer \(set \d+\): the mapping of 192\.0\.2\.7\n$/);
  const list = await inProcess(['roles'], socket());
  assert.match(list.out, /^SET +MAPPINGS +ROLES\n0 +no mapping +default\n/);
  const bad = await inProcess(['roles', 'printer'], socket());
  assert.is.not(bad.status, 0);
  assert.match(bad.err, 'client: found "printer", expected an address such as');
  assert.match((await inProcess(['status'], socket())).out, /^tables +ok +generation \d+, /m);
});

test('a change takes effect, and a mapping that is none is named while the others work', async () => {
  await put('192.0.2.8', '{"roles":["guest"]}');
  await put('192.0.2.999', '{"roles":["guest"]}');
  await until('the change', async () => (await rolesOf('192.0.2.8')).includes('guest'));
  await until('the bad key to be named', async () => (await status()).plugins.roles?.state === 'degraded');
  assert.match(
    (await status()).plugins.roles?.reason ?? '',
    '"192.0.2.999": found "192.0.2.999", expected an IPv4',
  );
  assert.match(await host.metrics(), /^nnoe_roles_malformed\{reason="address"\} 1$/m);
  assert.match(await host.metrics(), /^nnoe_tables_bytes\{section="hosts"\} \d+$/m);
});

test('killed and started without the store, the host leaves what was published as it is', async () => {
  const { generation } = await asked<RolesReport>();
  await host.kill();
  const files = readdirSync(tables()).sort();
  await etcd.killMember(0);
  host.options.startsHealthy = false;
  await host.start();
  const report = await status();
  assert.is(report.store.state === 'ok', false);
  assert.ok((report.tables?.generation ?? 0) >= generation);
  assert.equal(
    files.filter((name) => name.startsWith('hosts-0')),
    readdirSync(tables()).filter((name) => name.startsWith('hosts-0')),
  );
  etcd.startMember(0);
  await etcd.ready();
  await put('192.0.2.9', '{"roles":["late"]}');
  await until('what came meanwhile', async () => (await rolesOf('192.0.2.9')).includes('late'), 20_000);
  assert.equal(await rolesOf('192.0.2.7'), ['iot', 'printer']);
});

test.run();
