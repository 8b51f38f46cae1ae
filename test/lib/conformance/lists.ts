// SPDX-License-Identifier: MPL-2.0
// Listing a prefix: order, pages, one revision; large values.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { KeyValue } from '../../../src/host/store/store.js';
import { followed } from '../followed.js';
import { listed, type On, text, until } from './kit.js';

export function lists(on: On): void {
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
}
