// SPDX-License-Identifier: MPL-2.0
// `nnoe setup` on the configurations that Debian ships, with the checkers that it ships; and servers that run by what
// it wrote.
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SetupReport } from '../../src/cli/setup/report.js';
import { inProcess, nnoe } from '../lib/cli.js';
import { ask } from './lib/dns.js';
import { bridgeDirectory, bridgeLibrary, dnsdistVersion } from './lib/dnsdist.js';
import { hookLibrary, Kea, serverProgram } from './lib/kea.js';
import { freePort } from './lib/ports.js';
import { accepts, run, start, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const script = join(bridgeDirectory, 'nnoe.lua');
const isRoot = process.getuid?.() === 0;

/** Debian 12 to 14 ship this, and keep it from everybody but root and dnsdist. */
const dnsdistConf = `-- dnsdist configuration file, an example can be found in /usr/share/doc/dnsdist/examples/

-- disable security status polling via DNS
setSecurityPollSuffix("")

`;

/** What nobody may read is asked for as tools/setup.sh installed it: with sudo. */
function contents(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return file.endsWith('/dnsdist.conf') ? dnsdistConf : run('sudo', ['-n', 'cat', file]);
  }
}

/** A copy of what a package ships, closed to others and, where we may, somebody else's. */
function shipped(file: string): string {
  const copy = join(temporary('setup'), file.split('/').at(-1) as string);
  writeFileSync(copy, contents(file), 'latin1');
  chmodSync(copy, 0o640);
  if (isRoot) chownSync(copy, 0, 5);
  return copy;
}

const read = (file: string) => readFileSync(file, 'latin1');
const beside = (file: string) => readdirSync(dirname(file)).sort();

function sameOwnerAndMode(file: string, other: string): void {
  const [one, two] = [file, other].map((each) => statSync(each));
  for (const key of ['uid', 'gid', 'mode'] as const) assert.is(one?.[key], two?.[key], key);
}

async function setup(words: string[], env: Record<string, string> = {}) {
  const own = { ...process.env, NNOE_CONFIG: '/nonexistent/nnoe.toml', ...env };
  const { status, out, err } = await inProcess(['setup', ...words, '--json'], own);
  return { status, err, report: (out === '' ? undefined : JSON.parse(out)) as SetupReport | undefined };
}

/** Through its whole life, from the file as it was and back to it. */
async function goesInAndOut(
  file: string,
  words: string[],
  env: Record<string, string>,
  said: RegExp,
): Promise<void> {
  const before = read(file);
  const reference = shipped(file);
  const shown = await setup(words, env);
  assert.is(shown.status, 0, shown.err);
  assert.match(shown.report?.files[0]?.diff ?? '', said);
  assert.is(shown.report?.check?.accepted, true);
  assert.is(shown.report?.applied, false);
  assert.is(read(file), before, 'only shown');

  const applied = await setup([...words, '--apply'], env);
  assert.is(applied.status, 0, applied.err);
  assert.is(applied.report?.applied, true);
  const backup = applied.report?.files[0]?.backup ?? '';
  assert.is(backup, `${file}.before-nnoe`);
  assert.is(read(backup), before);
  const after = read(file);
  assert.match(after, said);
  for (const each of [file, backup]) sameOwnerAndMode(each, reference);

  const again = await setup([...words, '--apply'], env);
  assert.equal([again.status, again.report?.files, again.report?.applied], [0, [], false]);
  assert.match(again.report?.state ?? '', /nothing to change/);
  assert.is(read(file), after);

  const removed = await setup([...words, '--remove', '--apply'], env);
  assert.is(removed.status, 0, removed.err);
  assert.is(read(file), before, 'byte for byte');
  assert.equal([removed.report?.files[0]?.backup, removed.report?.files[0]?.spent], [undefined, [backup]]);
  assert.equal(beside(file), [file.split('/').at(-1)], 'nothing is left');
}

for (const family of [4, 6] as const)
  test(`kea-dhcp${family}: Debian's file, its checker, and back`, async () => {
    const file = shipped(`/etc/kea/kea-dhcp${family}.conf`);
    const journal = join(temporary('journal'), 'dhcp');
    const words = ['kea', '--family', String(family), '--config', file, '--library', hookLibrary];
    words.push('--journal-directory', journal, '--program', serverProgram(family, temporary('program')));
    const env = { KEA_HOOKS_PATH: dirname(hookLibrary) };
    await goesInAndOut(file, words, env, /"journal-directory": /);
    const { report } = await setup(words, env);
    const section = report?.todo.find(({ subject }) => subject === 'nnoe.toml');
    assert.equal(section?.lines, [
      `[journal.dhcp${family}]`,
      `directory = "${journal}"`,
      `family = ${family}`,
    ]);
    assert.ok(report?.todo.some(({ lines }) => lines?.[0] === `systemctl restart kea-dhcp${family}-server`));
  });

