// SPDX-License-Identifier: MPL-2.0
// The file of the store `embedded`, and what can be wrong with it: each has its error, and nothing is lost.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NnoeError } from '../../src/host/errors.js';
import { embeddedStore } from '../../src/host/store/embedded.js';
import { metaKey, openWriteTables } from '../../src/host/store/embedded-env.js';
import { sleep, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

/** The code with which opening is refused. */
function refusal(directory: string): NnoeError {
  try {
    void embeddedStore({ directory }).close();
  } catch (error) {
    return error as NnoeError;
  }
  throw new Error('it was opened');
}

/** A closed store with so many keys. */
async function filled(keys: number): Promise<{ directory: string; file: string }> {
  const directory = temporary('store');
  const store = embeddedStore({ directory });
  for (let at = 0; at < keys; at += 500) {
    const names = Array.from({ length: Math.min(500, keys - at) }, (_, i) => `/k/${at + i}`);
    await store.commit({ operations: names.map((put) => ({ put, value: 'v'.repeat(200) })) });
  }
  await store.close();
  return { directory, file: join(directory, 'data.mdb') };
}

test('what was there at the close is there at the next start, with its revisions', async () => {
  const { directory } = await filled(1200);
  const store = embeddedStore({ directory });
  assert.not(store.created);
  const entry = await store.get('/k/1199');
  assert.is(entry?.value.length, 200);
  assert.is(entry?.modRevision, 4);
  assert.equal(store.size, {
    entries: 1200,
    bytes: Array.from({ length: 1200 }, (_, i) => `/k/${i}`.length + 200).reduce((sum, each) => sum + each),
  });
  const { revision } = await store.commit({ operations: [{ put: '/k/1', value: 'new' }] });
  assert.is(revision, 5);
  await store.close();
});

test('a store is for one process: the second is told who has it', async () => {
  const { directory } = await filled(1);
  const store = embeddedStore({ directory });
  const error = refusal(directory);
  assert.is(error.code, 'STORE_LOCKED');
  assert.match(error.message, `process ${process.pid} has the store in ${directory}`);
  await store.close();
  await embeddedStore({ directory }).close();
});

test('a directory that cannot be used is named with the reason', () => {
  const file = join(temporary('nodir'), 'file');
  writeFileSync(file, '');
  for (const directory of [file, join(file, 'below')]) {
    const error = refusal(directory);
    assert.is(error.code, 'STORE_DIRECTORY');
    assert.match(error.message, directory);
  }
});

const damages: Record<string, (file: string) => void> = {
  emptied: (file) => truncateSync(file),
  'cut short': (file) => truncateSync(file, statSync(file).size / 2),
  'zeroed at its beginning': (file) => overwrite(file, 0, Buffer.alloc(8192)),
  'zeroed in its middle': (file) => overwrite(file, 12_288, Buffer.alloc(statSync(file).size - 24_576)),
  'full of something else': (file) =>
    overwrite(file, 8192, Buffer.alloc(statSync(file).size - 8192, 'no database ')),
};

function overwrite(file: string, at: number, bytes: Buffer): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

for (const [what, damage] of Object.entries(damages))
  test(`a file that was ${what} is refused and stays as it is`, async () => {
    const { directory, file } = await filled(2000);
    // As after a kill: damage to a file that was closed in order shows when it is read.
    writeFileSync(join(directory, 'data.lock'), '1');
    damage(file);
    const damaged = readFileSync(file);
    for (let start = 0; start < 2; start++) {
      const error = refusal(directory);
      assert.is(error.code, 'STORE_DAMAGED', error.message);
      assert.match(error.message, `${file} is damaged: `);
      assert.ok(readFileSync(file).equals(damaged));
    }
    for (const name of ['data.mdb', 'data.mdb-lock']) rmSync(join(directory, name));
    const fresh = embeddedStore({ directory });
    assert.ok(fresh.created);
    await fresh.close();
  });

/** Makes a file that is LMDB's, but no store of this release. */
const strangers: Record<string, { expected: RegExp; make(file: string): Promise<void> }> = {
  'an LMDB file of something else': {
    expected: /is no store for this release: it is an LMDB file of something else/,
    async make(file) {
      const other = open({ path: file, noSubdir: true, maxDbs: 3 });
      await other.openDB({ name: 'meta', encoding: 'json' }).put('theirs', 1);
      await other.openDB({ name: 'entries', dupSort: true, encoding: 'ordered-binary' }).put('key', 'value');
      await other.close();
    },
  },
  'a store of a newer release': {
    expected: /is no store for this release: it has format 2, this release has 1/,
    async make(file) {
      const { environment, meta } = openWriteTables(file);
      await meta.put(metaKey, { format: 2, id: 'x', revision: 7, entries: 0, bytes: 0 });
      await environment.close();
    },
  },
};

for (const [what, { expected, make }] of Object.entries(strangers))
  test(`${what} is refused and stays as it is`, async () => {
    for (const owner of ['', '1']) {
      const directory = temporary('stranger');
      const file = join(directory, 'data.mdb');
      await make(file);
      const before = readFileSync(file);
      writeFileSync(join(directory, 'data.lock'), owner);
      const error = refusal(directory);
      assert.is(error.code, 'STORE_FORMAT', error.message);
      assert.match(error.message, expected);
      assert.ok(readFileSync(file).equals(before));
    }
  });

/** What opening says in a process that is not privileged, or that sees the directory as `script` makes it. */
function opened(directory: string, command: string, ...args: string[]): string {
  const child = join(import.meta.dirname, 'fixtures/embedded-open.js');
  const all = [...args, process.execPath, child, directory];
  const { stdout, stderr, signal } = spawnSync(command, all, { encoding: 'utf8', timeout: 20_000 });
  assert.is(signal, null, stderr);
  return stdout.trim() || stderr;
}

const isRoot = process.getuid?.() === 0;
/** For mounting a small disk in a name space of its own. */
const asRoot = isRoot ? [] : ['--map-root-user'];

test('a file that may not be read is named with the reason, and stays', async () => {
  const { directory, file } = await filled(1);
  const before = readFileSync(file);
  chmodSync(file, 0);
  for (const each of [dirname(directory), directory]) chmodSync(each, 0o777);
  chmodSync(join(directory, 'data.lock'), 0o666);
  const unprivileged = isRoot ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
  assert.match(opened(directory, 'env', ...unprivileged), /^STORE_DIRECTORY .*EACCES.*data\.mdb/);
  chmodSync(file, 0o640);
  assert.ok(readFileSync(file).equals(before));
  await embeddedStore({ directory }).close();
});

test('a first start on a full disk says so, and succeeds when there is room', () => {
  const directory = temporary('no-room');
  const steps = (size: string, filler: number) =>
    `mount -t tmpfs -o size=${size} tmpfs ${directory} && head -c ${filler} /dev/zero > ${directory}/filler; "$@"; rm ${directory}/filler; exec "$@"`;
  for (const filler of [1_048_576, 1_028_096, 1_015_808, 800_000]) {
    const said = opened(directory, 'unshare', ...asRoot, '--mount', 'sh', '-c', steps('1m', filler), 'sh');
    assert.match(said, /^STORE_DISK_FULL no space for the store in [\s\S]*\nopen$/, `${filler}: ${said}`);
  }
});

test('a full disk is named, reads go on, and what waited is written when there is room', () => {
  const directory = temporary('full');
  const script = `mount -t tmpfs -o size=3m tmpfs ${directory} && exec "$@"`;
  const child = join(import.meta.dirname, 'fixtures/embedded-full.js');
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...asRoot, '--mount', 'sh', '-c', script, 'sh', process.execPath, child, directory],
    { encoding: 'utf8', timeout: 30_000 },
  );
  assert.is(status, 0, stdout + stderr);
  assert.equal(stdout.trim().split('\n'), ['STORE_DISK_FULL', 'reads', 'written', 'ok', 'complete']);
});

