// SPDX-License-Identifier: MPL-2.0
// The store `embedded`: what kills, a size that is reached, time and slow followers do to it.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NnoeError } from '../../src/host/errors.js';
import { type EmbeddedStore, embeddedStore } from '../../src/host/store/embedded.js';
import { followed } from '../lib/followed.js';
import { Random } from '../stress/random.js';
import { EmbeddedView } from './lib/embedded-view.js';
import { sleep, start, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const seed = 20_260;
const kills = 20;
const writer = join(import.meta.dirname, 'fixtures/embedded-writer.js');

interface Acknowledged {
  value: string;
  revision: number;
}

/** What the writer's output says, last word for each key; a line that was cut off says nothing. */
function acknowledged(output: string, known: Map<string, Acknowledged>): number {
  const lines = output.split('\n').slice(0, -1);
  for (const line of lines) {
    const [name, value, revision] = line.split(' ');
    if (name !== undefined && value !== undefined && revision !== undefined)
      known.set(name, { value, revision: Number(revision) });
  }
  return lines.length - 1;
}

interface Held {
  value: string;
  revision: number;
}

/** What is below `/a/` and, the same, below `/b/`; every transaction wrote both. */
async function halves(store: EmbeddedStore): Promise<{ held: Map<string, Held>; revision: number }> {
  const both: Map<string, Held>[] = [];
  let at = 0;
  for (const half of ['/a/', '/b/']) {
    const held = new Map<string, Held>();
    for await (const { entries, revision } of store.list(half)) {
      at = revision;
      for (const { key, value, createRevision, modRevision } of entries) {
        assert.ok(createRevision >= 1 && createRevision <= modRevision && modRevision <= revision);
        held.set(key.slice(half.length), { value: value.toString(), revision: modRevision });
      }
    }
    both.push(held);
  }
  const [a = new Map<string, Held>(), b] = both;
  assert.equal(a, b, 'half of a transaction');
  return { held: a, revision: at };
}

/**
 * Whatever was acknowledged is there, but for what each lane had under way at the kill: one transaction that may
 * have been applied without being acknowledged. `known` becomes what is there.
 */
function nothingLost(held: Map<string, Held>, known: Map<string, Acknowledged>): void {
  const underWay = new Set<string>();
  for (const name of new Set([...held.keys(), ...known.keys()])) {
    const is = held.get(name);
    const was = known.get(name);
    if (is === undefined ? was?.value === '-' : is.value === was?.value && is.revision === was.revision)
      continue;
    const [lane = ''] = name.split('/');
    assert.not(underWay.has(lane), `two transactions of lane ${lane} differ; one is ${name}`);
    assert.ok(is === undefined || is.revision > (was?.revision ?? 0), `${name} went back`);
    underWay.add(lane);
    known.set(name, is ?? { value: '-', revision: was?.revision ?? 0 });
  }
}

test(`nothing acknowledged is lost over ${kills} SIGKILLs at random moments`, async () => {
  const random = new Random(seed);
  const directory = temporary('kills');
  const logs = temporary('writers');
  const known = new Map<string, Acknowledged>();
  let lines = 0;
  for (let kill = 0; kill < kills; kill++) {
    const proc = start({
      name: `writer${kill}`,
      command: process.execPath,
      args: [writer, directory, String(kill)],
      directory: logs,
    });
    await proc.waitFor(/^open$/m);
    await sleep(random.between(0, 150));
    await proc.kill();
    lines += acknowledged(proc.output(), known);
    const store = embeddedStore({ directory });
    const found = await halves(store);
    nothingLost(found.held, known);
    const last = Math.max(...[...known.values()].map((each) => each.revision));
    assert.ok(last <= found.revision, `${last} was acknowledged, the store is at ${found.revision}`);
    const { revision } = await store.commit({ operations: [{ put: '/between', value: String(kill) }] });
    assert.ok(revision > found.revision, 'a revision is given twice');
    await store.close();
  }
  assert.ok(lines > 1000, `${lines} acknowledged`);
});

test('what goes by itself goes while nobody runs, too', async () => {
  const directory = temporary('ttl');
  const first = embeddedStore({ directory });
  await first.commit({
    operations: [
      { put: '/short', value: '', ttl: 1 },
      { put: '/long', value: '', ttl: 100 },
    ],
  });
  await first.close();
  await sleep(1100);
  const second = embeddedStore({ directory });
  await until('the key to be gone', async () => (await second.get('/short')) === undefined, 2000);
  assert.ok(await second.get('/long'));
  await second.close();
});

test('beyond max-size only deletions are taken; with room again, what waited is written', async () => {
  const store = embeddedStore({ directory: temporary('small'), maxSize: 2 ** 20 });
  const value = Buffer.alloc(10_000, 1);
  let waiting: Promise<unknown> = Promise.resolve();
  let count = 0;
  while (store.health().state === 'ok') {
    waiting = store.commit({ operations: [{ put: `/big/${count++}`, value }] });
    await Promise.race([waiting, sleep(200)]);
  }
  assert.ok(count > 50 && count < 110, String(count));
  assert.is(store.health().code, 'STORE_DISK_FULL');
  assert.is((await store.get('/big/0'))?.value.length, 10_000);
  await store.commit({
    operations: Array.from({ length: 20 }, (_, i) => ({ delete: `/big/${i}` })),
  });
  await waiting;
  assert.is(store.health().state, 'ok');
  assert.ok(await store.get(`/big/${count - 1}`));
  await store.close();
});

test('keys whose time has come make room by themselves', async () => {
  const store = embeddedStore({ directory: temporary('expiring'), maxSize: 2 ** 20 });
  const value = Buffer.alloc(10_000, 1);
  const [stays, goes] = ['stays', 'goes'].map((name) =>
    Array.from({ length: 45 }, (_, i) => `/${name}/${i}`),
  );
  await store.commit({ operations: (goes ?? []).map((put) => ({ put, value, ttl: 1 })) });
  await store.commit({ operations: (stays ?? []).map((put) => ({ put, value })) });
  const waiting = store.commit({ operations: [{ put: '/more', value: Buffer.alloc(200_000) }] });
  await until('the store to be full', () => store.health().code === 'STORE_DISK_FULL', 5000);
  await waiting;
  assert.is(store.health().state, 'ok');
  assert.is(store.size.entries, 46);
  await store.close();
});

test('a follower that is too slow is given a snapshot again instead of a queue without end', async () => {
  const store = embeddedStore({ directory: temporary('slow') });
  let snapshots = 0;
  let release: () => void = () => undefined;
  let last = '';
  const follow = store.follow('/', {
    snapshot: async (entries) => {
      last = entries.at(-1)?.value.toString() ?? '';
      if (++snapshots > 1) return;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    },
    change: (changes) => {
      for (const change of changes) if (change.type === 'put') last = change.entry.value.toString();
    },
    error: (error) => assert.unreachable(String(error)),
  });
  const names = Array.from({ length: 500 }, (_, i) => `/${i}`);
  for (let i = 0; i < 140; i++)
    await store.commit({ operations: names.map((put) => ({ put, value: String(i) })) });
  release();
  await until('another snapshot', () => snapshots === 2 && last === '139');
  await follow.close();
  await store.close();
});

test('closing answers what is under way, and ends the rest', async () => {
  const directory = temporary('closing');
  const store = embeddedStore({ directory });
  const seen = followed(store, '/');
  const written = Array.from({ length: 50 }, (_, i) =>
    store.commit({ operations: [{ put: `/${i}`, value: '' }] }).then(
      () => true,
      () => false,
    ),
  );
  await store.close();
  assert.ok((await Promise.all(written)).every(Boolean));
  assert.equal(seen.errors, []);
  assert.is(await store.get('/1').then(String, (error: NnoeError) => error.code), 'STORE_CLOSED');
  const view = new EmbeddedView(directory);
  assert.is((await view.list('/')).length, 50);
  await view.close();
});

test.run();
