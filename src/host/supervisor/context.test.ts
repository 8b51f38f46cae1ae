// SPDX-License-Identifier: MPL-2.0
// A plugin in plain JavaScript reaches only what it declared. What the compiler says: test/contract/.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NnoeError } from '../errors.js';
import { type Context, definePlugin, gauge, type Transaction, type WritePrefix, z } from '../plugin.js';
import { harness, MemoryStore } from '../testing.js';

const declared = {
  api: 1,
  name: 'sample',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({}),
  consumes: {},
  prefixes: {
    mine: { prefix: 'mine/', access: 'write' },
    theirs: { prefix: 'theirs/', access: 'read' },
  },
  metrics: { held: gauge('Held.') },
} as const;

const code = (thrown: unknown) =>
  thrown instanceof NnoeError ? `${thrown.code} ${thrown.values.what}` : thrown;

/** What plain JavaScript can do that the types do not allow. */
function provoke(work: (ctx: Record<string, Record<string, unknown>>) => unknown): unknown {
  try {
    return work(seen as Record<string, Record<string, unknown>>);
  } catch (error) {
    return code(error);
  }
}
let seen: unknown;

const start = () =>
  harness(
    definePlugin({
      ...declared,
      setup(ctx) {
        seen = ctx;
        return { health: () => ({ state: 'ok' }) };
      },
    }),
  );

test('what was not declared throws', async () => {
  const h = await start();
  assert.is(
    provoke((ctx) => ctx.prefix?.other),
    'PLUGIN_UNDECLARED prefix other',
  );
  assert.is(
    provoke((ctx) => ctx.metrics?.other),
    'PLUGIN_UNDECLARED metric other',
  );
  for (const name of ['store', 'streams', 'tables', 'publish'])
    assert.is(
      provoke((ctx) => ctx[name]),
      `PLUGIN_UNDECLARED ${name}`,
    );
  assert.match(
    String(
      provoke((ctx) => {
        ctx.node = {};
      }),
    ),
    'TypeError',
  );
  const commit = (transaction: Transaction) =>
    (seen as { commit(t: Transaction): Promise<unknown> }).commit(transaction).then(() => 'done', code);
  assert.is(await commit({ operations: [{ put: '/nnoe/mine/a', value: '1' }] }), 'done');
  const compare = [{ key: '/nnoe/theirs/a', modRevision: 0 }];
  assert.is(await commit({ compare, operations: [{ delete: '/nnoe/mine/a' }] }), 'done');
  for (const key of ['/nnoe/theirs/a', '/nnoe/minefield', '/other/mine/a', '/nnoe/'])
    assert.is(
      await commit({ operations: [{ put: key, value: '1' }] }),
      `PLUGIN_UNDECLARED key ${key} for writing`,
    );
  await h.stop();
});

test('what is not declared for writing is not written, in whatever way', async () => {
  const h = await start();
  const theirs = (seen as { prefix: { theirs: WritePrefix } }).prefix.theirs;
  for (const attempt of [theirs.put('a', '1'), theirs.create('a', '1'), theirs.delete('a')])
    assert.is(await attempt.then(() => 'done', code), 'PLUGIN_UNDECLARED prefix theirs for writing');
  assert.equal(h.store.dump(), {});
  await h.stop();
});

test('periodic work has a range', async () => {
  const h = await start();
  const every = (seconds: number) => () =>
    (seen as Context<typeof declared>).every(seconds, async () => undefined);
  for (const seconds of [0, -1, Number.NaN, 86_401]) assert.throws(every(seconds), /0.01 to 86400/);
  every(86_400)();
  await h.stop();
});

test('a follow begins when the plugin does and ends with it; a handler that throws fails the plugin', async () => {
  const store = new MemoryStore();
  const told: string[] = [];
  const plugin = definePlugin({
    ...declared,
    setup(ctx) {
      ctx.prefix.theirs.follow({
        snapshot: (entries) => void told.push(`${entries.length} there`),
        change(changes) {
          told.push(`${changes.length} changed`);
          if (changes.some((change) => change.type === 'delete')) throw new Error('no deletes, please');
        },
      });
      return { health: () => ({ state: 'ok' }) };
    },
  });
  const h = await harness(plugin, { store });
  await store.commit({
    operations: [
      { put: '/nnoe/theirs/a', value: '1' },
      { put: '/nnoe/mine/a', value: '' },
    ],
  });
  await store.settled();
  assert.equal(told, ['0 there', '1 changed']);
  await store.commit({ operations: [{ delete: '/nnoe/theirs/a' }] });
  await store.settled();
  assert.is(h.failure?.code, 'PLUGIN_FOLLOW_FAILED');
  assert.match(h.failure?.message ?? '', 'no deletes, please');
  await store.commit({ operations: [{ put: '/nnoe/theirs/b', value: '1' }] });
  await store.settled();
  assert.is(told.length, 3, 'nothing more is delivered');
  await h.stop();
  await store.close();
});

test.run();
