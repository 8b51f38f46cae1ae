// SPDX-License-Identifier: MPL-2.0
// Every command with wrong arguments: one line that names the argument, what was found, and what was expected;
// status 64, nothing on standard output.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { names as benchNames } from '../../bench/harness.js';
import { inProcess, nnoe } from '../../test/lib/cli.js';
import { ask } from '../../test/lib/control-client.js';
import { cleanUp, temporary } from '../../test/lib/host-stage.js';
import { hostSchema } from '../host/config.js';
import { defaultSocket } from './configured.js';

test.after(cleanUp);

const commands =
  'one of host, check, status, leases, roles, lists, policies, why, top, store, resync, setup, plugins, config, bench, completion, help';
const address =
  'an address such as 192.0.2.7 or 2001:db8::7, or a network such as 192.0.2.0/24 or 2001:db8::/32';
const cases = benchNames.join(', ');
const asks = ['--socket', '--config', '--json', '--help'];

/** What follows `; see … --help` is the same for all. */
const wrong: [args: string[], said: string][] = [
  [['stauts'], `nnoe: command: found "stauts", expected ${commands}; did you mean status?`],
  [['plugin', '--json'], `nnoe: command: found "plugin", expected ${commands}; did you mean plugins?`],
  [['xyzzy'], `nnoe: command: found "xyzzy", expected ${commands}`],
  [['--jsno'], 'nnoe: option: found "--jsno", expected one of --version, --no-color, --help'],
  [["it's\nme"], `nnoe: command: found "it's\\nme", expected ${commands}`],
  [
    ['host', '--confg', 'x'],
    'nnoe host: option: found "--confg", expected one of --config, --set, --json, --help; did you mean --config?',
  ],
  [['host', 'x'], 'nnoe host: argument: found "x", expected none'],
  [['host', '--config'], 'nnoe host: option --config <file>: found nothing, expected a value'],
  [['check', 'x'], 'nnoe check: argument: found "x", expected none'],
  [['check', '--set'], 'nnoe check: option --set <key=value>: found nothing, expected a value'],
  [
    ['config', 'sow'],
    'nnoe config: command: found "sow", expected one of show, reference, help; did you mean show?',
  ],
  [['config', 'show', 'x'], 'nnoe config show: argument: found "x", expected none'],
  [
    ['config', 'reference', '--format', 'yaml'],
    'nnoe config reference: option --format <format>: found "yaml", expected one of text, toml, schema, markdown',
  ],
  [
    ['config', 'reference', 'store.rot'],
    'nnoe config reference: argument <key>: found "store.rot", expected store.root',
  ],
  [['status', 'x', 'y'], 'nnoe status: argument: found "x" "y", expected none'],
  [['status', '--watch'], `nnoe status: option: found "--watch", expected one of ${asks.join(', ')}`],
  [['status', '--socket'], 'nnoe status: option --socket <path>: found nothing, expected a value'],
  [['status', '--socket', ''], 'nnoe status: option --socket <path>: found "", expected a path'],
  [['leases', '300.1.1.1'], `nnoe leases: argument <address>: found "300.1.1.1", expected ${address}`],
  [['leases', '192.0.2.0/33'], `nnoe leases: argument <address>: found "192.0.2.0/33", expected ${address}`],
  [['leases', 'fe80::1%eth0'], `nnoe leases: argument <address>: found "fe80::1%eth0", expected ${address}`],
  [['leases', ''], `nnoe leases: argument <address>: found "", expected ${address}`],
  [
    ['leases', "a'b is invalid"],
    `nnoe leases: argument <address>: found "a'b is invalid", expected ${address}`,
  ],
  [['leases', '::1', '::2'], 'nnoe leases: argument: found "::2", expected 1 at most'],
  [
    ['leases', '-4', '-6'],
    'nnoe leases: option -4, --ipv4: found -6, --ipv6 beside it, expected one of them',
  ],
  [
    ['leases', '-4', '::1'],
    'nnoe leases: option -4, --ipv4: found an address beside it, expected one of them',
  ],
  [
    ['leases', '--wach'],
    `nnoe leases: option: found "--wach", expected one of --watch, --ipv4, --ipv6, ${asks.join(', ')}; did you mean --watch?`,
  ],
  [['lists', 'x'], 'nnoe lists: argument: found "x", expected none'],
  [
    ['lists', 'accept'],
    'nnoe lists accept: argument <list>: found nothing, expected a list, as the configuration names it',
  ],
  [['lists', 'reload', 'a', 'b'], 'nnoe lists reload: argument: found "b", expected 1 at most'],
  [['policies', 'lnt'], 'nnoe policies: argument: found "lnt", expected none'],
  [
    ['policies', 'lint'],
    'nnoe policies lint: argument <file>: found nothing, expected a policy, or a directory of policies; they are taken as one set',
  ],
  [
    ['policies', 'lint', '/nowhere/a.yaml'],
    'nnoe policies lint: argument <file>: found "/nowhere/a.yaml", expected a file or a directory: there is none',
  ],
  [
    ['policies', 'lint', '/dev/null'],
    'nnoe policies lint: argument <file>: found "/dev/null", expected a file or a directory: it is neither',
  ],
  [
    ['policies', 'lint', '--fix', 'y'],
    'nnoe policies lint: option: found "--fix", expected one of --json, --help',
  ],
  [
    ['resync', '--timeout', 'soon'],
    'nnoe resync: option --timeout <seconds>: found "soon", expected a number of seconds, more than 0 and at most 86400',
  ],
  [
    ['resync', '--timeout', '0'],
    'nnoe resync: option --timeout <seconds>: found "0", expected a number of seconds, more than 0 and at most 86400',
  ],
  [
    ['resync', '--timeout', '1e9'],
    'nnoe resync: option --timeout <seconds>: found "1e9", expected a number of seconds, more than 0 and at most 86400',
  ],
  [['resync', 'dhcp4', 'dhcp6'], 'nnoe resync: argument: found "dhcp6", expected 1 at most'],
  [
    ['setup', 'keas'],
    'nnoe setup: command: found "keas", expected one of kea, dnsdist, help; did you mean kea?',
  ],
  [
    ['setup', 'kea', '--family', '5'],
    'nnoe setup kea: option --family <family>: found "5", expected one of 4, 6',
  ],
  [
    ['setup', 'kea', '--config', 'kea.conf'],
    'nnoe setup kea: option --config <file>: found "kea.conf", expected an absolute path',
  ],
  [
    ['setup', 'kea', '--library', '/x/hook.so'],
    'nnoe setup kea: option --library <file>: found "/x/hook.so", expected an absolute path that ends in /libdhcp_etcd.so',
  ],
  [
    ['setup', 'dnsdist', '--fail', 'safe'],
    'nnoe setup dnsdist: option --fail <how>: found "safe", expected one of open, closed',
  ],
  [
    ['plugins', 'lease'],
    'nnoe plugins: argument <name>: found "lease", expected one of leases, roles, lists, policies, decisions',
  ],
  [
    ['why', '192.0.2.300', 'a.example'],
    'nnoe why: argument <client>: found "192.0.2.300", expected an address such as 192.0.2.7 or 2001:db8::7',
  ],
  [
    ['store', 'put', 'a'],
    'nnoe store put: argument <value>: found nothing, expected the value; `-` reads it from standard input',
  ],
  [
    ['store', 'pit'],
    'nnoe store: command: found "pit", expected one of get, list, put, delete, help; did you mean put?',
  ],
  [['roles', '192.0.2.1', 'b'], 'nnoe roles: argument: found "b", expected 1 at most'],
  [['plugins', 'leases', 'b'], 'nnoe plugins: argument: found "b", expected 1 at most'],
  [['roles', '192.0.2.1', 'x'], 'nnoe roles: argument: found "x", expected 1 at most'],
  [['top', 'domains'], 'nnoe top: argument <what>: found "domains", expected one of names, clients'],
  [['bench', 'nmes'], `nnoe bench: argument [case]: found "nmes", expected one of ${cases}`],
  [
    ['bench', 'names', '--pairs', 'x'],
    'nnoe bench: option --pairs <n>: found "x", expected a whole number below 1000000000',
  ],
  [['bench', '--report', ''], 'nnoe bench: option --report: found nothing, expected a directory'],
  [['completion'], 'nnoe completion: argument <shell>: found nothing, expected one of bash, zsh'],
  [['completion', 'tcsh'], 'nnoe completion: argument <shell>: found "tcsh", expected one of bash, zsh'],
  [['completion', 'bash', 'zsh'], 'nnoe completion: argument: found "zsh", expected 1 at most'],
];

