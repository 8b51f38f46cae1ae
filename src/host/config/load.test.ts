// SPDX-License-Identifier: MPL-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exitCode } from '../errors.js';
import { ConfigError, faultLine } from './faults.js';
import { loadConfig, parseConfig } from './load.js';
import { samplePlugin as plugin } from './test-support.js';

const directory = mkdtempSync(join(tmpdir(), 'nnoe-config-'));
test.after(() => rmSync(directory, { recursive: true }));

/** The faults of a text, one a line, as an operator reads them; the file is called x. */
function faults(text: string): string[] {
  try {
    parseConfig(text, [plugin], 'x');
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(faultLine);
    throw error;
  }
  return [];
}

test('an empty file gives every default', () => {
  const config = parseConfig('', [plugin]);
  assert.is(config.node, hostname());
  assert.is(config.log.level, 'info');
  assert.is(config.store.root, '/nnoe');
  assert.equal(config.store.endpoints, ['http://127.0.0.1:2379']);
  assert.is(config.http.listen, '127.0.0.1:9090');
  assert.is(config.stop.deadline, 10);
  assert.equal(config.plugins, { sample: { enabled: true, config: { window: 2, mode: 'a' } } });
});

test('a full file is read', () => {
  const config = parseConfig(
    `node = "ns1"
    log.level = "debug"
    http.listen = "[::1]:0"
    [journal.dhcp4]
    directory = "/var/lib/nnoe/dhcp4"
    family = 4
    [journal.dhcp6]
    directory = "/var/lib/nnoe/dhcp6"
    family = 6
    [store]
    endpoints = ["https://a:2379", "https://b:2379"]
    user = "nnoe"
    password-file = "/etc/nnoe/password"
    tls = { ca = "credential:ca" }
    [plugins.sample]
    enabled = false
    window = 99
    `,
    [plugin],
  );
  assert.equal(Object.keys(config.journal), ['dhcp4', 'dhcp6']);
  assert.is(config.journal.dhcp6?.family, 6);
  assert.is(config.store.tls?.ca, 'credential:ca');
  assert.is(config.plugins.sample?.enabled, false, 'what is switched off is not checked');
});

const journal = (name: string, more: string) => `[journal.${name}]\n${more}`;