test('a Kea runs by what was written, and the journal is known when nnoe.toml has it', async () => {
  const kea = await Kea.create({ family: 4, hook: false });
  const library = join(kea.at.hooks, 'libdhcp_etcd.so');
  const config = join(temporary('nnoe'), 'nnoe.toml');
  writeFileSync(config, `[journal.dhcp4]\ndirectory = ${JSON.stringify(kea.at.journal)}\nfamily = 4\n`);
  const words = ['kea', '--config', kea.configFile, '--library', library, '--host-config', config, '--apply'];
  words.push('--program', serverProgram(4, kea.at.directory));
  const { status, report, err } = await setup(words, kea.environment());
  assert.is(status, 0, err);
  assert.not.ok(report?.todo.some(({ subject }) => subject === 'nnoe.toml'));
  await kea.start();
  const answer = await kea.command('nnoe-status');
  assert.is((answer.journal as Record<string, unknown>).directory ?? kea.at.journal, kea.at.journal);
  assert.ok(statSync(kea.at.journal).isDirectory());
  await kea.stop();
});

test('what somebody changed since stays in a backup when it is taken out', async () => {
  const file = shipped('/etc/dnsdist/dnsdist.conf');
  const words = ['dnsdist', '--config', file, '--script', script, '--library', bridgeLibrary, '--apply'];
  assert.is((await setup(words)).status, 0);
  const changed = `${read(file)}setServerPolicy(firstAvailable)\n`;
  writeFileSync(file, changed, 'latin1');
  const { status, report } = await setup([...words, '--remove']);
  assert.is(status, 0);
  assert.equal([report?.files[0]?.backup, report?.files[0]?.spent], [`${file}.before-nnoe.2`, undefined]);
  assert.is(read(`${file}.before-nnoe.2`), changed);
});

test('what the checker refuses is not applied, and told in its words; what it refused before, too', async () => {
  const file = shipped('/etc/kea/kea-dhcp4.conf');
  const library = join(temporary('hooks'), 'libdhcp_etcd.so');
  writeFileSync(library, 'no ELF');
  const program = ['--program', serverProgram(4, temporary('program'))];
  const words = ['kea', '--config', file, '--library', library, '--apply', ...program];
  const env = { KEA_HOOKS_PATH: dirname(library) };
  const before = read(file);
  const { status, err, report } = await setup(words, env);
  assert.is(status, 78);
  assert.equal(
    [report?.check?.accepted, report?.check?.acceptedBefore, report?.applied],
    [false, true, false],
  );
  assert.match(err, /SETUP_REFUSED/);
  assert.match(err, /kea-dhcp4\.conf with this change: .*libdhcp_etcd\.so/);
  assert.not.match(err, /nnoe-setup-/, 'by the name of the file, not of the copy');
  assert.is(read(file), before);
  writeFileSync(file, before.replace('"valid-lifetime": 3600', '"valid-lifetime": "long"'));
  const worse = await setup(words, env);
  assert.is(worse.report?.check?.acceptedBefore, false);
  assert.match(worse.err, /with this change, and without it too: /);
  assert.equal(beside(file), ['kea-dhcp4.conf'], 'nothing is left');
});

test('who changes the file meanwhile keeps that change', async () => {
  const file = shipped('/etc/kea/kea-dhcp4.conf');
  const program = join(temporary('program'), 'slow');
  writeFileSync(program, `#!/bin/sh\necho '// by somebody else' >> ${file}\n`, { mode: 0o755 });
  const { status, err } = await setup([
    'kea',
    '--config',
    file,
    '--library',
    hookLibrary,
    '--program',
    program,
    '--apply',
  ]);
  assert.is(status, 75);
  assert.match(err, /SETUP_CHANGED/);
  assert.match(read(file), /by somebody else\n$/);
  assert.not.match(read(file), /libdhcp_etcd/);
  assert.equal(beside(file), ['kea-dhcp4.conf']);
});

test('no such file, no such program, no such option', async () => {
  const absent = await setup(['kea', '--config', '/nonexistent/kea.conf']);
  assert.is(absent.status, 78);
  assert.match(absent.err, /SETUP_FILE.*\/nonexistent\/kea\.conf: ENOENT/);
  const file = shipped('/etc/kea/kea-dhcp4.conf');
  const words = ['kea', '--config', file];
  const program = await setup([...words, '--program', '/nonexistent/kea', '--apply']);
  assert.is(program.status, 78);
  assert.match(program.err, /SETUP_CHECKER.*\/nonexistent\/kea/);
  assert.equal(beside(file), ['kea-dhcp4.conf']);
  const relative = await setup([...words, '--journal-directory', 'nnoe']);
  assert.is(relative.status, 64);
  assert.match(relative.err, /--journal-directory.*found "nnoe", expected an absolute path/);
  assert.is((await setup(['kea', '--family', '5'])).status, 64);
});

