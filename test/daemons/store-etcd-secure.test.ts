// SPDX-License-Identifier: MPL-2.0
// etcd with TLS, client certificates, users and roles, by gRPC and by the gateway: what works, and what is said when
// it does not.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type EtcdOptions, etcdStore, gatewayStore } from '../../src/host/store/etcd.js';
import type { Store } from '../../src/host/store/store.js';
import { followed } from '../lib/conformance.js';
import { Etcd } from './lib/etcd.js';
import { freePorts } from './lib/ports.js';
import { run, sleep, start, until, waitPort } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const directory = temporary('pki');
const file = (name: string) => join(directory, name);
const openssl = (...args: string[]) => run('openssl', args);

function authority(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...subject,
    '-keyout',
    file(`${name}.key`),
    '-out',
    file(`${name}.pem`),
  );
}

/** A certificate of `ca`, valid from now for `days`; negative: it has expired. */
function certificate(name: string, ca: string, days: number, extension = ''): void {
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    file(`${name}.key`),
    '-out',
    file(`${name}.csr`),
  );
  const stamp = (at: number) =>
    new Date(at)
      .toISOString()
      .replace(/[-:T]/g, '')
      .replace(/\.\d+Z/, 'Z');
  const from = Date.now() - 3 * 86_400_000;
  const to = Date.now() + days * 86_400_000;
  writeFileSync(file('ext'), `extendedKeyUsage=serverAuth,clientAuth\n${extension}`);
  // `openssl ca` is the one that takes both dates.
  const database = file(`${ca}.db`);
  if (!existsSync(database)) {
    writeFileSync(database, '');
    writeFileSync(`${database}.attr`, 'unique_subject = no\n');
    mkdirSync(file(`${ca}.d`));
    writeFileSync(
      file(`${ca}.cnf`),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${database}\nnew_certs_dir=${file(`${ca}.d`)}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`,
    );
  }
  openssl(
    'ca',
    '-batch',
    '-notext',
    '-config',
    file(`${ca}.cnf`),
    '-cert',
    file(`${ca}.pem`),
    '-keyfile',
    file(`${ca}.key`),
    '-in',
    file(`${name}.csr`),
    '-out',
    file(`${name}.pem`),
    '-extfile',
    file('ext'),
    '-startdate',
    stamp(from),
    '-enddate',
    stamp(to),
  );
}

authority('ca');
authority('stranger');
certificate('server', 'ca', 1, 'subjectAltName=IP:127.0.0.1\n');
certificate('client', 'ca', 1);
certificate('expired', 'ca', -1);
certificate('foreign', 'stranger', 1);

const [port = 0, peerPort = 0] = await freePorts(2);
const secure = start({
  name: 'secure',
  command: 'etcd',
  directory: temporary('secure'),
  args: [
    ...['--data-dir', 'data', '--logger', 'zap', '--log-level', 'error', '--name', 'secure'],
    ...[
      '--listen-client-urls',
      `https://127.0.0.1:${port}`,
      '--advertise-client-urls',
      `https://127.0.0.1:${port}`,
    ],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
    ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peerPort}`],
    ...['--initial-cluster', `secure=http://127.0.0.1:${peerPort}`],
    ...['--cert-file', file('server.pem'), '--key-file', file('server.key')],
    ...['--client-cert-auth', '--trusted-ca-file', file('ca.pem')],
  ],
});
await waitPort(port);

const opened: Store[] = [];
type Make = (options: Partial<EtcdOptions>) => Store;
const make =
  (open: (options: EtcdOptions) => Store): Make =>
  (options) => {
    const endpoints = [`https://127.0.0.1:${port}`];
    const made = open({ endpoints, connectTimeout: 2, requestTimeout: 2, ...options });
    opened.push(made);
    return made;
  };
const kinds = { etcd: make(etcdStore), 'etcd-gateway': make(gatewayStore) };
const files = (name: string, ca = 'ca') => ({
  ca: file(`${ca}.pem`),
  cert: file(`${name}.pem`),
  key: file(`${name}.key`),
});

function on(what: string, body: (store: Make) => Promise<void>): void {
  for (const [kind, store] of Object.entries(kinds)) test(`${kind}: ${what}`, () => body(store));
}

on('TLS with a client certificate', async (store) => {
  const good = store({ tls: files('client') });
  const seen = followed(good, '/tls/');
  assert.ok((await good.commit({ operations: [{ put: '/tls/k', value: 'v' }] })).committed);
  await seen.becomes({ '/tls/k': 'v' });
  await good.close();
});

const faults: [string, EtcdOptions['tls'], RegExp][] = [
  ['an expired client certificate', files('expired'), /expired/],
  ['a server that the authority does not know', files('client', 'stranger'), /certificate|signature/],
  ['a certificate that is not there', { ...files('client'), cert: file('none.pem') }, /none\.pem/],
];
for (const [what, tls, reason] of faults)
  on(`${what} is named, and waited out`, async (store) => {
    const bad = store({ tls });
    const stop = new AbortController();
    const ready = bad.ready(stop.signal).catch(() => 'aborted');
    await until('trouble', () => bad.health().state === 'down');
    assert.match(bad.health().reason, reason);
    assert.is(bad.health().code, 'STORE_CERTIFICATE');
    stop.abort();
    assert.is(await ready, 'aborted');
    await bad.close();
  });