for (const [args, said] of wrong) {
  test(`nnoe ${args.map((each) => JSON.stringify(each)).join(' ')}`, async () => {
    const { status, out, err } = await inProcess(args);
    const command = said.slice(0, said.indexOf(':'));
    assert.is(err, `${said}; see ${command} --help\n`);
    assert.is(out, '');
    assert.is(status, 64);
  });
}

test('every command has its wrong arguments above', () => {
  const covered = new Set(wrong.map(([args]) => args[0]));
  for (const name of commands.replace('one of ', '').split(', '))
    assert.ok(covered.has(name) || name === 'help', name);
});

test('as a process: the line on standard error, and the status', async () => {
  const { status, out, err } = await nnoe(['stauts']);
  assert.equal([status, out], [64, '']);
  assert.match(err, /^nnoe: command: found "stauts", .*\n$/);
});

test('nnoe alone shows help, and --version the version', async () => {
  const [alone, asked, version] = [await nnoe([]), await nnoe(['--help']), await nnoe(['--version'])];
  assert.is(alone.status, 0);
  assert.match(alone.out, /^Usage: nnoe /);
  assert.is(alone.out, asked.out);
  assert.equal([version.status, /^\d+\.\d+\.\d+\n$/.test(version.out)], [0, true]);
  assert.is((await inProcess(['help', 'leases'])).out, (await inProcess(['leases', '--help'])).out);
});