test('dnsdist: Debian’s file, its checker, and back; a dnsdist that runs by it does what fail says', async () => {
  const file = shipped('/etc/dnsdist/dnsdist.conf');
  const directory = join(temporary('tables'), 'tables');
  mkdirSync(directory);
  const words = [
    'dnsdist',
    '--config',
    file,
    '--script',
    script,
    '--library',
    bridgeLibrary,
    '--fail',
    'closed',
  ];
  words.push('--tables-directory', directory, '--decisions', temporary('decisions'));
  await goesInAndOut(file, words, {}, /dofile\(.*nnoe\.lua"\)\(\{ directory = .*, fail = "closed"/);
  assert.is((await setup([...words, '--apply'])).status, 0);
  const port = await freePort();
  const args = ['--supervised', '--disable-syslog', '-C', file, '-l', `127.0.0.1:${port}`];
  const proc = start({ name: 'dnsdist', command: 'dnsdist', args, directory: temporary('run') });
  await until('dnsdist to listen', () => accepts(port));
  const reply = await ask({ address: '127.0.0.1', port }, { name: 'a.example' });
  assert.is(reply?.rcode, 'REFUSED');
  await proc.stop();
});

test('dnsdist: what is not there is told; what it refuses is not applied', async () => {
  const file = shipped('/etc/dnsdist/dnsdist.conf');
  const library = '/nonexistent/libnnoe_dnsdist.so';
  const words = ['dnsdist', '--config', file, '--library', library];
  const without = await setup([...words, '--script', script]);
  assert.is(without.status, 0, without.err);
  assert.match(without.report?.todo.find(({ subject }) => subject === 'library')?.text ?? '', /is not there/);
  const refused = await setup([...words, '--script', '/nonexistent/nnoe.lua', '--apply']);
  assert.is(refused.status, 78);
  assert.match(refused.err, /refuses .*dnsdist\.conf.*\/nonexistent\/nnoe\.lua/);
  assert.equal(beside(file), ['dnsdist.conf']);
});

test('YAML: both files go in and out where dnsdist reads it; elsewhere its checker refuses them', async () => {
  const file = join(temporary('yaml'), 'dnsdist.yml');
  const lua = file.replace('.yml', '.lua');
  writeFileSync(file, '# of the site\nbinds:\n  - listen_address: "127.0.0.1:5300"\n', { mode: 0o640 });
  const words = ['dnsdist', '--config', file, '--script', script, '--library', bridgeLibrary];
  words.push('--tables-directory', '/nonexistent/tables');
  const { status, report, err } = await setup([...words, '--apply']);
  assert.equal(
    report?.files.map(({ path }) => path),
    [file, lua],
  );
  if (dnsdistVersion()[0] < 2) {
    assert.is(status, 78);
    assert.match(err, /SETUP_REFUSED/);
    assert.equal(beside(file), ['dnsdist.yml']);
    return;
  }
  assert.is(status, 0, err);
  sameOwnerAndMode(lua, file);
  assert.match(read(lua), /^-- NNOE.*\ndofile\(/);
  assert.is((await setup([...words, '--apply'])).report?.applied, false);
  assert.is((await setup([...words, '--remove', '--apply'])).status, 0);
  assert.match(read(file), /^# of the site\nbinds:\n.*\n$/);
  assert.not.ok(beside(file).includes('dnsdist.lua'));
});

test('for people: the diff, the verdict of the checker, and what is left to do', async () => {
  const file = shipped('/etc/dnsdist/dnsdist.conf');
  const words = ['setup', 'dnsdist', '--config', file, '--script', script, '--library', bridgeLibrary];
  const { status, out } = await nnoe(words, { NNOE_CONFIG: '/nonexistent/nnoe.toml' });
  assert.is(status, 0);
  for (const said of [
    /^--- .*dnsdist\.conf\n\+\+\+ .*dnsdist\.conf\n@@ /,
    /^\+dofile\(/m,
    /^accepted by dnsdist --check-config -C .*dnsdist\.conf$/m,
    /^nothing is changed yet: --apply does it$/m,
    /What else has to be done\n(.|\n)*systemctl restart dnsdist/,
  ])
    assert.match(out, said);
});

test.run();