/** A file, and every line that is reported of it. */
const kinds: [kind: string, text: string, ...expected: string[]][] = [
  ['value that is missing', 'node =\n', 'x:1:7: not TOML: unspecified values are invalid'],
  [
    'text without quotes',
    '[log]\nlevel = debug\n',
    'x:2:9: not TOML: unexpected character (texts stand in quotes)',
  ],
  ['text that does not end', 'node = "dhcp-a\n', 'x:1:15: not TOML: unterminated string constant'],
  [
    'list that does not end',
    '[store]\nendpoints = ["http://a:1"\n[http]\nlisten = ""\n',
    'x:3:1: not TOML: expected comma (,) token, in what begins in line 2',
  ],
  ['section header that does not end', '[store\nroot = "/x"\n', 'x:1:7: not TOML: unterminated table-key'],
  ['no equals sign', 'node "a"\n', 'x:1:6: not TOML: expected equal (=) token'],
  ['bad escape', 'node = "\\q"\n', 'x:1:10: not TOML: invalid character in escape sequence'],
  ['key twice', '[http]\nlisten = ""\nlisten = ""\n', 'x:3:1: listen is there twice'],
  ['section twice', '[http]\nlisten = ""\n[http]\nlisten = ""\n', 'x:3:2: http is there twice'],
  [
    'several that are no TOML',
    'node =\nfoo\n',
    'x:1:7: not TOML: unspecified values are invalid',
    'x:2:4: not TOML: expected equal (=) token',
  ],
  ['unknown section', '[stroe]\nroot = "/x"\n', 'x:1:1: stroe: unknown key; did you mean store?'],
  [
    'unknown key',
    '[store]\n  request-timout = 3\n',
    'x:2:3: store.request-timout: unknown key; did you mean request-timeout?',
  ],
  [
    'unknown key that is near nothing',
    '[log]\ncolour = true\n',
    'x:2:1: log.colour: unknown key; known here: level',
  ],
  ['key of another section', '[log]\nlisten = ""\n', 'x:2:1: log.listen: unknown key; it belongs in [http]'],
  [
    'text instead of number',
    '[stop]\ndeadline = "10 s"\n',
    'x:2:12: stop.deadline: found "10 s", expected a number',
  ],
  [
    'number instead of text',
    'http.listen = 80\n',
    'x:1:15: http.listen: found 80, expected a text in quotes',
  ],
  ['value instead of section', 'log = "debug"\n', 'x:1:7: log: found "debug", expected a section'],
  [
    'text instead of list',
    '[store]\nendpoints = "http://a:1"\n',
    'x:2:13: store.endpoints: found "http://a:1", expected a list in brackets',
  ],
  [
    'too small, with range and unit',
    '[store]\nconnect-timeout = -1\n',
    'x:2:19: store.connect-timeout: found -1, expected 0.1 to 300 s',
  ],
  ['too large', '[stop]\ndeadline = 1e9\n', 'x:2:12: stop.deadline: found 1000000000, expected 0.1 to 600 s'],
  ['no number', '[stop]\ndeadline = nan\n', 'x:2:12: stop.deadline: found NaN, expected a number'],
  ['empty text', 'node = ""\n', 'x:1:8: node: found "", expected 1 to 253 characters'],
  [
    'empty list',
    '[store]\nendpoints = []\n',
    'x:2:13: store.endpoints: found [], expected at least 1 of them: a URL such as https://etcd1.example:2379, without user and password',
  ],
  [
    'wrong element of a list',
    '[store]\nendpoints = [\n  "http://a:1",\n  "b:2379",\n]\n',
    'x:4:3: store.endpoints[1]: found "b:2379", expected a URL such as https://etcd1.example:2379, without user and password',
  ],
  [
    'none of the choices',
    '[log]\nlevel = "loud"\n',
    'x:2:9: log.level: found "loud", expected one of "trace", "debug", "info", "warn", "error"',
  ],
  [
    'none of the numbers',
    journal('dhcp4', 'directory = "/j"\nfamily = 5\n'),
    'x:3:10: journal.dhcp4.family: found 5, expected one of 4, 6',
  ],
  [
    'not of the pattern',
    '[store]\nroot = "nnoe/"\n',
    'x:2:8: store.root: found "nnoe/", expected a path such as /nnoe, without a slash at its end',
  ],
  [
    'relative path',
    journal('a', 'directory = "j"\nfamily = 4\n'),
    'x:2:13: journal.a.directory: found "j", expected an absolute path',
  ],
  [
    'required key',
    '\n[journal.dhcp4]\nfamily = 4\n',
    'x:2:1: journal.dhcp4.directory: found nothing, expected a text in quotes',
  ],
  [
    'name of a section',
    journal('DHCP', 'directory = "j"\nfamily = 4\n'),
    'x:1:1: journal.DHCP: found that name, expected a name of a-z, 0-9 and -, as dhcp4',
    'x:2:13: journal.DHCP.directory: found "j", expected an absolute path',
  ],
  [
    'one directory for two journals',
    `${journal('a', 'directory = "/j"\nfamily = 4\n')}${journal('b', 'directory = "/j/"\nfamily = 6\n')}`,
    'x:5:13: journal.b.directory: found "/j/", expected a directory of its own (journal.a has this one)',
  ],
  [
    'user without password',
    '[store]\nuser = "u"\n',
    'x:2:8: store.user: found "u", expected password-file beside it',
  ],
  [
    'certificate without key',
    '[store.tls]\ncert = "/c"\n',
    'x:2:8: store.tls.cert: found "/c", expected cert and key together',
  ],
  [
    'unknown plugin',
    '[plugins.sampel]\nwindow = 1\n',
    'x:1:1: plugins.sampel: no such plugin; did you mean sample? One that is not of this release needs package = "..."',
  ],
  [
    'key of a plugin',
    '[plugins.sample]\nwindow = 9\n',
    'x:2:10: plugins.sample.window: found 9, expected 1 to 8 batches',
  ],
  [
    'unknown key of a plugin',
    '[plugins.sample]\nmood = "a"\n',
    'x:2:1: plugins.sample.mood: unknown key; did you mean mode?',
  ],
  [
    'enabled that is no boolean',
    'plugins.sample.enabled = "no"\n',
    'x:1:26: plugins.sample.enabled: found "no", expected true or false',
  ],
  [
    'array of sections',
    '[[http]]\nlisten = ""\n',
    'x:1:1: http: found a list of sections or lists, expected a section',
  ],
  ['date', 'node = 2026-01-01\n', 'x:1:8: node: found a date, expected a text in quotes'],
  [
    'number of more than 64 bits',
    'stop.deadline = 9223372036854775808\n',
    'x:1:17: a whole number of more than 64 bits',
    'x:1:17: stop.deadline: found 9223372036854776000, expected 0.1 to 600 s',
  ],
  ['name that reaches prototypes', '[__proto__]\na = 1\n', 'x:1:2: __proto__ is no name for a key'],
];

