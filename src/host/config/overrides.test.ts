// SPDX-License-Identifier: MPL-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, faultLine } from './faults.js';
import { loadConfig } from './load.js';
import { shownValues, tomlShown } from './show.js';
import { samplePlugin } from './test-support.js';

const directory = mkdtempSync(join(tmpdir(), 'nnoe-config-'));
const file = join(directory, 'nnoe.toml');
test.after(() => rmSync(directory, { recursive: true }));

interface Given {
  text?: string;
  environment?: Record<string, string>;
  set?: string[];
}

function load({ text = '', environment = {}, set = [] }: Given) {
  writeFileSync(file, text);
  return loadConfig([samplePlugin], { file, environment, set });
}

async function refused(given: Given): Promise<string[]> {
  try {
    await load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(faultLine);
    throw error;
  }
  return [];
}

test('a flag goes before a variable, that before the file, that before the default', async () => {
  const text = '[store]\nroot = "/file"\n';
  const environment = { NNOE_STORE_ROOT: '/variable' };
  const set = ['store.root=/first', 'store.root=/flag'];
  assert.is((await load({})).config.store.root, '/nnoe');
  assert.is((await load({ text })).config.store.root, '/file');
  assert.is((await load({ text, environment })).config.store.root, '/variable');
  assert.is((await load({ text, environment, set })).config.store.root, '/flag');
});

test('texts become what the key wants', async () => {
  const { config } = await load({
    environment: {
      NNOE_NODE: '7',
      NNOE_STORE_REQUEST_TIMEOUT: '2.5',
      NNOE_STORE_ENDPOINTS: 'http://a:1, http://b:2',
      NNOE_JOURNAL_DHCP4_DIRECTORY: '/j=4',
      NNOE_JOURNAL_DHCP4_FAMILY: '4',
      NNOE_JOURNAL_SITE_B_6_DIRECTORY: '/j6',
      NNOE_PLUGINS_SAMPLE_ENABLED: 'true',
      NNOE_PLUGINS_SAMPLE_WINDOW: '8',
      NNOE_HTTP_LISTEN: '',
      NNOE_NATIVE: '/not/a/key',
      OTHER: 'x',
    },
    set: ['journal.site-b-6.family=6', 'store.endpoints=["http://c:3"]', 'plugins.sample.mode=b'],
  });
  assert.is(config.node, '7');
  assert.is(config.store['request-timeout'], 2.5);
  assert.equal(config.store.endpoints, ['http://c:3']);
  assert.equal(config.journal, {
    dhcp4: { directory: '/j=4', family: 4 },
    'site-b-6': { directory: '/j6', family: 6 },
  });
  assert.equal(config.plugins.sample?.config, { window: 8, mode: 'b' });
  assert.is(config.http.listen, '');
});

test('a fault names the variable or the flag; those of the file come first', async () => {
  const found = await refused({
    text: '[log]\nlevel = "loud"\n',
    environment: {
      NNOE_STOP_DEADLINE: 'soon',
      NNOE_STORE_KNID: 'etcd',
      NNOE_QUITE_ELSE_WHERE: '1',
      NNOE_JOURNAL_DHCP6_FAMILY: '6',
    },
    set: ['plugins.sample.window=9', 'store.knd=etcd', 'store=x', 'nothing'],
  });
  assert.equal(found, [
    `${file}:2:9: log.level: found "loud", expected one of "trace", "debug", "info", "warn", "error"`,
    'NNOE_STORE_KNID: no such variable; did you mean NNOE_STORE_KIND?',
    'NNOE_QUITE_ELSE_WHERE: no such variable; see `nnoe config reference` for the keys',
    'NNOE_JOURNAL_DHCP6_FAMILY: journal.dhcp6.directory: found nothing, expected a text in quotes',
    'NNOE_STOP_DEADLINE: stop.deadline: found "soon", expected a number',
    '--set store.knd: no such key; did you mean store.kind?',
    '--set store: is a section; set one of its keys: kind, directory, max-size, root, endpoints, user, password-file, connect-timeout, request-timeout, cache, tls',
    '--set: wants KEY=VALUE, as store.kind=etcd',
    '--set plugins.sample.window: plugins.sample.window: found 9, expected 1 to 8 batches',
  ]);
});

test('a value that a flag replaces is not checked', async () => {
  assert.equal(await refused({ text: 'log.level = "loud"', set: ['log.level=warn'] }), []);
});

test('what is in effect is shown with where it comes from, and reads back as the same', async () => {
  const loaded = await load({
    text: 'node = "a"\n[journal.dhcp4]\ndirectory = "/j"\nfamily = 4\n[store]\nendpoints = [ "http://a:1" ]\n',
    environment: { NNOE_LOG_LEVEL: 'warn' },
    set: ['stop.deadline=3'],
  });
  const rows = shownValues(loaded);
  const from = Object.fromEntries(rows.map((row) => [row.path.join('.'), row.from]));
  assert.is(from.node, `${file}:1:8`);
  assert.is(from['journal.dhcp4.family'], `${file}:4:10`);
  assert.is(from['store.endpoints'], `${file}:6:13`);
  assert.is(from['log.level'], 'NNOE_LOG_LEVEL');
  assert.is(from['stop.deadline'], '--set stop.deadline');
  assert.is(from['store.root'], 'default');
  assert.is(from['plugins.sample.window'], 'default');
  const again = await load({ text: tomlShown(rows) });
  assert.equal(again.config, loaded.config);
});

test('no text that may be a secret is in a fault', async () => {
  const secret = 'hunter2hunter2';
  const given: Given[] = [
    { text: `[store]\npassword = "${secret}"\n` },
    { text: `[store]\npassword = ${secret}\n` },
    { text: `[store]\nuser = "u"\npassword-file = "${secret}"\n` },
    { text: `[store]\npassword-file = ["${secret}"]\n` },
    { text: `[store]\nendpoints = ["https://u:${secret}@etcd:2379"]\n` },
    { text: `[plugins.sample]\ntoken = "${secret}"\n` },
    { text: `[[store]]\npassword = "${secret}"\n` },
    { text: `node = { password = "${secret}" }\n` },
    { environment: { NNOE_STORE_PASSWORD: secret } },
    { environment: { NNOE_STORE_PASSWORD_FILE: secret, NNOE_STORE_USER: 'u' } },
    { set: [`store.password=${secret}`] },
    { set: [`store.password-file=${secret}`] },
    { set: [secret] },
  ];
  for (const each of given) {
    const found = await refused(each);
    assert.ok(found.length > 0, JSON.stringify(each));
    assert.not.match(found.join('\n'), secret, JSON.stringify(each));
  }
});

test.run();
