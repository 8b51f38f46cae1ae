// SPDX-License-Identifier: MPL-2.0
// limit: 300 s
// What `make run` does once everything is built: shows real leases, ends when told, and names what died.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlClient } from '../../src/cli/client.js';
import { routes, type StatusReport } from '../../src/host/control/api.js';
import { tree } from '../daemons/lib/kea.js';
import { type Proc, start, until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';

function plane(env: Record<string, string>): Proc {
  const args = [join(tree, 'dist/tools/run.js')];
  return start({ name: 'run', command: process.execPath, args, directory: temporary('run'), env });
}

/** Process ids from the inventory, by what runs. */
function pids(output: string): Map<string, number> {
  const rows = output.matchAll(/^ {2}(etcd|kea-dhcp[46]|knotd|dnsdist|nnoe host) +\S+ +(\d+) +\//gm);
  return new Map([...rows].map((row) => [row[1] ?? '', Number(row[2])]));
}

const runs = (pid: number) => existsSync(`/proc/${pid}`);
/** All parts run; the exchanges begin. */
const ready = /^perfdhcp asks/m;

/** Nothing that was started still runs, and no file of it stays. */
async function nothingLeft(output: string, parts = 5): Promise<void> {
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

/** Leases of both families, and what became of them. */
function showsLeases(output: string): void {
  assert.match(output, /^\d\d:\d\d:\d\d {2}10\.0\.\d+\.\d+ +assigned +[0-9a-f:]+ +for \d+ s$/m);
  assert.match(output, /^\d\d:\d\d:\d\d {2}2001:db8:\S+ +assigned +[0-9a-f:]+ +for/m);
  assert.match(output, /^\d\d:\d\d:\d\d {2}2001:db8:\S+\/64 +assigned +[0-9a-f:]+ +for/m);
  assert.match(output, /^\d\d:\d\d:\d\d {2}\S+ +released /m);
  assert.match(output, /^\d\d:\d\d:\d\d {2}\S+ +gone$/m);
}

/** What several clients got, and that one change was seen. */
function showsVerdicts(output: string): void {
  for (const line of [
    /^ {2}127\.0\.0\.2 +kids +www\.example A +NOERROR 198\.51\.100\.1 /m,
    /^ {2}127\.0\.0\.2 +kids +ads\.example A +NXDOMAIN +list ads$/m,
    /^ {2}127\.0\.0\.3 +staff +ads\.example A +NOERROR 198\.51\.100\.1 /m,
    /^ {2}127\.0\.0\.2 +kids +chess\.games\.example A +NOERROR 127\.0\.0\.80 /m,
    /^ {2}127\.0\.1\.9 +kids +b\S+cher-werbung\.example A +NXDOMAIN +list ads$/m,
    /^ {2}127\.0\.0\.9 +default +malware\.example A +NOERROR 127\.0\.0\.80 +list threats$/m,
    /: \d+ ms later dnsdist kept 127\.0\.0\.3 from ads\.example;/,
  ])
    assert.match(output, line);
}

test('RUN_SECONDS ends it with status 0, after leases of both families were shown', async () => {
  const proc = plane({ RUN_SECONDS: '1' });
  const { code } = await proc.ended(60_000);
  const output = proc.output();
  assert.is(code, 0, output);
  showsLeases(output);
  showsVerdicts(output);
  assert.not.match(output, /etcd/);
  await nothingLeft(output);
});

/** What is suggested, by what it is for. */
const suggested = (output: string): Map<string, string> =>
  new Map([...output.matchAll(/^ {2}# (.+)\n {2}(.+)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']));

/** What perfdhcp ends with when an exchange was under way at its end. */
const unfinished = 3;

/** Runs a command line as typed. @param forEver it goes on until Ctrl-C, which comes when it says what is expected. */
async function says(command: string, expected: RegExp, forEver = false): Promise<void> {
  const directory = temporary('typed');
  const typed = start({ name: 'typed', command: 'sh', args: ['-c', `exec ${command}`], directory });
  if (forEver) await typed.waitFor(expected);
  if (forEver) typed.signal('SIGINT');
  const { code, signal } = await typed.ended(30_000);
  assert.match(typed.output(), expected, `${command}:\n${typed.output()}`);
  const statuses = forEver ? [130] : command.startsWith('perfdhcp') ? [0, unfinished] : [0];
  assert.ok(statuses.includes(code ?? -1), `${command}: ${code ?? signal}\n${typed.output()}`);
}

test('with etcd, every command that is suggested works', async () => {
  const proc = plane({ STORE: 'etcd' });
  await proc.waitFor(/^Ctrl-C stops everything/m, { timeout: 60_000 });
  const output = proc.output();
  showsLeases(output);
  const left = suggested(output);
  const typed = async (what: string, expected: RegExp, forEver?: boolean) => {
    const command = left.get(what);
    assert.ok(command, `${what} is not among ${[...left.keys()].join(', ')}`);
    left.delete(what);
    await says(command, expected, forEver);
  };
  const client = new ControlClient(/--socket (\S+)/.exec(left.get('leases as they change') ?? '')?.[1] ?? '');
  const watched = typed('leases as they change', /^\d\d:\d\d:\d\d {2}10\.0\.\S+ +assigned /m, true);
  // Beside the one of what runs here.
  const streams = async () => (await client.get<StatusReport>(routes.status)).control.streams;
  await until('the watch to be open', async () => (await streams()) >= 2, 15_000);
  await Promise.all([
    typed('500 clients, 100 new ones a second', /received packets: [1-9]/),
    typed('the same for v6, each with an address and a prefix', /received packets: [1-9]/),
    watched,
  ]);
  await typed('a name that kids are kept from', /status: NXDOMAIN/);
  await says(left.get('the same for staff') ?? '', /status: NOERROR/);
  await typed('why that is so', /decided by +block list ads/);
  await typed('staff become kids at once', /127\.0\.0\.3 has 18 bytes/);
  await typed('the same for staff', /status: NXDOMAIN/);
  await typed('the roles that clients have', /kids/);
  await typed('the lists, and what is on them', /ads/);
  await typed('the leases in the store', /^10\.0\.\d+\.\d+ +leased +in /m);
  await typed('the leases as etcd holds them', /^\/nnoe\/dhcp\/leases\/10\.0\.\d+\.\d+\n\{"ip":"10\.0\./m);
  await typed('everything that happened to them', /^\/nnoe\/dhcp\/history\//m);
  await typed('what is connected, who is behind, what is wrong', /etcd/);
  await typed('the journal, as the hook sees it', /"head": *\d+/);
  await typed("have Kea's lease database read again", /dhcp4[\s\S]*dhcp6/);
  await typed('state, with reasons, and metrics', /"status":"ok"|"state":"ok"/);
  assert.equal([...left], []);
  proc.signal('SIGINT');
  assert.is((await proc.ended(30_000)).code, 0, proc.output());
  await nothingLeft(output, 6);
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
  const second = plane({});
  await second.waitFor(ready, { timeout: 60_000 });
  for (const each of [first, second]) each.signal('SIGTERM');
  for (const each of [first, second]) assert.is((await each.ended(30_000)).code, 0, each.output());
  const where = (output: string) =>
    [...output.matchAll(/^ {2}(?:etcd|kea-dhcp[46]|knotd|dnsdist|nnoe host) +(\S+)/gm)].map(
      (match) => match[1],
    );
  assert.is(where(second.output()).length, 5);
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