test('without a host every command that asks it says so and how to start it, with status 69', async () => {
  const socket = join(temporary(), 'host.sock');
  for (const args of [['status'], ['leases'], ['leases', '-w'], ['resync'], ['plugins']]) {
    const { status, out, err } = await inProcess([...args, '--socket', socket]);
    assert.equal([status, out], [69, ''], args.join(' '));
    const [first, ...help] = err.split('\n');
    assert.is(first, `nnoe: no host answers on ${socket}: there is no such socket`);
    assert.match(help.join(' '), 'Start it with `nnoe host`');
    const json = await inProcess([...args, '--json', '--socket', socket]);
    assert.equal([json.status, json.out], [69, '']);
    assert.is((JSON.parse(json.err) as { error: { code: string } }).error.code, 'CONTROL_UNREACHABLE');
  }
});

test('the socket is that of --socket, else of NNOE_CONTROL_SOCKET, else of --config', async () => {
  const directory = temporary();
  const config = join(directory, 'nnoe.toml');
  writeFileSync(config, 'control.socket = "/configured.sock"\n[not]\nchecked = "here"\n');
  const NNOE_CONTROL_SOCKET = '/env.sock';
  const asked = async (args: string[], env = {}) =>
    /answers on (\S+):/.exec((await inProcess(['status', ...args], env)).err)?.[1];
  assert.is(
    await asked(['--socket', '/given.sock', '--config', config], { NNOE_CONTROL_SOCKET }),
    '/given.sock',
  );
  assert.is(await asked(['--config', config], { NNOE_CONTROL_SOCKET }), '/env.sock');
  assert.is(await asked(['--config', config]), '/configured.sock');
  assert.is(defaultSocket, hostSchema.parse({}).control.socket);
});

test('a configuration that cannot be read is refused with 78', async () => {
  const directory = temporary();
  const config = join(directory, 'nnoe.toml');
  const absent = await inProcess(['status', '--config', config]);
  assert.is(absent.status, 78);
  assert.match(absent.err, `nnoe: cannot read the configuration ${config}`);
  writeFileSync(config, 'control = [');
  assert.is((await inProcess(['status', '--config', config])).status, 78);
  writeFileSync(config, 'control.socket = ""');
  const none = await inProcess(['status', '--config', config]);
  assert.is(none.status, 69);
  assert.match(none.err, '[control] socket is empty');
  writeFileSync(config, 'nde = "a"');
  assert.is(
    (await inProcess(['plugins', '--config', config])).status,
    78,
    'plugins are known from all of it',
  );
});

test('what answers but is no host is refused', async () => {
  const { createServer } = await import('node:http');
  const directory = temporary();
  const serve = async (body: string, status = 200) => {
    const socket = join(directory, `${Math.random().toString(36).slice(2)}.sock`);
    const server = createServer((_, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    assert.is((await ask(socket, 'GET', '/')).status, status);
    const ran = await inProcess(['status', '--socket', socket]);
    server.close();
    return ran;
  };
  for (const ran of [await serve('<html>'), await serve('[', 500), await serve('{}', 500)]) {
    assert.is(ran.status, 70);
    assert.match(ran.err, 'cannot be read');
  }
});

test.run();
