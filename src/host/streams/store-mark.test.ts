// SPDX-License-Identifier: MPL-2.0
// A store that is not the one of before: noticed at the start, whatever it holds meanwhile, and never without cause.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { cleanUp, type Stage, stage, temporary, until } from '../../../test/lib/host-stage.js';
import { JournalScript } from '../../../test/lib/journal-script.js';
import { definePlugin } from '../plugin.js';
import { MemoryStore } from '../testing.js';

test.after(cleanUp);

/** A store that outlives the host, as an etcd does. */
class Lasting extends MemoryStore {
  override async close(): Promise<void> {
    // A host that stops leaves it as it is.
  }

  /** What a backup would hold. */
  copy(): Lasting {
    const other = new Lasting();
    const puts = Object.entries(this.dump()).map(([put, value]) => ({ put, value }));
    void other.commit({ operations: puts });
    return other;
  }
}

const writes = definePlugin({
  api: 1,
  name: 'writes',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({}),
  consumes: { lease: { batch: 64, onGap: 'replay' } },
  prefixes: { own: { prefix: 'own/', access: 'write' } },
  metrics: {},
  setup: (ctx) => ({
    async lease({ records }) {
      await ctx.prefix.own.put('seen', String(records.length));
    },
    health: () => ({ state: 'ok' }),
  }),
});

const owed = ({ host }: Stage) => host.health().sources.dhcp4?.walkOwedAfter;
const lag = ({ host }: Stage) => host.health().sources.dhcp4?.consumers[0]?.lag;
const marks = (store: MemoryStore) => Object.values(store.dump('/nnoe/dhcp/journals/'));

interface Scene {
  script: JournalScript;
  begin(store: MemoryStore): Promise<Stage>;
  file: string;
}

/** A journal whose first walk is written into `store`, by a host that has stopped. */
async function settled(store: Lasting): Promise<Scene> {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  const begin = (of: MemoryStore) => stage({ journals: { dhcp4: directory }, plugins: [writes], store: of });
  await script.walk(1, 2);
  const first = await begin(store);
  await until(() => lag(first) === 0 && marks(store).length === 1);
  await first.host.stop();
  assert.not.ok(first.codes.includes('SOURCE_STORE_LOST'));
  return { script, begin, file: join(directory, 'cursors', 'store.mark') };
}

test('the same store again owes nothing, after a stop and after marks that were never answered', async () => {
  const store = new Lasting();
  const { script, begin } = await settled(store);
  for (const round of [1, 2, 3]) {
    // As if the host had been killed between the store and the file.
    const [key = ''] = Object.keys(store.dump('/nnoe/dhcp/journals/'));
    const mark = Number(JSON.parse(marks(store)[0] ?? '').mark);
    await store.commit({ operations: [{ put: key, value: JSON.stringify({ mark: mark + round }) }] });
    await script.lease(round).head();
    const again = await begin(store);
    await until(() => lag(again) === 0);
    await wait(100);
    assert.is(owed(again), undefined);
    await again.host.stop();
    assert.not.ok(again.codes.includes('SOURCE_STORE_LOST'));
  }
  assert.is(script.walks, 0);
  await script.end();
});

test('a store that is empty, or filled by others, owes a walk, once', async () => {
  for (const filled of [false, true]) {
    const { script, begin } = await settled(new Lasting());
    const empty = new Lasting();
    if (filled)
      for (let i = 0; i < 50; i++)
        await empty.commit({ operations: [{ put: `/nnoe/other/${i}`, value: 'x' }] });
    const head = await script.lease(3).head();
    const started = await begin(empty);
    await until(() => script.walks === 1, 10_000);
    assert.ok((owed(started) ?? 0) >= head);
    assert.ok(started.codes.includes('SOURCE_STORE_LOST'));
    await script.walk(1, 2, 3);
    await until(() => owed(started) === undefined);
    await started.host.stop();
    const again = await begin(empty);
    await until(() => lag(again) === 0 && marks(empty).length === 1);
    await wait(100);
    assert.is(owed(again), undefined);
    assert.is(script.walks, 1);
    await again.host.stop();
    await script.end();
  }
});

test('a backup of before the last start owes a walk; the debt outlives a host that is stopped before it is paid', async () => {
  const store = new Lasting();
  const { script, begin } = await settled(store);
  const backup = store.copy();
  const second = await begin(store);
  await script.lease(3).head();
  await until(() => lag(second) === 0);
  await second.host.stop();
  const third = await begin(backup);
  await until(() => owed(third) !== undefined && third.codes.includes('SOURCE_STORE_LOST'));
  await third.host.stop();
  const fourth = await begin(backup);
  await until(() => script.walks > 0, 10_000);
  assert.ok(owed(fourth));
  await script.walk(1, 2, 3);
  await until(() => owed(fourth) === undefined);
  assert.not.ok(fourth.codes.includes('SOURCE_STORE_LOST'), 'it was made up for already');
  await fourth.host.stop();
  await script.end();
});

test('a store that is emptied while the host runs owes a walk, and the next start none', async () => {
  const store = new Lasting();
  const { script, begin } = await settled(store);
  const started = await begin(store);
  await until(() => lag(started) === 0);
  store.reset();
  await until(() => script.walks === 1);
  await script.walk(1, 2);
  await until(() => owed(started) === undefined);
  await started.host.stop();
  const again = await begin(store);
  await until(() => lag(again) === 0);
  await wait(100);
  assert.is(owed(again), undefined);
  assert.is(script.walks, 1);
  await again.host.stop();
  await script.end();
});

test('a store that is away at the start is asked when it is back; a mark that is no mark counts as none', async () => {
  const { script, begin, file } = await settled(new Lasting());
  const empty = new Lasting();
  empty.down();
  const started = await begin(empty);
  await wait(50);
  assert.is(owed(started), undefined);
  empty.up();
  await until(() => owed(started) !== undefined);
  await started.host.stop();
  rmSync(file.replace('store.mark', 'walk.owed'));
  const [id = ''] = readFileSync(file, 'utf8').split(' ');
  for (const damage of ['', 'x', `${id} x\n`, `${'0'.repeat(id.length)} 900\n`]) {
    writeFileSync(file, damage);
    const again = await begin(empty);
    await until(() => existsSync(file) && readFileSync(file, 'utf8').startsWith(`${id} `));
    await wait(50);
    assert.not.ok(again.codes.includes('SOURCE_STORE_LOST'), JSON.stringify(damage));
    await again.host.stop();
  }
  const [key = ''] = Object.keys(empty.dump('/nnoe/dhcp/journals/'));
  await empty.commit({ operations: [{ put: key, value: '{"mark":"many"}' }] });
  const last = await begin(empty);
  await until(() => last.codes.includes('SOURCE_STORE_LOST'));
  assert.ok(existsSync(file));
  await last.host.stop();
  await script.end();
});

test.run();
