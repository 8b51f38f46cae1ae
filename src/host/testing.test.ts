// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { counter, definePlugin, z } from './plugin.js';
import { harness, hwaddr, ipv4, ipv6, MemoryStore, Operation } from './testing.js';

/** Keeps a count of events for every address. */
const tally = definePlugin({
  api: 1,
  name: 'tally',
  stability: 'experimental',
  summary: 'Counts events by address.',
  config: z.object({ step: z.int().default(1) }),
  consumes: { lease: { batch: 2, onGap: 'replay' } },
  prefixes: { counts: { prefix: 'tally/', access: 'write' }, hints: { prefix: 'hints/', access: 'read' } },
  metrics: { seen: counter('Events seen.', { kind: 'of events', operation: 'of leases' }) },
  setup({ config, metrics, prefix, commit }) {
    let hole = '';
    return {
      health: () => (hole ? { state: 'degraded', reason: hole } : { state: 'ok' }),
      async lease({ records }) {
        for (const record of records) {
          const operation = 'event' in record ? record.event.operation : '';
          metrics.seen.inc({ kind: record.kind, operation });
          if (record.kind === 'gap') hole = record.reason;
          if (record.kind === 'walk-end' && record.complete) hole = '';
          if (record.kind !== 'lease' && record.kind !== 'snapshot') continue;
          const name = record.event.address.join('.');
          const now = Number((await prefix.counts.get(name))?.value ?? 0) + config.step;
          await commit({ operations: [{ put: prefix.counts.key(name), value: String(now) }] });
        }
      },
    };
  },
});

test('a plugin is driven through events, a gap and a walk', async () => {
  const h = await harness(tally, { config: { step: 10 } });
  const address = ipv4('192.0.2.1');
  const event = { operation: Operation.ASSIGN, address };
  await h.emit('lease', event, event, event);
  assert.equal(h.store.dump(), { '/nnoe/tally/192.0.2.1': '30' });
  await h.gap('OVERRUN', 5);
  assert.equal(h.health(), { state: 'degraded', reason: 'OVERRUN' });
  await h.walk([{ address }, { address: ipv4('192.0.2.2') }]);
  assert.equal(h.health(), { state: 'ok' });
  assert.equal(h.store.dump('/nnoe/tally/'), {
    '/nnoe/tally/192.0.2.1': '40',
    '/nnoe/tally/192.0.2.2': '10',
  });
  assert.is(await h.metric('seen', { kind: 'lease' }), 3);
  assert.is(await h.metric('seen'), 8);
  // A label's value is the same as a number and as a text, as it is at /metrics.
  assert.is(await h.metric('seen', { operation: Operation.ASSIGN }), 3);
  assert.is(await h.metric('seen', { operation: '1' }), 3);
  await h.stop();
});

test('values are written as people write them', () => {
  assert.equal(ipv6('2001:db8::1'), Buffer.from('20010db8000000000000000000000001', 'hex'));
  assert.equal(hwaddr('02:00:00:00:00:AA'), Buffer.from('0200000000aa', 'hex'));
  assert.is(hwaddr('').length, 0);
  for (const text of ['192.0.2', '192.0.2.256', '::1', '']) assert.throws(() => ipv4(text), RangeError);
  for (const text of ['192.0.2.1', '1:2', '']) assert.throws(() => ipv6(text), RangeError);
  for (const text of ['02:0', '0200', 'zz', '02:']) assert.throws(() => hwaddr(text), RangeError);
});

test('periodic work runs at a tick; what is logged is kept; a failed life takes nothing more', async () => {
  const plugin = definePlugin({
    api: 1,
    name: 'ticker',
    stability: 'experimental',
    summary: 'Counts its ticks.',
    config: z.object({}),
    consumes: { lease: { batch: 1, onGap: 'ignore' } },
    prefixes: {},
    metrics: {},
    setup(ctx) {
      let ticks = 0;
      ctx.every(3600, async () => {
        ctx.log.info({ ticks: ++ticks }, 'tick');
      });
      ctx.log.warn('no details');
      return {
        lease: () => undefined,
        health() {
          if (ticks === 2) throw new Error('two is too many');
          return { state: 'ok' };
        },
      };
    },
  });
  const h = await harness(plugin);
  await h.tick();
  assert.equal(h.health(), { state: 'ok' });
  await h.tick();
  assert.equal(h.logged, [
    { level: 'warn', message: 'no details', details: {} },
    { level: 'info', message: 'tick', details: { ticks: 1 } },
    { level: 'info', message: 'tick', details: { ticks: 2 } },
  ]);
  assert.is(h.health().state, 'failed');
  assert.is(h.failure?.code, 'PLUGIN_HEALTH_FAILED');
  assert.is(await h.emit('lease', {}).catch((error) => error.code), 'PLUGIN_HEALTH_FAILED');
  await h.stop();
});

test('the harness refuses what the schema refuses', async () => {
  let refused: unknown;
  await harness(tally, { config: { stepp: 1 } }).catch((error) => {
    refused = error;
  });
  assert.match(String(refused), 'stepp');
});

test('a commit waits for a store that is down, and ends with its signal', async () => {
  const store = new MemoryStore();
  store.down();
  const late = store.commit({ operations: [{ put: '/a', value: '1' }] });
  const abort = new AbortController();
  const given = store
    .commit({ operations: [{ put: '/b', value: '1' }] }, abort.signal)
    .catch((e) => e.message);
  abort.abort(new Error('enough'));
  assert.is(await given, 'enough');
  store.up();
  assert.is((await late).committed, true);
  assert.equal(store.dump(), { '/a': '1' });
  await store.close();
});

test('following begins with a snapshot and begins again when the store is another', async () => {
  const store = new MemoryStore();
  await store.commit({ operations: [{ put: '/p/a', value: '1' }] });
  const told: string[] = [];
  const follow = store.follow('/p/', {
    snapshot: (entries) => void told.push(`snapshot ${entries.map((e) => e.key)}`),
    change: (changes) => void told.push(`change ${changes.map((c) => c.type)}`),
    error: (error) => void told.push(`error ${error.message}`),
  });
  await store.commit({
    operations: [
      { put: '/p/b', value: '1' },
      { put: '/q', value: '1' },
    ],
  });
  await store.commit({ operations: [{ delete: '/p/a' }] });
  store.reset();
  await follow.close();
  assert.equal(told.slice(0, 3), ['snapshot /p/a', 'change put', 'change delete']);
  await store.close();
});

test.run();
