// SPDX-License-Identifier: MPL-2.0
// Following a prefix: a snapshot, then every change in its turn; keys that go by themselves.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { type Followed, followed } from '../followed.js';
import { listed, type On, text, until } from './kit.js';

export function follows(on: On): void {
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

  on('a follower from now on is told every change, and nothing of what was there', async (store, prefix) => {
    await store.commit({ operations: ['a', 'b'].map((name) => ({ put: prefix + name, value: 'old' })) });
    const snapshots: [number, number][] = [];
    const told: string[] = [];
    let last = 0;
    const follow = store.follow(
      prefix,
      {
        snapshot: (entries, revision) => {
          snapshots.push([entries.length, revision]);
        },
        change: (changes, revision) => {
          for (const change of changes)
            told.push(change.type === 'put' ? change.entry.key : `-${change.key}`);
          last = revision;
        },
        error: (error) => assert.unreachable(String(error)),
      },
      { from: 'now' },
    );
    await until(() => snapshots.length > 0);
    await store.commit({ operations: [{ put: `${prefix}b`, value: 'new' }] });
    const { revision } = await store.commit({ operations: [{ delete: `${prefix}a` }] });
    await until(() => last >= revision);
    assert.equal(told, [`${prefix}b`, `-${prefix}a`]);
    assert.is(snapshots.length, 1);
    assert.is(snapshots[0]?.[0], 0);
    assert.ok((snapshots[0]?.[1] ?? 0) < revision);
    await follow.close();
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
}
