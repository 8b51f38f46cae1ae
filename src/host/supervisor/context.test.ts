// SPDX-License-Identifier: MPL-2.0
// A plugin reaches only what it declared: the compiler says so, and so does the host at run time.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { tree } from '../../../test/lib/tree.js';
import { NnoeError } from '../errors.js';
import { definePlugin, gauge, type Transaction } from '../plugin.js';
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
  thrown instanceof NnoeError ? `${thrown.code} ${thrown.details.what}` : thrown;

/** What plain JavaScript can do that the types do not allow. */
function provoke(work: (ctx: Record<string, Record<string, unknown>>) => unknown): unknown {
  try {
    return work(seen as Record<string, Record<string, unknown>>);
  } catch (error) {
    return code(error);
  }
}
let seen: unknown;

test('what was not declared throws', async () => {
  const h = await harness(
    definePlugin({
      ...declared,
      setup(ctx) {
        seen = ctx;
        return { health: () => ({ state: 'ok' }) };
      },
    }),
  );
  assert.is(
    provoke((ctx) => ctx.prefix?.other),
    'PLUGIN_UNDECLARED prefix other',
  );
  assert.is(
    provoke((ctx) => ctx.metrics?.other),
    'PLUGIN_UNDECLARED metric other',
  );
  assert.is(
    provoke((ctx) => ctx.store),
    'PLUGIN_UNDECLARED store',
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

test('handlers and declarations must agree', async () => {
  const failed = async (plugin: Parameters<typeof harness>[0]) => {
    try {
      await harness(plugin);
    } catch (error) {
      return code(error);
    }
    return 'it was accepted';
  };
  const health = () => ({ state: 'ok' }) as const;
  // biome-ignore lint/suspicious/noExplicitAny: what the types refuse.
  const loose = (parts: object) => ({ ...declared, ...parts }) as any;
  const consumes = { lease: { batch: 8, onGap: 'replay' } };
  assert.is(
    await failed(loose({ setup: () => ({ health, lease: () => undefined }) })),
    'PLUGIN_UNDECLARED stream lease',
  );
  const why = async (parts: object) => String(await failed(loose(parts)));
  assert.match(await why({ consumes, setup: () => ({ health }) }), 'PLUGIN_INVALID');
  assert.match(await why({ setup: () => ({}) }), 'PLUGIN_INVALID');
  assert.match(await why({ consumes: { rain: consumes.lease } }), 'PLUGIN_INVALID');
  assert.match(await why({ consumes: { lease: { batch: 0, onGap: 'replay' } } }), 'PLUGIN_INVALID');
  assert.match(await why({ consumes: { lease: { batch: 1 } } }), 'PLUGIN_INVALID');
  assert.match(await why({ prefixes: { p: { prefix: '/abs', access: 'read' } } }), 'PLUGIN_INVALID');
  assert.match(await why({ name: 'Bad Name' }), 'PLUGIN_INVALID');
  assert.match(await why({ api: 2 }), 'PLUGIN_INVALID');
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
        error: () => undefined,
      });
      return { health: () => ({ state: 'ok' }) };
    },
  });
  const h = await harness(plugin, { store });
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
  await store.commit({
    operations: [
      { put: '/nnoe/theirs/a', value: '1' },
      { put: '/nnoe/mine/a', value: '' },
    ],
  });
  await turn();
  assert.equal(told, ['0 there', '1 changed']);
  await store.commit({ operations: [{ delete: '/nnoe/theirs/a' }] });
  await turn();
  assert.is(h.failure?.code, 'PLUGIN_FOLLOW_FAILED');
  assert.match(h.failure?.message ?? '', 'no deletes, please');
  await store.commit({ operations: [{ put: '/nnoe/theirs/b', value: '1' }] });
  await turn();
  assert.is(told.length, 3, 'nothing more is delivered');
  await h.stop();
  await store.close();
});

/** Compiles a plugin against the contract; gives the compiler's messages. */
function compile(setup: string): string {
  const directory = mkdtempSync(join(tree, 'dist', 'undeclared-'));
  try {
    const file = join(directory, 'plugin.ts');
    writeFileSync(
      file,
      `import { z } from 'zod';
      import { definePlugin, gauge } from '../../src/host/plugin.js';
      export default definePlugin({
        api: 1, name: 'sample', stability: 'experimental', summary: 's', config: z.object({ n: z.number() }),
        consumes: {}, prefixes: { mine: { prefix: 'mine/', access: 'write' } }, metrics: { held: gauge('h') },
        setup(ctx) { ${setup} },
      });`,
    );
    const options = {
      extends: join(tree, 'tsconfig.json'),
      compilerOptions: { noEmit: true, incremental: false, tsBuildInfoFile: null, rootDir: tree },
      include: [file],
      exclude: [],
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(options));
    const tsc = join(tree, 'node_modules', '.bin', 'tsc');
    execFileSync(tsc, ['-p', directory], { encoding: 'utf8', cwd: tree });
    return '';
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? String(error);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('what was not declared does not compile', () => {
  const good = 'const n: number = ctx.config.n; ctx.metrics.held.set(n); ctx.prefix.mine.key("");';
  const end = `return { health: () => ({ state: 'ok' }) };`;
  assert.is(compile(good + end), '', 'what was declared does');
  assert.match(compile(`ctx.prefix.other.key('');${end}`), "'other' does not exist");
  assert.match(compile(`ctx.metrics.other.set(1);${end}`), "'other' does not exist");
  assert.match(compile(`ctx.store;${end}`), "'store' does not exist");
  const handler = `return { health: () => ({ state: 'ok' }), lease: () => undefined };`;
  assert.match(compile(handler), "Types of property 'lease' are incompatible");
});

test.run();
