// SPDX-License-Identifier: MPL-2.0
// The store `embedded` in trouble: after an end that was not in order, with a damaged file, a disk that refuses, a
// writing thread that died.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NnoeError } from '../../src/host/errors.js';
import { createLogger } from '../../src/host/log.js';
import { type EmbeddedStore, embeddedStore } from '../../src/host/store/embedded.js';
import { openReadTables } from '../../src/host/store/embedded-env.js';
import { lookAtPages } from '../../src/host/store/embedded-pages.js';
import type { Change } from '../../src/host/store/store.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

/** A store with so many keys whose last user did not close it. */
async function unclean(keys: number, extra: string[] = []): Promise<{ directory: string; file: string }> {
  const directory = temporary('trouble');
  const store = embeddedStore({ directory });
  const names = [...extra, ...Array.from({ length: keys }, (_, i) => `/k/${i}`)];
  for (let at = 0; at < names.length; at += 500) {
    const operations = names
      .slice(at, at + 500)
      .map((put) => ({ put, value: `needle ${put} ${'v'.repeat(200)}` }));
    await store.commit({ operations });
  }
  // Of its own pages.
  await store.commit({ operations: [{ put: '/large', value: Buffer.alloc(20_000, 1) }] });
  await store.close();
  writeFileSync(join(directory, 'data.lock'), '1');
  return { directory, file: join(directory, 'data.mdb') };
}

function logged(directory: string): { store: EmbeddedStore; codes: string[] } {
  const codes: string[] = [];
  const log = createLogger('info', { write: (line) => codes.push(JSON.parse(line).code) });
  return { store: embeddedStore({ directory, log }), codes };
}

test('after a kill the store serves at once and is read through meanwhile, whatever its keys begin with', async () => {
  const { directory } = await unclean(2000, ['\u0001low', '\u0004']);
  const { store, codes } = logged(directory);
  assert.ok(await store.get('/k/1999'));
  assert.equal(codes, ['STORE_CHECKING']);
  await store.commit({ operations: [{ put: '/k/new', value: '' }] });
  await until('it to be read through', () => codes.length === 2, 20_000);
  assert.is(codes[1], 'STORE_CHECKED');
  assert.is(store.health().state, 'ok');
  await store.close();
  const again = logged(directory);
  await again.store.close();
  assert.equal(again.codes, [], 'it was closed in order');
});

test('damage that shows only when all is read stops the writing; reading goes on, and so at the next start', async () => {
  const { directory, file } = await unclean(500);
  const bytes = readFileSync(file);
  let found = 0;
  for (let at = bytes.indexOf('needle /k/77 '); at >= 0; at = bytes.indexOf('needle /k/77 ', at + 1), found++)
    bytes.writeDoubleLE(1e12, at - 16); // its last change, beyond the store's revision
  assert.ok(found > 0);
  writeFileSync(file, bytes);
  for (let start = 0; start < 2; start++) {
    const { store } = logged(directory);
    await until('health to say so', () => store.health().code === 'STORE_DAMAGED', 20_000);
    assert.is(store.health().state, 'down');
    assert.match(store.health().reason, `${file} is damaged: revisions of /k/77 are`);
    assert.ok(await store.get('/k/1'));
    const written = store.commit({ operations: [{ put: '/k', value: '' }] }).catch((e: NnoeError) => e.code);
    assert.is(await Promise.race([written, wait(100)]), undefined);
    await store.close();
    assert.is(await written, 'STORE_CLOSED');
  }
});

test('every page in use is looked at: whichever is zeroed or torn, it is named and nobody dies', async () => {
  const { file } = await unclean(2000);
  const tables = openReadTables(file, true);
  const stats = tables.entries.getStats() as Record<string, number>;
  await tables.environment.close();
  const { pageSize = 0, treeBranchPageCount = 0, treeLeafPageCount = 0 } = stats;
  const used = treeBranchPageCount + treeLeafPageCount + 1;
  assert.ok(treeBranchPageCount > 0 && treeLeafPageCount > 100);
  const whole = readFileSync(file);
  const damages = {
    zeroed: (page: Buffer) => page.fill(0),
    'torn in its middle': (page: Buffer) => page.fill(0xff, 20, 64),
  };
  for (const [what, damage] of Object.entries(damages)) {
    let faults = 0;
    for (let page = 2; page < whole.length / pageSize; page++) {
      const bytes = Buffer.from(whole);
      damage(bytes.subarray(page * pageSize, (page + 1) * pageSize));
      writeFileSync(file, bytes);
      const fd = openSync(file, 'r');
      const { fault, complete } = lookAtPages(fd, true, 10_000);
      closeSync(fd);
      if (fault === undefined) assert.ok(complete);
      else faults++;
    }
    assert.ok(faults >= used, `${what}: ${faults} of ${used}`);
  }
  writeFileSync(file, whole);
  const fd = openSync(file, 'r');
  assert.equal(lookAtPages(fd, true, 10_000), { complete: true });
  assert.equal(lookAtPages(fd, true, -1), { complete: false }, 'out of time is no damage');
  closeSync(fd);
});