test('a store is opened on a disk that is full, its lock gone or not', async () => {
  const { directory } = await filled(10);
  const disk = temporary('no-room-left');
  for (const lock of ['true', `rm ${disk}/data.mdb-lock`]) {
    const fill = `head -c 1048576 /dev/zero > ${disk}/filler`;
    const script = `mount -t tmpfs -o size=1m tmpfs ${disk} && cp ${directory}/* ${disk} && ${lock}; ${fill}; "$@" 2>&1`;
    const said = opened(disk, 'unshare', ...asRoot, '--mount', 'sh', '-c', `${script}; true`, 'sh');
    assert.match(said, lock === 'true' ? /^open$/m : /^STORE_DISK_FULL /m);
  }
});

test('a file that is taken away stops the writing, and health says so', async () => {
  const { directory, file } = await filled(10);
  const store = embeddedStore({ directory });
  renameSync(file, `${file}.moved`);
  await until('health to say so', () => store.health().code === 'STORE_REPLACED', 8000);
  const written = store
    .commit({ operations: [{ put: '/k', value: '' }] })
    .then(String, (e: NnoeError) => e.code);
  assert.is(await Promise.race([written, sleep(100)]), undefined);
  await store.close();
  assert.is(await written, 'STORE_CLOSED');
});

test.run();