for (const [kind, text, ...expected] of kinds)
  test(`refused: ${kind}`, () => {
    assert.equal(faults(text), expected);
    assert.ok(kinds.length >= 20);
  });

test('many faults are reported at once, in the order of the file', () => {
  const text = `colour = "red"
log.level = "loud"
http.listen = 80
[journal.DHCP]
family = 5
[store]
user = "u"
endpoints = []
root =
request-timout = 3
connect-timeout = 1
connect-timeout = 2
[stop]
deadline = "soon
[plugins.sample]
window = 9
mode = "c"
size = 1
[plugins.other]
`;
  assert.equal(
    faults(text).map((line) => line.split(' ', 2).join(' ')),
    [
      'x:1:1: colour:',
      'x:2:13: log.level:',
      'x:3:15: http.listen:',
      'x:4:1: journal.DHCP:',
      'x:5:10: journal.DHCP.family:',
      'x:7:8: store.user:',
      'x:8:13: store.endpoints:',
      'x:9:7: not',
      'x:10:1: store.request-timout:',
      'x:12:1: connect-timeout',
      'x:14:17: not',
      'x:16:10: plugins.sample.window:',
      'x:17:8: plugins.sample.mode:',
      'x:18:1: plugins.sample.size:',
      'x:19:1: plugins.other:',
    ],
  );
});

test('a fault in the syntax raises no false alarm about what it hides', () => {
  // The directory may well stand in the line that cannot be read; so may the password.
  assert.equal(faults('[journal.a]\nfamily = 4\ndirectory = /j\n').length, 1);
  assert.equal(faults('[stroe\nroot = 5\n[http]\nlisten = 4\n').length, 2, 'what follows is read');
  assert.equal(faults('[stop]\ndeadline = 1e9\n[http]\nlisten = """\n').length, 2, 'and what comes before');
});

test('thousands of faults in the syntax are cut short', () => {
  const many = faults('? \n'.repeat(1000));
  assert.ok(many.length <= 21, String(many.length));
});

test('line ends of Windows and a byte order mark are read; what is not UTF-8 is refused with its place', async () => {
  const file = join(directory, 'bytes.toml');
  const at = () => loadConfig([plugin], { file, environment: {} });
  writeFileSync(file, '\ufeffnode = "a"\r\n[log]\r\nlevel = "warn"\r\n');
  assert.is((await at()).config.log.level, 'warn');
  writeFileSync(file, Buffer.from('node = "a"\n[log]\nlevel = "\xe4"\n', 'latin1'));
  assert.equal((await failure(at)).faults.map(faultLine), [`${file}:3:10: not UTF-8`]);
});

async function failure(load: () => Promise<unknown>): Promise<ConfigError> {
  try {
    await load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('the error has everything in one text, and ends a process with 78', async () => {
  const file = join(directory, 'two.toml');
  writeFileSync(file, 'node = 1\n[log]\nlevel = 2\n');
  const error = await failure(() => loadConfig([], { file, environment: {} }));
  assert.is(exitCode(error), 78);
  assert.is(error.message.split('\n').length, 3);
  assert.match(error.message, 'the configuration is refused, with 2 faults:\n');
  assert.match(error.message, `\n  ${file}:1:8: node: found 1, expected a text in quotes\n`);
});

test('a file that was named and is absent is refused', async () => {
  const file = join(directory, 'absent.toml');
  for (const options of [{ file, environment: {} }, { environment: { NNOE_CONFIG: file } }])
    try {
      await loadConfig([], options);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code: string }).code, 'CONFIG_MISSING');
      assert.match(String(error), file);
    }
});

test.run();
