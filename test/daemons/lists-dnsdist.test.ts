// SPDX-License-Identifier: MPL-2.0
// From a file, or a key in etcd, to what a real dnsdist answers: lists of a host as clients meet them.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nnoe } from '../lib/cli.js';
import { ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { Knot } from './lib/knot.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const files = temporary('lists');
function replaceFile(name: string, text: string): string {
  const path = join(files, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

let etcd: Etcd;
let host: Host;
let knot: Knot;
let dnsdist: Dnsdist;

async function answer(name: string | Buffer): Promise<string | undefined> {
  return (await ask(dnsdist, { name }))?.rcode;
}
const answers = (name: string | Buffer, rcode: string) =>
  until(`${rcode} for ${name}`, async () => (await answer(name)) === rcode, 10_000, 5);
const threat = (domain: string) => JSON.stringify({ domain, source: 'misp', severity: 'high' });
const socket = () => ({ NNOE_CONTROL_SOCKET: host.socket });

test.before(async () => {
  [etcd, knot] = await Promise.all([Etcd.start(), Knot.start()]);
  const ads = replaceFile(
    'ads',
    '||ads.example^\n@@||good.ads.example^\n||bücher.example^\n||own.example^\n',
  );
  const own = replaceFile('own', 'www.own.example\n');
  const zone = replaceFile(
    'zone',
    '$ORIGIN rpz.test.\n@ SOA a. b. 1 2 3 4 5\nsome\\046name.example CNAME .\n',
  );
  await etcd.put('/nnoe/threats/domains/evil.example', threat('evil.example'));
  const lists = {
    list: {
      own: { path: own, kind: 'allow' },
      ads: { path: ads },
      zone: { path: zone, format: 'rpz' },
      threats: { threats: true },
    },
    subscribe: [{ lists: ['threats'], action: 'refused' }, { lists: ['own', 'ads', 'zone'] }],
    protected: ['bank.example'],
  };
  host = await Host.start({ journals: {}, endpoints: etcd.endpoints, plugins: { lists } });
  const directory = join(host.directory, 'tables');
  dnsdist = await Dnsdist.start({ server: knot, lua: [bridgeLine({ directory })] });
});
test.after(async () => {
  await dnsdist?.stop();
  await host?.stop();
  await Promise.all([knot?.stop(), etcd?.stop()]);
});

test('what is listed is answered as subscribed, with exceptions and allow lists above it', async () => {
  await answers('ads.example', 'NXDOMAIN');
  await answers('evil.example', 'REFUSED');
  for (const [name, rcode] of [
    ['x.ADS.eXample', 'NXDOMAIN'],
    ['good.ads.example', 'NOERROR'],
    ['very.good.ads.example', 'NOERROR'],
    ['xn--bcher-kva.example', 'NXDOMAIN'],
    ['own.example', 'NXDOMAIN'],
    ['www.own.example', 'NOERROR'],
    ['mail.www.own.example', 'NXDOMAIN'],
    ['cdn.evil.example', 'REFUSED'],
    [Buffer.from('\x09some.name\x07example\0', 'latin1'), 'NXDOMAIN'],
    ['some.name.example', 'NOERROR'],
    ['other.example', 'NOERROR'],
  ] as const)
    assert.is(await answer(name), rcode, String(name));
});

test('a file that is replaced, and a key that is put or deleted, change the answers', async () => {
  replaceFile('ads', '||other.example^\n||ads.example^\n');
  await answers('other.example', 'NXDOMAIN');
  assert.is(await answer('good.ads.example'), 'NXDOMAIN');
  assert.is(await answer('own.example'), 'NOERROR');
  await etcd.put('/nnoe/threats/domains/new.example', threat('new.example'));
  await answers('a.new.example', 'REFUSED');
  await etcd.delete('/nnoe/threats/domains/new.example');
  await answers('a.new.example', 'NOERROR');
});

test('a protected name stays reachable whatever the lists say; a broken file changes nothing', async () => {
  await etcd.put('/nnoe/threats/domains/bank.example', threat('bank.example'));
  replaceFile('ads', '||ads.example^\n||bank.example^\n||example^\n||later.example^\n');
  await answers('later.example', 'NXDOMAIN');
  assert.is(await answer('bank.example'), 'NOERROR');
  assert.match(
    (await nnoe(['lists'], socket())).out,
    /ads: left out, because they are protected: .*bank\.example/,
  );
  replaceFile('ads', '');
  await until('it to be held', async () => (await nnoe(['lists'], socket())).status === 75, 10_000, 50);
  assert.is(await answer('later.example'), 'NXDOMAIN');
  assert.is((await nnoe(['lists', 'accept', 'ads'], socket())).status, 0);
  await answers('later.example', 'NOERROR');
});

test('without the host the lists go on', async () => {
  await host.kill();
  assert.is(await answer('evil.example'), 'REFUSED');
  assert.is(await answer('own.example'), 'NOERROR');
});

test.run();
