// SPDX-License-Identifier: MPL-2.0
// What a declared prefix does: single keys, the mirror, the follow.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Context, definePlugin, type Transaction, z } from '../plugin.js';
import { type Harness, harness, MemoryStore } from '../testing.js';

const prefixes = {
  mine: { prefix: 'mine/', access: 'write' },
  theirs: { prefix: 'theirs/', access: 'read' },
} as const;
type None = Record<never, never>;
type Ctx = Context<{ config: z.ZodObject; consumes: None; prefixes: typeof prefixes; metrics: None }>;

/** A plugin that gives its context away. */
async function start<S extends MemoryStore>(
  store: S,
  setup: (ctx: Ctx) => unknown = () => undefined,
): Promise<{ ctx: Ctx; h: Harness<S> }> {
  let given: Ctx | undefined;
  const plugin = definePlugin({
    api: 1,
    name: 'sample',
    stability: 'experimental',
    summary: 'For tests.',
    config: z.object({}),
    consumes: {},
    prefixes,
    metrics: {},
    async setup(ctx) {
      given = ctx as Ctx;
      await setup(given);
      return { health: () => ({ state: 'ok' }) };
    },
  });
  const h = await harness(plugin, { store });
  return { ctx: given as Ctx, h };
}

test('single keys: put, create, get, delete, list', async () => {
  const store = new MemoryStore();
  const { ctx, h } = await start(store);
  const { mine } = ctx.prefix;
  await mine.put('a', '1');
  await mine.put('a', '2');
  assert.is(await mine.create('a', '3'), false);
  assert.is(await mine.create('b', '4'), true);
  assert.is(String((await mine.get('a'))?.value), '2');
  assert.is(await mine.get('c'), undefined);
  const listed: (string | undefined)[] = [];
  for await (const page of mine.list({ pageSize: 1 }))
    listed.push(...page.entries.map((e) => mine.name(e.key)));
  assert.equal(listed, ['a', 'b']);
  for await (const page of mine.list({ after: 'a' }))
    assert.equal(
      page.entries.map((e) => e.key),
      [mine.key('b')],
    );
  await mine.delete('a');
  await mine.delete('a');
  assert.equal(store.dump(), { '/nnoe/mine/b': '4' });
  assert.is(mine.name('/nnoe/theirs/a'), undefined);
  await h.stop();
  await store.close();
});

/** Loses the answer of the next transaction: it is applied, and tried again. */
class Lossy extends MemoryStore {
  lose = false;
  override async commit(transaction: Transaction, signal?: AbortSignal) {
    if (!this.lose) return super.commit(transaction, signal);
    this.lose = false;
    await super.commit(transaction, signal);
    return { ...(await super.commit(transaction, signal)), retried: true };
  }
}

test('a create whose answer was lost knows its own value, and no other’s', async () => {
  const store = new Lossy();
  const { ctx, h } = await start(store);
  store.lose = true;
  assert.is(await ctx.prefix.mine.create('a', 'mine'), true);
  store.lose = true;
  assert.is(await ctx.prefix.mine.create('a', 'another'), false);
  assert.is(await ctx.prefix.mine.create('a', 'mine'), false, 'it was there before this call');
  await h.stop();
  await store.close();
});

test('a mirror holds what the store holds, from the first look on', async () => {
  const store = new MemoryStore();
  const put = (name: string, value: string) =>
    store.commit({ operations: [{ put: `/nnoe/theirs/${name}`, value }] });
  await put('a', '1');
  await put('x', 'no number');
  let map: ReadonlyMap<string, number> = new Map();
  const number = (value: Buffer) => (Number.isNaN(Number(value)) ? undefined : Number(value));
  const { h } = await start(store, async (ctx) => {
    map = await ctx.prefix.theirs.mirror(number);
  });
  const now = async () => {
    await store.settled();
    return Object.fromEntries(map);
  };
  assert.equal(await now(), { a: 1 });
  await put('b', '2');
  await put('a', 'no number either');
  assert.equal(await now(), { b: 2 });
  await store.commit({ operations: [{ delete: '/nnoe/theirs/b' }] });
  assert.equal(await now(), {});
  await put('c', '3');
  store.reset();
  assert.equal(await now(), {}, 'the store came back empty');
  await h.stop();
  await store.close();
});

test('a mirror whose parse throws fails the plugin; one that nobody waits for ends with it quietly', async () => {
  const store = new MemoryStore();
  const parse = (value: Buffer) => JSON.parse(String(value)) as unknown;
  const { h } = await start(store, (ctx) => void ctx.prefix.theirs.mirror(parse));
  await store.commit({ operations: [{ put: '/nnoe/theirs/a', value: '{' }] });
  await store.settled();
  assert.is(h.failure?.code, 'PLUGIN_FOLLOW_FAILED');
  await h.stop();
  const { h: second } = await start(new MemoryStore(), (ctx) => void ctx.prefix.theirs.mirror(parse));
  await second.stop();
  const refused = await start(store, (ctx) => ctx.prefix.theirs.mirror(parse)).catch((error) => error.code);
  assert.is(refused, 'PLUGIN_FOLLOW_FAILED');
  await store.close();
});

test.run();
