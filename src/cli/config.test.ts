// SPDX-License-Identifier: MPL-2.0
// `nnoe config` and `nnoe check` as processes: what they print, and with which status they end.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tree } from '../../test/lib/tree.js';

const directory = mkdtempSync(join(tmpdir(), 'nnoe-cli-'));
const file = join(directory, 'nnoe.toml');
test.after(() => rmSync(directory, { recursive: true }));

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Without what the environment of the test says of the configuration. */
function nnoe(args: string[], environment: Record<string, string> = {}): Ran {
  const program = join(tree, 'dist/src/cli/nnoe.js');
  const { CREDENTIALS_DIRECTORY: _, NNOE_CONFIG: __, ...env } = process.env;
  return spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { ...env, ...environment },
    timeout: 30_000,
  });
}

function configure(text: string): string[] {
  writeFileSync(file, text);
  return ['--config', file];
}

interface Finding {
  state: string;
  subject: string;
  message: string;
  help: string;
}

const findings = (ran: Ran) => (JSON.parse(ran.stdout) as { findings: Finding[] }).findings;

test('config show prints TOML with origins, and the same for programs', () => {
  const named = configure('node = "a"\n[log]\nlevel = "warn"\n');
  const shown = nnoe(['config', 'show', ...named, '--set', 'stop.deadline=3'], { NNOE_HTTP_LISTEN: '' });
  assert.is(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, new RegExp(`^node = "a" +# ${file}:1:8$`, 'm'));
  assert.match(shown.stdout, /^\[http\]\nlisten = "" +# NNOE_HTTP_LISTEN$/m);
  assert.match(shown.stdout, /^deadline = 3 +# --set stop\.deadline$/m);
  assert.match(shown.stdout, /^\[plugins\.leases\]\nenabled = true +# default$/m);
  const { stdout } = nnoe(['config', 'show', ...named, '--json']);
  const rows = JSON.parse(stdout) as { key: string; value: unknown; from: string }[];
  assert.equal(
    rows.find(({ key }) => key === 'log.level'),
    { key: 'log.level', value: 'warn', from: `${file}:3:9` },
  );
});

test('config show of what is refused prints every fault on standard error, 78; NNOE_CONFIG names the file', () => {
  configure('node = 1\nlog.level = 2\n');
  const { status, stdout, stderr } = nnoe(['config', 'show'], { NNOE_CONFIG: file });
  assert.is(status, 78);
  assert.is(stdout, '');
  assert.match(stderr, `${file}:1:8: node: `);
  assert.match(stderr, `${file}:2:13: log.level: `);
});

test('config reference explains a key or a section, in each format', () => {
  const named = configure('');
  const key = nnoe(['config', 'reference', 'store.root', ...named]);
  assert.is(key.status, 0);
  assert.match(key.stdout, /^store\.root\n {4}Above every key/m);
  assert.not.match(key.stdout, 'store.user');
  const toml = nnoe(['config', 'reference', 'journal.dhcp4', '--format', 'toml', ...named]).stdout;
  assert.match(toml, '# [journal.dhcp4]');
  assert.not.match(toml, 'store');
  const schema = nnoe(['config', 'reference', '--format', 'schema', ...named]).stdout;
  assert.is((JSON.parse(schema) as { title: string }).title, 'nnoe.toml');
  const json = nnoe(['config', 'reference', 'stop', '--json', ...named]).stdout;
  assert.equal(
    (JSON.parse(json) as Record<string, unknown>[]).map(({ key: name, unit, default: value }) => [
      name,
      unit,
      value,
    ]),
    [['stop.deadline', 's', 10]],
  );
});

test('config reference of what there is not is refused with 64; faults do not keep it from explaining', () => {
  const { status, stderr } = nnoe(['config', 'reference', 'store.rot', ...configure('node = 1')]);
  assert.match(stderr, 'the configuration has faults');
  assert.is(status, 64);
  assert.match(stderr, 'argument <key>: found "store.rot", expected store.root');
});

test('config reference knows the plugins that the configuration names', () => {
  const code = `import { z } from 'zod';
    export default { api: 1, name: 'own', stability: 'experimental', summary: 'S.', consumes: {}, prefixes: {}, metrics: {},
      config: z.object({ site: z.string().default('x').meta({ description: 'The site.' }) }), setup: () => ({}) };`;
  writeFileSync(join(directory, 'own.mjs'), code);
  const named = configure('[plugins.own]\npackage = "./own.mjs"\n');
  assert.match(
    nnoe(['config', 'reference', 'plugins.own', ...named]).stdout,
    'plugins.own.site\n    The site.',
  );
  const checked = findings(nnoe(['check', '--json', ...named]));
  const plugin = checked.find(({ subject }) => subject === 'plugin own');
  assert.match(plugin?.message ?? '', join(directory, 'own.mjs'));
});

test('check finds nothing wrong: 0', () => {
  const journal = join(directory, 'journal');
  const cursors = join(journal, 'cursors');
  mkdirSync(cursors, { recursive: true });
  const ran = nnoe(['check', ...configure(`[journal.dhcp4]\nfamily = 4\ndirectory = "${journal}"\n`)]);
  assert.is(ran.status, 0, ran.stdout);
  assert.match(ran.stdout, `ok     configuration: ${file} is valid`);
  assert.match(ran.stdout, `ok     ${file}:3:13: journal.dhcp4.directory: ${cursors} is there`);
  assert.match(ran.stdout, 'ok     native addon: loads');
  assert.match(ran.stdout, 'ok     plugin leases: enabled');
  assert.match(ran.stdout, '0 faults, 0 notes, checked as user ');
});

test('check tells every fault of the text, and of the addon: 78', () => {
  const named = configure('node = 1\nlog.level = "loud"\n');
  const ran = nnoe(['check', '--json', ...named], { NNOE_NATIVE: join(directory, 'absent.node') });
  assert.is(ran.status, 78);
  assert.equal(
    findings(ran).map(({ state, subject }) => [state, subject]),
    [
      ['fault', `${file}:1:8`],
      ['fault', `${file}:2:13`],
      ['fault', 'native addon'],
    ],
  );
});

test('check looks at what is named, with the place and what to do', () => {
  const at = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const password = at('password', 'open to all\n');
  chmodSync(password, 0o644);
  const named = configure(`[store]
user = "u"
password-file = "${password}"
[store.tls]
ca = "${join(directory, 'absent.pem')}"
cert = "${at('cert.pem', 'no certificate')}"
key = "${at('key.pem', '')}"
[journal.dhcp4]
directory = "${join(directory, 'not-yet')}"
family = 4
[journal.dhcp6]
directory = "${password}"
family = 6
`);
  const ran = nnoe(['check', '--json', ...named]);
  assert.is(ran.status, 78);
  const found = findings(ran).filter(({ state }) => state !== 'ok');
  const expected: [state: string, line: number, words: string][] = [
    ['note', 9, 'is not there yet'],
    ['fault', 12, 'is no directory'],
    ['note', 3, 'anybody on this machine can read'],
    ['fault', 5, 'cannot read'],
    ['fault', 6, 'holds no certificate'],
    ['fault', 7, 'is empty'],
  ];
  assert.is(found.length, expected.length, ran.stdout);
  for (const [i, [state, line, words]] of expected.entries()) {
    const { state: got, subject = '', message = '', help = '' } = found[i] ?? {};
    assert.is(got, state, message);
    assert.match(subject, `${file}:${line}:`);
    assert.match(message, words);
    assert.ok(help.length > 10, message);
  }
});

test('check says of the store’s directory whether the host can make it', () => {
  const look = (text: string) => {
    const found = findings(nnoe(['check', '--json', ...configure(text)]));
    return found.find(({ subject }) => subject.endsWith('store.directory'));
  };
  const below = join(directory, 'var/lib/nnoe');
  assert.equal(look(`store.directory = "${below}"`)?.message, `${below} is made when the host starts`);
  const taken = join(directory, 'taken');
  writeFileSync(taken, '');
  const fault = look(`store.directory = "${taken}/store"`);
  assert.equal([fault?.state, fault?.message], ['fault', `${taken} is no directory`]);
  const remote = look(`store = { kind = "etcd", directory = "${taken}" }`);
  assert.equal([remote?.state, remote?.message], ['note', `${taken} is no directory`]);
});

test('a credential is read from the directory of systemd, and only there', () => {
  const named = configure('[store]\nkind = "etcd"\nuser = "u"\npassword-file = "credential:etcd"\n');
  const credential = (environment: Record<string, string>) =>
    findings(nnoe(['check', '--json', ...named], environment)).find(({ subject }) =>
      /password-file/.test(subject),
    );
  assert.is(credential({ CREDENTIALS_DIRECTORY: directory })?.state, 'fault');
  writeFileSync(join(directory, 'etcd'), 'x\n', { mode: 0o600 });
  assert.is(credential({ CREDENTIALS_DIRECTORY: directory })?.state, 'ok');
  const host = nnoe(['host', ...named, '--set', 'http.listen=']);
  assert.is(host.status, 78, 'a host without it does not start');
  assert.match(host.stdout, 'CREDENTIAL_ABSENT');
});

test('a secret is in no output', () => {
  const secret = 'hunter2hunter2';
  const path = join(directory, 'secret');
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  const named = configure(`[store]\nuser = "u"\npassword-file = "${path}"\n`);
  const wrong = ['--set', `store.password=${secret}`, '--set', 'store.user='];
  const commands = [
    ['config', 'show'],
    ['check', '--json'],
    ['check', ...wrong],
    ['host', ...wrong],
  ];
  for (const args of commands) {
    const environment = args.includes('--set') ? { NNOE_PASSWORD: secret } : {};
    const { stdout, stderr } = nnoe([...args, ...named], environment);
    assert.ok(stdout.length + stderr.length > 20);
    assert.not.match(stdout + stderr, secret, args.join(' '));
  }
});

test.run();
