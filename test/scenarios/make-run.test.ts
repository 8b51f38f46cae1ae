// SPDX-License-Identifier: MPL-2.0
// limit: 180 s
// What `make run` does once everything is built: shows real leases, ends when told, and names what died.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tree } from '../daemons/lib/kea.js';
import { type Proc, start, until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';

function plane(env: Record<string, string>): Proc {
  const args = [join(tree, 'dist/tools/run.js')];
  return start({ name: 'run', command: process.execPath, args, directory: temporary('run'), env });
}

/** Process ids from the inventory, by what runs. */
function pids(output: string): Map<string, number> {
  const rows = output.matchAll(/^ {2}(etcd|kea-dhcp[46]|nnoe host) +\S+ +(\d+) +\//gm);
  return new Map([...rows].map((row) => [row[1] ?? '', Number(row[2])]));
}

const runs = (pid: number) => existsSync(`/proc/${pid}`);
/** All parts run; the exchanges begin. */
const ready = /^perfdhcp asks/m;

/** Nothing that was started still runs, and no file of it stays. */
async function nothingLeft(output: string, parts = 3): Promise<void> {
  const all = [...pids(output).values()];
  assert.is(all.length, parts, output);
  await until('every part to be gone', () => !all.some(runs), 3_000);
  const files = /its files are below (\S+)\.\n/.exec(output)?.[1] ?? '';
  assert.ok(files.startsWith('/'), output);
  const mine = existsSync(files) ? readdirSync(files) : [];
  const directories = [...output.matchAll(/\/(nnoe-[^/]+)\//g)].map((match) => match[1] ?? '');
  assert.equal(
    mine.filter((name) => directories.includes(name)),
    [],
  );
}

for (const store of ['embedded', 'etcd'])
  test(`RUN_SECONDS ends it with status 0, after leases of both families were shown (${store})`, async () => {
    const proc = plane({ RUN_SECONDS: '9', ...(store === 'embedded' ? {} : { STORE: store }) });
    const { code } = await proc.ended(60_000);
    const output = proc.output();
    assert.is(code, 0, output);
    assert.match(output, /^\d\d:\d\d:\d\d {2}10\.0\.\d+\.\d+ +assigned +[0-9a-f:]+ +for \d+ s$/m);
    assert.match(output, /^\d\d:\d\d:\d\d {2}2001:db8:\S+ +assigned +[0-9a-f:]+ +for/m);
    assert.match(output, /^\d\d:\d\d:\d\d {2}2001:db8:\S+\/64 +assigned +[0-9a-f:]+ +for/m);
    assert.match(output, /^\d\d:\d\d:\d\d {2}\S+ +released /m);
    assert.match(output, /^\d\d:\d\d:\d\d {2}\S+ +gone$/m);
    assert.is(/^ {2}etcd /m.test(output), store === 'etcd');
    await nothingLeft(output, store === 'etcd' ? 4 : 3);
  });

test('Ctrl-C stops everything, with status 0', async () => {
  const proc = plane({});
  await proc.waitFor(ready, { timeout: 60_000 });
  proc.signal('SIGINT');
  const { code } = await proc.ended(30_000);
  assert.is(code, 0, proc.output());
  await nothingLeft(proc.output());
});

test('a part that dies is named, with the end of its log, and the status is not 0', async () => {
  const proc = plane({});
  await proc.waitFor(ready, { timeout: 60_000 });
  const victim = pids(proc.output()).get('kea-dhcp6');
  assert.ok(victim);
  process.kill(victim, 'SIGKILL');
  const { code } = await proc.ended(30_000);
  assert.is(code, 1);
  assert.match(proc.output(), 'kea-dhcp6 ended: signal SIGKILL');
  assert.match(proc.output(), /--- last of \S+kea-dhcp6\.log ---\n[\s\S]*DHCP6_STARTED/);
  await nothingLeft(proc.output());
});

test('two at a time take other ports', async () => {
  const first = plane({});
  await first.waitFor(ready, { timeout: 60_000 });
  const second = plane({ RUN_SECONDS: '1' });
  assert.is((await second.ended(60_000)).code, 0, second.output());
  first.signal('SIGTERM');
  assert.is((await first.ended(30_000)).code, 0);
  const where = (output: string) =>
    [...output.matchAll(/^ {2}(?:etcd|kea-dhcp[46]|nnoe host) +(\S+)/gm)].map((match) => match[1]);
  assert.is(where(second.output()).length, 3);
  assert.equal(
    where(first.output()).filter((at) => where(second.output()).includes(at)),
    [],
  );
  await nothingLeft(first.output());
});

test('a STORE that there is not is refused', async () => {
  const proc = plane({ STORE: 'memory' });
  assert.is((await proc.ended(10_000)).code, 2);
  assert.match(proc.output(), 'STORE is embedded or etcd, not "memory"');
});

test('a RUN_SECONDS that is no number is refused', async () => {
  const proc = plane({ RUN_SECONDS: 'soon' });
  assert.is((await proc.ended(10_000)).code, 2);
  assert.match(proc.output(), 'not "soon"');
});

test.run();