test('files and directory are for their owner and group alone', async () => {
  const directory = join(temporary('modes'), 'made');
  const before = process.umask(0);
  try {
    const store = embeddedStore({ directory });
    await store.commit({ operations: [{ put: '/k', value: '' }] });
    const mode = (name: string) => (statSync(join(directory, name)).mode & 0o777).toString(8);
    assert.is(mode('.'), '750');
    for (const name of ['data.mdb', 'data.mdb-lock', 'data.lock']) assert.is(mode(name), '640', name);
    await store.close();
  } finally {
    process.umask(before);
  }
});

test('a writing thread that dies is told to whoever can start the process again', async () => {
  const workers: Worker[] = [];
  const keep = (worker: Worker) => workers.push(worker);
  process.on('worker', keep);
  const lost: NnoeError[] = [];
  const failed: string[] = [];
  const store = embeddedStore({ directory: temporary('thread'), lost: (error) => lost.push(error) });
  store.observe({
    failed: (code) => failed.push(code),
    retried: () => undefined,
    followRestarted: () => undefined,
  });
  await store.commit({ operations: [{ put: '/k', value: '' }] });
  process.off('worker', keep);
  await workers[0]?.terminate();
  await until('it to be told', () => lost.length > 0);
  assert.is(lost[0]?.code, 'STORE_WRITE_FAILED');
  assert.match(lost[0]?.message ?? '', 'the writing thread ended');
  assert.is(store.health().state, 'down');
  assert.equal(failed, ['STORE_WRITE_FAILED']);
  assert.ok(await store.get('/k'));
  await store.close();
});

test('a disk that refuses the page that makes a transaction valid is the end for this process', () => {
  const child = join(import.meta.dirname, 'fixtures/embedded-panic.js');
  const { stdout, stderr } = spawnSync(process.execPath, [child, temporary('panic')], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.is(stdout, 'lost STORE_WRITE_FAILED down\n', stderr);
});

test('a place that cannot be looked at shows in health', async () => {
  const directory = join(temporary('loop'), 'store');
  const store = embeddedStore({ directory });
  // The thread that writes has opened the file by then.
  await store.commit({ operations: [{ put: '/k', value: '' }] });
  renameSync(directory, `${directory}.moved`);
  symlinkSync(directory, directory);
  await until('health to say so', () => store.health().code === 'STORE_DIRECTORY', 8000);
  assert.is(store.health().state, 'degraded');
  assert.match(store.health().reason, 'ELOOP');
  await store.close();
});

test('trouble with the disk is counted, and every attempt after it', async () => {
  const store = embeddedStore({ directory: temporary('counted'), maxSize: 2 ** 20 });
  const failed = new Set<string>();
  let retries = 0;
  store.observe({
    failed: (code) => failed.add(code),
    retried: () => retries++,
    followRestarted: () => undefined,
  });
  const value = Buffer.alloc(1_500_000, 1);
  const written = store.commit({ operations: [{ put: '/big', value }] }).catch((e: NnoeError) => e.code);
  await until('a retry', () => retries > 0);
  assert.equal([...failed], ['STORE_DISK_FULL']);
  await store.close();
  assert.is(await written, 'STORE_CLOSED');
});

test('a change that is kept does not keep the transaction that it came with', async () => {
  const store = embeddedStore({ directory: temporary('kept') });
  const changes: Change[] = [];
  const follow = store.follow(
    '/small/',
    {
      snapshot: () => undefined,
      change: (those) => {
        changes.push(...those);
      },
      error: (error) => assert.unreachable(String(error)),
    },
    { from: 'now' },
  );
  await store.commit({
    operations: [
      { put: '/large', value: Buffer.alloc(1_000_000, 1) },
      { put: '/small/1', value: 'small' },
    ],
  });
  await until('the change', () => changes.length === 1);
  const [change] = changes;
  assert.ok(change?.type === 'put');
  assert.is(change.entry.value.toString(), 'small');
  assert.ok(change.entry.value.buffer.byteLength <= Buffer.poolSize);
  await follow.close();
  await store.close();
});

test.run();
