// SPDX-License-Identifier: MPL-2.0
// Lists in a real host: files of several formats replaced under it, and what operators see and do.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListReport, ListsReport } from '../../src/plugins/lists/report.js';
import { inProcess, nnoe } from '../lib/cli.js';
import { Host } from './lib/host.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const files = temporary('lists');
const file = (name: string) => join(files, name);
/** As a careful downloader does. */
function replaceFile(name: string, text: string | Buffer): void {
  writeFileSync(file(`${name}.new`), text);
  renameSync(file(`${name}.new`), file(name));
}
const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => `0.0.0.0 n${i}.ads.example\n`).join('');

let host: Host;
const socket = () => ({ NNOE_CONTROL_SOCKET: host.socket });

async function report(): Promise<ListsReport> {
  return JSON.parse((await inProcess(['lists', '--json'], socket())).out) as ListsReport;
}
async function list(name: string): Promise<ListReport> {
  const found = (await report()).lists.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}
const has = (name: string, count: number) =>
  until(`${count} names on ${name}`, async () => (await list(name)).names === count, 10_000, 20);

const config = {
  list: {
    ads: { path: file('ads') },
    filter: { path: file('filter') },
    zone: { path: file('zone'), format: 'rpz' },
    local: { path: file('local'), format: 'dnsmasq' },
    good: { path: file('deep/good'), kind: 'allow', format: 'domains' },
  },
  subscribe: [
    { lists: ['ads', 'zone'], roles: ['guest'], action: 'refused' },
    { lists: ['ads', 'filter', 'local', 'good'] },
  ],
  protected: ['corp.example'],
  'check-interval': 1,
};

test.before(async () => {
  replaceFile('ads', `# ads\r\n127.0.0.1 localhost\r\n${rows(1000)}0.0.0.0 192.0.2.1\r\nbroken\r\n`);
  replaceFile(
    'filter',
    '! filter\n||track.example^\n||corp.example^\n@@||good.track.example^\n||bücher.example^\n',
  );
  replaceFile('zone', '$TTL 60\n@ SOA a. b. 1 2 3 4 5\n NS a.\nbad.example CNAME .\n*.bad.example CNAME .\n');
  replaceFile('local', 'address=/x.example/\nserver=/corp.test/10.0.0.1\n');
  host = await Host.start({ journals: {}, plugins: { lists: config }, startsHealthy: false });
});
test.after(async () => {
  await host.stop();
});

test('every format becomes a list; what is bad is counted and named, and the rest counts', async () => {
  await has('ads', 1000);
  await has('filter', 2);
  // The subtree has its own top in it.
  await has('zone', 1);
  await has('local', 1);
  const ads = await list('ads');
  assert.is(ads.format, 'hosts');
  assert.equal(ads.bad, {
    syntax: { rows: 1, lines: [1004] },
    address: { rows: 1, lines: [1003] },
  });
  const filter = await list('filter');
  assert.is(filter.format, 'adblock');
  assert.is(filter.exceptions, 1);
  assert.is(filter.withheld.names, 1);
  assert.match(filter.withheld.first.join(), 'corp.example');
  assert.equal((await list('ads')).subscriptions, [
    { roles: ['guest'], action: 'refused' },
    { roles: [], action: 'nxdomain' },
  ]);
});

test('a table for people: lists, what was left out, and why; a file that is missing is named', async () => {
  const { status, out } = await nnoe(['lists'], socket());
  assert.is(status, 75, out);
  assert.match(out, /^ads +block +ok +1,000 /m);
  assert.match(out, /^filter +block +ok +2, 1 excepted /m);
  assert.match(out, /^good +allow +failed +0 /m);
  assert.match(out, /ads: 1 row not used \(address\), at line 1003/);
  assert.match(out, /filter: left out, because they are protected: .*corp\.example/);
  assert.match(out, /good: .*there is no such file/);
  const health = await host.health();
  assert.match(JSON.stringify(health?.body), /list good: .*there is no such file/);
  assert.is(health?.status, 200);
});

test('a directory that comes later, with its file, is found', async () => {
  mkdirSync(file('deep'));
  replaceFile('deep/good', 'ok.ads.example\n');
  await has('good', 1);
  await until('health', async () => (await inProcess(['lists'], socket())).status === 0, 10_000, 50);
});

test('a file replaced under the host is in force soon; one that shrank is not, until it is accepted', async () => {
  replaceFile('ads', rows(1500));
  await has('ads', 1500);
  replaceFile('ads', rows(100));
  await until('it to be held', async () => (await list('ads')).held !== undefined, 10_000, 20);
  assert.is((await list('ads')).names, 1500);
  const held = await nnoe(['lists'], socket());
  assert.is(held.status, 75);
  assert.match(held.out, /ads: held back: it has 100 names, and had 1500; to take it: nnoe lists accept ads/);
  const reloaded = await nnoe(['lists', 'reload', 'ads'], socket());
  assert.match(reloaded.out, /^ads +block +held +1,500 /m);
  const accepted = await nnoe(['lists', 'accept', 'ads', '--json'], socket());
  assert.is(accepted.status, 0, accepted.err);
  assert.equal(
    (JSON.parse(accepted.out) as ListsReport).lists.map(({ name, names, held: still }) => [
      name,
      names,
      still,
    ]),
    [['ads', 100, undefined]],
  );
  const wrong = await nnoe(['lists', 'accept', 'ad'], socket());
  assert.is(wrong.status, 70);
  assert.match(wrong.err, /list: found "ad", expected one of ads, filter, zone, local, good/);
});

test('what is no list leaves the list as it is', async () => {
  const well = async () => (await inProcess(['lists'], socket())).status === 0;
  for (const [text, reason] of [
    ['', /^it has no names any more, and had 100$/],
    ['<!doctype html>\n<p>502</p>\n', /\/ads is a web page$/],
    [Buffer.from([0x1f, 0x8b, 8, 0]), /\/ads is compressed with gzip$/],
  ] as const) {
    replaceFile('ads', text);
    await until('trouble', async () => !(await well()), 10_000, 20);
    const { names, held, failed } = await list('ads');
    assert.is(names, 100);
    assert.match(held?.reason ?? failed?.reason ?? '', reason);
    replaceFile('ads', rows(100));
    await until('it to be well', well, 10_000, 20);
  }
});

test('a start without the files begins with what there was, and metrics tell', async () => {
  await host.stop();
  rmSync(file('ads'));
  await host.start();
  await until('the file to be missed', async () => (await list('ads')).failed !== undefined, 10_000, 20);
  assert.is((await list('ads')).names, 100);
  replaceFile('ads', rows(3));
  await until('it to be held', async () => (await list('ads')).held !== undefined, 10_000, 20);
  const text = await host.metrics();
  assert.match(text, /^nnoe_lists_names\{list="ads"\} 100$/m);
  assert.match(text, /^nnoe_lists_held\{list="ads"\} 1$/m);
  assert.match(text, /^nnoe_lists_rows_bad_total\{list="local",reason="unsupported"\} 1$/m);
});

test.run();