on('a client certificate of another authority does not get in', async (store) => {
  const bad = store({ tls: files('foreign') });
  const ready = bad.ready().catch(() => 'closed');
  await until('trouble', () => bad.health().state === 'down');
  await bad.close();
  assert.is(await ready, 'closed');
});

on('a renewed certificate is used without a restart', async (store) => {
  certificate('renewed', 'ca', -1);
  const late = store({ tls: files('renewed') });
  const ready = late.ready();
  await until('the expiry in health', () => late.health().code === 'STORE_CERTIFICATE');
  certificate('renewed', 'ca', 1);
  await ready;
  assert.is(late.health().state, 'ok');
  await late.close();
});

/** An etcd whose user `host` has the keys below /nnoe/. */
async function guarded(...args: string[]): Promise<Etcd> {
  // A password is to cost an attacker time, not this test.
  const etcd = await Etcd.start({ args: ['--bcrypt-cost=4', ...args] });
  const encode = (text: string) => Buffer.from(text).toString('base64');
  await etcd.call('auth/user/add', { name: 'root', password: 'r' });
  await etcd.call('auth/role/add', { name: 'root' });
  await etcd.call('auth/user/grant', { user: 'root', role: 'root' });
  await etcd.call('auth/role/add', { name: 'nnoe' });
  const range = { key: encode('/nnoe/'), range_end: encode('/nnoe0') };
  await etcd.call('auth/role/grant', { name: 'nnoe', perm: { permType: 'READWRITE', ...range } });
  await etcd.call('auth/user/add', { name: 'host', password: 'secret' });
  await etcd.call('auth/user/grant', { user: 'host', role: 'nnoe' });
  await etcd.call('auth/enable', {});
  return etcd;
}

on('users and roles: a wrong password, a key out of reach, tokens that are forgotten', async (store) => {
  const etcd = await guarded();

  let password = 'wrong';
  const host = store({ endpoints: etcd.endpoints, user: 'host', password: () => password });
  const ready = host.ready();
  await until('the refusal', () => host.health().code === 'STORE_AUTH_FAILED');
  password = 'secret';
  await ready;
  assert.is(host.health().state, 'ok');
  const seen = followed(host, '/nnoe/');
  await host.commit({ operations: [{ put: '/nnoe/a', value: '1' }] });
  await seen.becomes({ '/nnoe/a': '1' });

  const stop = new AbortController();
  const denied = host
    .commit({ operations: [{ put: '/other', value: 'x' }] }, stop.signal)
    .catch(() => 'aborted');
  await until('the denial', () => host.health().code === 'STORE_DENIED');
  stop.abort();
  assert.is(await denied, 'aborted');
  await host.commit({ operations: [{ put: '/nnoe/a', value: '2' }] });
  assert.is(host.health().state, 'ok');

  await etcd.killMember(0);
  etcd.startMember(0);
  assert.ok((await host.commit({ operations: [{ put: '/nnoe/b', value: '3' }] })).committed);
  await seen.becomes({ '/nnoe/a': '2', '/nnoe/b': '3' });
  assert.equal(seen.errors, []);

  const nobody = store({ endpoints: etcd.endpoints });
  const never = nobody.ready().catch(() => 'closed');
  await until('no login', () => nobody.health().code === 'STORE_AUTH_FAILED');
  await nobody.close();
  assert.is(await never, 'closed');
  await host.close();
  await etcd.stop();
});

async function outlivesTokens(store: Make): Promise<void> {
  const etcd = await guarded('--auth-token-ttl=1');
  const host = store({ endpoints: etcd.endpoints, user: 'host', password: () => 'secret' });
  await host.ready();
  const seen = followed(host, '/nnoe/');
  await until('the snapshot', () => seen.snapshots > 0);
  const expected: Record<string, string> = {};
  for (let round = 0; round < 2; round++) {
    // Each use extends it, so it has to be left alone.
    await sleep(2_500);
    const states = new Set<string>();
    const look = setInterval(() => states.add(`${host.health().state} ${host.health().code ?? ''}`), 1);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        expected[`/nnoe/${i}`] = String(round);
        return host.commit({ operations: [{ put: `/nnoe/${i}`, value: String(round) }] });
      }),
    );
    clearInterval(look);
    assert.equal([...states], ['ok ']);
  }
  await seen.becomes(expected);
  assert.is(seen.snapshots, 1);
  await host.close();
  await etcd.stop();
}

test('a token that has expired is renewed, without a word in health', async () => {
  // Both at the same time: it is mostly waiting.
  await Promise.all(Object.values(kinds).map(outlivesTokens));
});

test.after(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await secure.kill();
  await sleep(0);
});

test.run();
