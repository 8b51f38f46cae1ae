// SPDX-License-Identifier: MPL-2.0
// Reading and writing keys: values, revisions, compares, limits, refusals.
import * as assert from 'uvu/assert';
import { listed, type On, rejects, text } from './kit.js';

export function transactions(on: On): void {
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
