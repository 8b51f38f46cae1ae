// SPDX-License-Identifier: MPL-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { hostSchema } from './config.js';
import { loadConfig, parseConfig } from './config-file.js';
import { exitCode, NnoeError } from './errors.js';
import { definePlugin } from './plugin.js';

const plugin = definePlugin({
  api: 1,
  name: 'sample',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({ window: z.int().min(1).max(8).default(2), mode: z.enum(['a', 'b']).default('a') }),
  consumes: {},
  prefixes: {},
  metrics: {},
  setup: () => ({ health: () => ({ state: 'ok' }) }),
});

function fault(text: string): NnoeError {
  try {
    parseConfig(text, [plugin], 'x.toml');
  } catch (error) {
    if (error instanceof NnoeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('an empty file gives every default', () => {
  const config = parseConfig('', [plugin]);
  assert.is(config.node, hostname());
  assert.is(config.log.level, 'info');
  assert.is(config.store.root, '/nnoe');
  assert.is(config.store.kind, 'embedded');
  assert.is(config.store.directory, '/var/lib/nnoe/store');
  assert.equal(config.store.cache, { ttl: 86_400, 'max-size': 256 });
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
    [store.tls]
    ca = "/etc/nnoe/ca.pem"
    [plugins.sample]
    enabled = false
    window = 99
    `,
    [plugin],
  );
  assert.equal(Object.keys(config.journal), ['dhcp4', 'dhcp6']);
  assert.is(config.journal.dhcp6?.family, 6);
  assert.is(config.store.tls?.ca, '/etc/nnoe/ca.pem');
  assert.is(config.plugins.sample?.enabled, false, 'what is switched off is not checked');
});

test('every fault is named at once: file, key, found, expected', () => {
  const error = fault(
    `colour = "red"
    log.level = "loud"
    http.listen = 80
    [journal.DHCP]
    directory = "/x"
    family = 5
    [store]
    endpoints = []
    connect-timeout = -1
    request-timout = 3
    [plugins.sample]
    window = 9
    mode = "c"
    size = 1
    [plugins.other]
    `,
  );
  assert.is(error.code, 'CONFIG_INVALID');
  assert.is(exitCode(error), 78);
  const lines = error.message.split('\n');
  assert.is(lines[0], 'x.toml is refused:');
  for (const expected of [
    'colour: found a key that is not known here, expected it to be left out (is it spelled right?)',
    'log.level: found "loud", expected one of "trace", "debug", "info", "warn", "error"',
    'http.listen: found 80, expected a text',
    'journal.DHCP: found that name, expected one of a-z, 0-9 and -, as dhcp4',
    'journal.DHCP.family: found 5, expected one of 4, 6',
    'store.endpoints: found [], expected at least 1 of them',
    'store.connect-timeout: found -1, expected at least 0.1',
    'store.request-timout: found a key that is not known here, expected it to be left out (is it spelled right?)',
    'plugins.sample.window: found 9, expected at most 8',
    'plugins.sample.mode: found "c", expected one of "a", "b"',
    'plugins.sample.size: found a key that is not known here, expected it to be left out (is it spelled right?)',
    'plugins.other: found a plugin that this host does not have, expected one of sample',
  ])
    assert.ok(lines.includes(`  ${expected}`), `missing: ${expected}\n${error.message}`);
  assert.is(lines.length, 13, error.message);
});

test('values that contradict each other are refused', () => {
  const { message } = fault(`
    [journal.a]
    directory = "/x"
    family = 4
    [journal.b]
    directory = "/x"
    family = 6
    [store]
    user = "u"
    [store.tls]
    cert = "/c"
  `);
  assert.match(message, 'store.password-file: found nothing');
  assert.match(message, 'store.tls.key: found nothing, expected cert and key together');
  assert.match(message, 'journal.b.directory: found "/x", expected a directory of its own');
});

test('what is not TOML is refused with the place', () => {
  const error = fault('node = \n');
  assert.is(error.code, 'CONFIG_SYNTAX');
  assert.match(error.message, /x\.toml is not TOML/);
  assert.match(error.message, /line 1, column \d/);
});

test('a file that is not there is refused', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-config-'));
  try {
    const file = join(directory, 'nnoe.toml');
    assert.throws(
      () => loadConfig(file, []),
      (error: NnoeError) => error.code === 'CONFIG_MISSING',
    );
    writeFileSync(file, 'node = "here"');
    assert.is(loadConfig(file, []).node, 'here');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('every key says what it is, and every number its unit', () => {
  const missing: string[] = [];
  const visit = (schema: z.core.$ZodType, path: string) => {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject)
      for (const [key, child] of Object.entries(inner.shape)) visit(child, `${path}.${key}`);
    else if (inner instanceof z.ZodRecord && inner.valueType instanceof z.ZodObject)
      visit(inner.valueType, `${path}.*`);
    else if (said(schema).description === undefined) missing.push(path);
    else if (inner instanceof z.ZodNumber && said(schema).unit === undefined) missing.push(`${path} (unit)`);
  };
  visit(hostSchema, '');
  assert.equal(missing, []);
});

/** Metadata of a schema and of what it wraps. */
function said(schema: z.core.$ZodType): { description?: unknown; unit?: unknown } {
  const { innerType } = schema._zod.def as { innerType?: z.core.$ZodType };
  return { ...(innerType && said(innerType)), ...z.globalRegistry.get(schema) };
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType } = schema._zod.def as { innerType?: z.core.$ZodType };
  return innerType === undefined ? schema : unwrap(innerType);
}

test.run();
