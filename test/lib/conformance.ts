// SPDX-License-Identifier: MPL-2.0
// What every store owes its users, as tests: `conformance(test, make)` registers them on a uvu suite. Each
// test works below a prefix of its own, so that one running store serves them all.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Change, Follow, KeyValue, Store } from '../../src/host/store/store.js';

type Register = (name: string, body: () => Promise<void>) => void;

export interface Followed {
  /** What the follower would believe: key to value. */
  state: Map<string, string>;
  snapshots: number;
  changes: Change[];
  errors: Error[];
  revision: number;
  follow: Follow;
  /** Resolves when the state is this; throws after `timeout` ms. */
  becomes(expected: Record<string, string>, timeout?: number): Promise<void>;
}

/** Follows a prefix the way a plugin does, and checks the order of what it is told. */
export function followed(store: Store, prefix: string): Followed {
  const state = new Map<string, string>();
  let busy = false;
  const alone = async (work: () => void) => {
    assert.not(busy, 'two calls at a time');
    busy = true;
    await wait(1);
    work();
    busy = false;
  };
  const seen: Followed = {
    state,
    snapshots: 0,
    changes: [],
    errors: [],
    revision: 0,
    follow: store.follow(prefix, {
      snapshot: (entries, revision) =>
        alone(() => {
          state.clear();
          for (const { key, value } of entries) state.set(key, value.toString());
          seen.snapshots++;
          seen.revision = revision;
        }),
      change: (changes, revision) =>
        alone(() => {
          assert.ok(seen.snapshots > 0, 'a change before the snapshot');
          for (const change of changes) {
            if (change.type === 'put') state.set(change.entry.key, change.entry.value.toString());
            else state.delete(change.key);
          }
          seen.changes.push(...changes);
          seen.revision = revision;
        }),
      error: (error) => {
        seen.errors.push(error);
      },
    }),
    async becomes(expected, timeout = 15_000) {
      const want = JSON.stringify(Object.entries(expected).sort());
      const end = performance.now() + timeout;
      while (JSON.stringify([...state.entries()].sort()) !== want) {
        if (performance.now() > end) assert.equal(Object.fromEntries(state), expected);
        await wait(5);
      }
    },
  };
  return seen;
}

async function listed(store: Store, prefix: string, pageSize?: number): Promise<KeyValue[]> {
  const all: KeyValue[] = [];
  for await (const page of store.list(prefix, pageSize === undefined ? {} : { pageSize }))
    all.push(...page.entries);
  return all;
}

const text = (entries: KeyValue[]): [string, string][] =>
  entries.map(({ key, value }) => [key, value.toString()]);

