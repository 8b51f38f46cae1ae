// SPDX-License-Identifier: MPL-2.0
// Lives of plugins without streams; those with them are in ../streams.
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { PatientClock } from '../clock.js';
import { HostMetrics } from '../metrics.js';
import { type AnyPlugin, type Context, type Declarations, definePlugin, type Running } from '../plugin.js';
import { MemoryStore } from '../testing.js';
import { PluginRunner } from './runner.js';

type Bare = Omit<Declarations, 'consumes'> & { consumes: Record<never, never> };

const idle = (): Running<Bare> => ({ health: () => ({ state: 'ok' }) });

const plugin = (setup: (ctx: Context<Bare>) => Running<Bare> | Promise<Running<Bare>>): AnyPlugin =>
  definePlugin({
    api: 1,
    name: 'sample',
    stability: 'experimental',
    summary: 'For tests.',
    config: z.object({}),
    consumes: {},
    prefixes: {},
    metrics: {},
    setup,
  });

function stage(plugin: AnyPlugin, store = new MemoryStore()) {
  const registry = new Registry();
  const clock = new PatientClock(() => store.health().state === 'ok');
  const runner = new PluginRunner({
    plugin,
    config: {},
    node: 'n',
    root: '/nnoe',
    store,
    sources: [],
    clock,
    hostMetrics: new HostMetrics(registry, {
      version: '0',
      etcd: false,
      cached: false,
      tables: false,
      decisions: false,
      programs: false,
    }),
    metrics: {},
    tables: {
      open() {
        throw new Error('no table was declared');
      },
    },
    log: pino({ level: 'silent' }),
  });
  return { runner, registry, store, clock };
}

async function until(what: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!what() && performance.now() < end) await wait(10);
  assert.ok(what(), what.toString());
}

test('a plugin whose setup throws is tried again with growing pauses', async () => {
  const tries: number[] = [];
  const { runner, registry, clock } = stage(
    plugin(() => {
      tries.push(performance.now());
      if (tries.length < 3) throw new Error('not yet');
      return idle();
    }),
  );
  void runner.start();
  await until(() => runner.health().state === 'failed');
  assert.match(runner.health().reason, 'not yet');
  await until(() => runner.health().state === 'ok', 6000);
  const [first = 0, second = 0, third = 0] = tries;
  assert.ok(second - first >= 950, `${second - first} ms`);
  assert.ok(third - second >= 1900, `${third - second} ms`);
  assert.match(
    await registry.metrics(),
    'nnoe_plugin_failures_total{plugin="sample",code="PLUGIN_SETUP_FAILED"} 2',
  );
  await runner.stop(1);
  assert.is(runner.health().state, 'stopped');
  clock.close();
});

test('health that throws, periodic work that throws: the plugin fails, by name', async () => {
  let broken = false;
  const first = stage(
    plugin(() => ({
      health() {
        if (broken) throw new Error('who knows');
        return { state: 'ok' };
      },
    })),
  );
  await first.runner.start();
  assert.is(first.runner.health().state, 'ok');
  broken = true;
  assert.is(first.runner.health().code, 'PLUGIN_HEALTH_FAILED');
  await first.runner.stop(1);
  let ran = 0;
  const second = stage(
    plugin((ctx) => {
      ctx.every(0.02, async () => {
        ran++;
        if (ran === 3) throw new Error('third time');
      });
      return idle();
    }),
  );
  await second.runner.start();
  await until(() => second.runner.health().code === 'PLUGIN_TIMER_FAILED');
  assert.is(ran, 3);
  await second.runner.stop(1);
  first.clock.close();
  second.clock.close();
});

test('a plugin that does not stop is left behind after its deadline; its signal is aborted first', async () => {
  let aborted = false;
  const { runner, clock } = stage(
    plugin((ctx) => ({
      ...idle(),
      stop() {
        aborted = ctx.signal.aborted;
        return new Promise<void>(() => undefined);
      },
    })),
  );
  await runner.start();
  const began = performance.now();
  await runner.stop(0.2);
  const took = performance.now() - began;
  assert.ok(took >= 190 && took < 1000, `${took} ms`);
  assert.is(aborted, true);
  clock.close();
});

test('a setup that waits for the store is not hurried, and is told when the host stops', async () => {
  const store = new MemoryStore();
  store.down();
  let end = '';
  const { runner, clock } = stage(
    plugin(async (ctx) => {
      await store.ready(ctx.signal).catch((error: Error) => {
        end = error.message;
        throw error;
      });
      return idle();
    }),
    store,
  );
  void runner.start();
  await wait(100);
  assert.is(runner.health().state, 'starting');
  await runner.stop(0.5);
  await until(() => end !== '');
  assert.match(end, 'stopped');
  assert.is(runner.health().state, 'stopped', 'and no next life begins');
  clock.close();
});

test.run();