/** @param make gives a connected store; it is closed by the caller. */
export function conformance(test: Register, make: () => Promise<Store>): void {
  const on = (name: string, body: (store: Store, prefix: string) => Promise<void>) =>
    test(name, async () => body(await make(), `/conformance/${randomUUID()}/`));

  on('is ready and healthy', async (store) => {
    await store.ready();
    assert.is(store.health().state, 'ok');
    assert.ok(store.limits.operations >= 2 && store.limits.bytes > 0);
  });

  on('a key that is not there', async (store, prefix) => {
    assert.is(await store.get(`${prefix}none`), undefined);
    assert.equal(await listed(store, prefix), []);
    assert.ok((await store.commit({ operations: [{ delete: `${prefix}none` }] })).committed);
  });

  on('puts are read back byte for byte, with their revisions', async (store, prefix) => {
    const bytes = Buffer.from([0, 255, 10, 128, 34]);
    const put = { put: `${prefix}ключ "x"/10.0.0.0/8`, value: bytes };
    const first = await store.commit({ operations: [put, { put: `${prefix}text`, value: 'größer' }] });
    assert.ok(first.committed);
    assert.equal(first.current, []);
    const read = await store.get(put.put);
    assert.ok(read?.value.equals(bytes));
    assert.is(read?.modRevision, first.revision);
    assert.is(read?.createRevision, first.revision);
    assert.is((await store.get(`${prefix}text`))?.value.toString(), 'größer');
    const second = await store.commit({ operations: [put] });
    assert.ok(second.revision > first.revision);
    const again = await store.get(put.put);
    assert.is(again?.modRevision, second.revision);
    assert.is(again?.createRevision, first.revision);
  });

  on('an empty value is not an absent key', async (store, prefix) => {
    await store.commit({ operations: [{ put: `${prefix}empty`, value: '' }] });
    assert.is((await store.get(`${prefix}empty`))?.value.length, 0);
  });

  on('compares hold or nothing is done', async (store, prefix) => {
    const [a, b] = [`${prefix}a`, `${prefix}b`];
    const made = await store.commit({
      compare: [{ key: a, modRevision: 0 }],
      operations: [{ put: a, value: '1' }],
    });
    assert.ok(made.committed);
    const refused = await store.commit({
      compare: [
        { key: b, modRevision: 0 },
        { key: a, modRevision: 0 },
      ],
      operations: [
        { put: a, value: '2' },
        { put: b, value: '2' },
      ],
    });
    assert.not(refused.committed);
    assert.is(refused.current.length, 2);
    assert.is(refused.current[0], undefined);
    assert.is(refused.current[1]?.modRevision, made.revision);
    assert.is(refused.current[1]?.value.toString(), '1');
    assert.is(await store.get(b), undefined);
    const taken = await store.commit({
      compare: [{ key: a, modRevision: made.revision }],
      operations: [{ delete: a }, { put: b, value: '3' }],
    });
    assert.ok(taken.committed);
    assert.equal(text(await listed(store, prefix)), [[b, '3']]);
  });

  on('a transaction without operations only looks', async (store, prefix) => {
    const key = `${prefix}k`;
    const { revision } = await store.commit({ operations: [{ put: key, value: 'v' }] });
    const held = await store.commit({ compare: [{ key, modRevision: revision }], operations: [] });
    assert.ok(held.committed);
    const never = Number.MAX_SAFE_INTEGER;
    const told = await store.commit({ compare: [{ key, modRevision: never }], operations: [] });
    assert.not(told.committed);
    assert.is(told.current[0]?.value.toString(), 'v');
  });

  on('as many operations as the limit says, and no more', async (store, prefix) => {
    const operations = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ put: `${prefix}${i}`, value: 'v' }));
    const compare = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ key: `${prefix}${i}`, modRevision: 0 }));
    const most = store.limits.operations;
    assert.ok((await store.commit({ compare: compare(most), operations: operations(most) })).committed);
    await rejects(store.commit({ operations: operations(most + 1) }));
  });

  on('as many bytes as the limit says; far beyond, it rejects at once', async (store, prefix) => {
    const value = Buffer.alloc(Math.floor(store.limits.bytes / 2) - 500, 'x');
    const both = [
      { put: `${prefix}1`, value },
      { put: `${prefix}2`, value },
    ];
    assert.ok((await store.commit({ operations: both })).committed);
    const huge = { put: `${prefix}huge`, value: Buffer.alloc(store.limits.bytes * 2) };
    await rejects(store.commit({ operations: [huge] }));
    assert.is(store.health().state, 'ok');
  });

  on('one key twice in a transaction is refused', async (store, prefix) => {
    await rejects(
      store.commit({ operations: [{ put: `${prefix}k`, value: '1' }, { delete: `${prefix}k` }] }),
    );
    assert.is(await store.get(`${prefix}k`), undefined);
  });

  on('lists in key order, in pages, of one revision', async (store, prefix) => {
    const names = ['a', 'a/b', 'aé', 'b', 'b!', 'z'];
    for (const name of names) await store.commit({ operations: [{ put: prefix + name, value: name }] });
    await store.commit({ operations: [{ put: `${prefix.slice(0, -1)}-not/x`, value: 'neighbour' }] });
    const pages: KeyValue[][] = [];
    const revisions = new Set<number>();
    for await (const page of store.list(prefix, { pageSize: 2 })) {
      // What changes between the pages must not show.
      await store.commit({ operations: [{ put: `${prefix}zz`, value: 'later' }, { delete: `${prefix}z` }] });
      pages.push(page.entries);
      revisions.add(page.revision);
    }
    assert.equal(
      text(pages.flat()),
      names.map((name) => [prefix + name, name]),
    );
    assert.ok(pages.every((page) => page.length <= 2));
    assert.is(revisions.size, 1);
    const after: KeyValue[] = [];
    for await (const page of store.list(prefix, { after: `${prefix}aé` })) after.push(...page.entries);
    assert.equal(
      text(after).map(([key]) => key),
      [`${prefix}b`, `${prefix}b!`, `${prefix}zz`],
    );
  });

  on('a follower has a snapshot, then every change in order', async (store, prefix) => {
    await store.commit({ operations: [{ put: `${prefix}old`, value: '0' }] });
    const seen = followed(store, prefix);
    await seen.becomes({ [`${prefix}old`]: '0' });
    for (let i = 1; i <= 50; i++)
      await store.commit({
        operations: [
          { put: `${prefix}old`, value: String(i) },
          { put: `${prefix}k${i}`, value: 'x' },
        ],
      });
    for (let i = 1; i <= 50; i++) await store.commit({ operations: [{ delete: `${prefix}k${i}` }] });
    await seen.becomes({ [`${prefix}old`]: '50' });
    await wait(50);
    assert.is(seen.snapshots, 1);
    assert.is(seen.changes.length, 150);
    const revisions = seen.changes.map((c) => (c.type === 'put' ? c.entry.modRevision : c.modRevision));
    assert.equal(
      revisions,
      [...revisions].sort((a, b) => a - b),
    );
    await seen.follow.close();
  });

  on('a closed follow is told nothing more', async (store, prefix) => {
    const seen = followed(store, prefix);
    await seen.becomes({});
    while (seen.snapshots === 0) await wait(5);
    await seen.follow.close();
    await store.commit({ operations: [{ put: `${prefix}k`, value: 'x' }] });
    await wait(100);
    assert.is(seen.state.size, 0);
    assert.equal(seen.errors, []);
  });

  on('a follower does not see its neighbours', async (store, prefix) => {
    const seen = followed(store, prefix);
    await store.commit({ operations: [{ put: `${prefix.slice(0, -1)}-old/k`, value: 'x' }] });
    await store.commit({ operations: [{ put: `${prefix}k`, value: 'y' }] });
    await seen.becomes({ [`${prefix}k`]: 'y' });
    await seen.follow.close();
  });

  on('a handler that throws ends the follow, with its error', async (store, prefix) => {
    const errors: Error[] = [];
    const follow = store.follow(prefix, {
      snapshot: () => {
        throw new Error('no');
      },
      change: () => undefined,
      error: (error) => {
        errors.push(error);
      },
    });
    const end = performance.now() + 5000;
    while (errors.length === 0 && performance.now() < end) await wait(5);
    assert.is(errors[0]?.message, 'no');
    await follow.close();
  });

  on('keys are in the order of their bytes, whatever characters they have', async (store, prefix) => {
    // UTF-16 would order the last two the other way round.
    const names = ['\0', '\n', ' ', 'A', 'a', '\u00e9', '\u07ff', '\uffee', '\u{1f600}'];
    const operations = names.map((name) => ({ put: prefix + name, value: name }));
    await store.commit({ operations: [...operations].reverse() });
    for (const pageSize of [1, 4, 100])
      assert.equal(
        text(await listed(store, prefix, pageSize)),
        names.map((name) => [prefix + name, name]),
      );
    const after: string[] = [];
    for await (const page of store.list(prefix, { after: `${prefix}\uffee` }))
      after.push(...page.entries.map(({ key }) => key));
    assert.equal(after, [`${prefix}\u{1f600}`]);
    const seen = followed(store, prefix);
    await seen.becomes(Object.fromEntries(names.map((name) => [prefix + name, name])));
    await seen.follow.close();
  });

  on('large values come back as they were, read, listed and followed', async (store, prefix) => {
    const value = Buffer.alloc(Math.min(1_000_000, store.limits.bytes - 1000), 'ß');
    const seen = followed(store, prefix);
    await until(() => seen.snapshots === 1);
    await store.commit({ operations: [{ put: `${prefix}large`, value }] });
    assert.ok((await store.get(`${prefix}large`))?.value.equals(value));
    assert.ok((await listed(store, prefix))[0]?.value.equals(value));
    await seen.becomes({ [`${prefix}large`]: value.toString() });
    await seen.follow.close();
  });

  on('pages show one revision while others write', async (store, prefix) => {
    const count = 60;
    const put = (value: string) =>
      Array.from({ length: count }, (_, i) => ({ put: prefix + String(i).padStart(3, '0'), value }));
    await store.commit({ operations: put('0') });
    let writing = true;
    const writer = (async () => {
      for (let i = 1; writing; i++) await store.commit({ operations: put(String(i)) });
    })();
    for (let round = 0; round < 5; round++) {
      const entries: KeyValue[] = [];
      const revisions = new Set<number>();
      for await (const page of store.list(prefix, { pageSize: 7 })) {
        entries.push(...page.entries);
        revisions.add(page.revision);
        await wait(2);
      }
      assert.is(entries.length, count);
      assert.is(new Set(entries.map(({ value }) => value.toString())).size, 1, 'of several revisions');
      assert.is(revisions.size, 1);
      assert.ok(entries.every(({ modRevision }) => modRevision <= ([...revisions][0] as number)));
    }
    writing = false;
    await writer;
  });

  on('of writers that compare one key, one wins each time; the others are told', async (store, prefix) => {
    const key = `${prefix}counter`;
    const add = async () => {
      let known = await store.get(key);
      for (;;) {
        const value = String(Number(known?.value ?? 0) + 1);
        const compare = [{ key, modRevision: known?.modRevision ?? 0 }];
        const { committed, current } = await store.commit({ compare, operations: [{ put: key, value }] });
        if (committed) return;
        assert.is(current.length, 1);
        known = current[0];
      }
    };
    const writer = async () => {
      for (let i = 0; i < 10; i++) await add();
    };
    await Promise.all(Array.from({ length: 4 }, writer));
    assert.is((await store.get(key))?.value.toString(), '40');
  });

  on('followers that begin while others write miss nothing and see nothing twice', async (store, prefix) => {
    const follows: Followed[] = [];
    const put = async (writer: number) => {
      for (let i = 0; i < 60; i++) {
        const key = `${prefix}${writer}/${i % 7}`;
        const both = { put: `${prefix}${writer}/last`, value: String(i) };
        const other = i % 5 === 4 ? { delete: key } : { put: key, value: String(i) };
        await store.commit({ operations: [both, other] });
        if (i % 20 === 10) follows.push(followed(store, prefix));
      }
    };
    await Promise.all([0, 1, 2].map(put));
    const expected = Object.fromEntries(text(await listed(store, prefix)));
    assert.is(Object.keys(expected).length, 3 * 6);
    for (const seen of follows) {
      await seen.becomes(expected);
      assert.is(seen.snapshots, 1);
      const told = seen.changes.map((c) =>
        c.type === 'put' ? `${c.entry.key}@${c.entry.modRevision}` : `${c.key}@${c.modRevision}`,
      );
      assert.is(new Set(told).size, told.length, 'told twice');
      assert.equal(seen.errors, []);
      await seen.follow.close();
    }
    assert.is(follows.length, 9);
  });

  on('all changes of a revision come in one call', async (store, prefix) => {
    const calls: number[][] = [];
    let snapshots = 0;
    const follow = store.follow(prefix, {
      snapshot: () => {
        snapshots++;
      },
      change: (changes) => {
        calls.push(changes.map((c) => (c.type === 'put' ? c.entry.modRevision : c.modRevision)));
      },
      error: (error) => assert.unreachable(String(error)),
    });
    await until(() => snapshots === 1);
    const names = Array.from({ length: 50 }, (_, i) => prefix + i);
    for (let i = 0; i < 10; i++)
      await store.commit({ operations: names.map((put) => ({ put, value: String(i) })) });
    await store.commit({ operations: names.map((name) => ({ delete: name })) });
    await until(() => calls.flat().length === 550);
    const where = new Map<number, number>();
    calls.forEach((call, at) => {
      for (const revision of call) {
        assert.is(where.get(revision) ?? at, at, 'a revision in two calls');
        where.set(revision, at);
      }
    });
    assert.is(where.size, 11);
    await follow.close();
  });

  on('a key with a ttl goes by itself, not before its time; put again it stays', async (store, prefix) => {
    const seen = followed(store, prefix);
    const ttl = 2;
    const began = performance.now();
    await store.commit({
      operations: [
        { put: `${prefix}a`, value: 'goes', ttl },
        { put: `${prefix}b`, value: 'goes', ttl: 2.5 },
        { put: `${prefix}stays`, value: '', ttl },
        { put: `${prefix}renewed`, value: '', ttl },
        { put: `${prefix}long`, value: '', ttl: 1000 },
      ],
    });
    await store.commit({ operations: [{ put: `${prefix}stays`, value: 'for ever' }] });
    await wait(1000);
    const { revision } = await store.commit({
      operations: [{ put: `${prefix}renewed`, value: '', ttl: 60 }],
    });
    await until(() => !seen.state.has(`${prefix}a`) && !seen.state.has(`${prefix}b`), 12_000);
    const took = (performance.now() - began) / 1000;
    assert.ok(took >= 2.4, `gone after ${took} s`);
    assert.equal([...seen.state.keys()].sort(), [`${prefix}long`, `${prefix}renewed`, `${prefix}stays`]);
    assert.is(await store.get(`${prefix}a`), undefined);
    assert.is((await listed(store, prefix)).length, 3);
    const gone = seen.changes.filter((change) => change.type === 'delete');
    assert.equal(gone.map(({ key }) => key).sort(), [`${prefix}a`, `${prefix}b`]);
    assert.ok(gone.every((change) => change.modRevision > revision));
    await seen.follow.close();
  });

  on('a ttl that is no time is refused', async (store, prefix) => {
    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      await rejects(store.commit({ operations: [{ put: `${prefix}k`, value: '', ttl }] }));
    assert.is(await store.get(`${prefix}k`), undefined);
  });

  on('an aborted call rejects and is not tried again', async (store, prefix) => {
    const signal = AbortSignal.abort(new Error('enough'));
    for (const call of [
      () => store.get(`${prefix}k`, signal),
      () => store.commit({ operations: [{ put: `${prefix}k`, value: 'x' }] }, signal),
      () => store.ready(signal),
    ])
      assert.is(await call().then(String, (error: Error) => error.message), 'enough');
    assert.is(await store.get(`${prefix}k`), undefined);
  });
}

async function until(what: () => boolean, timeout = 10_000): Promise<void> {
  const end = performance.now() + timeout;
  while (!what()) {
    if (performance.now() > end) assert.unreachable(`not in time: ${what}`);
    await wait(5);
  }
}

async function rejects(promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, Error, 'it did not reject');
  assert.is((error as { retry?: boolean }).retry, false, String(error));
}
