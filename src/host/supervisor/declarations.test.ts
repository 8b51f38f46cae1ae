// SPDX-License-Identifier: MPL-2.0
// What a plugin in plain JavaScript may declare, and what its setup may return.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NnoeError } from '../errors.js';
import { type AnyPlugin, counter, histogram, z } from '../plugin.js';
import { harness } from '../testing.js';
import { checkPlugins } from './declarations.js';

const health = () => ({ state: 'ok' }) as const;
const lease = { batch: 8, onGap: 'replay' };
const good = {
  api: 1,
  name: 'sample',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({}),
  consumes: {},
  prefixes: {},
  metrics: {},
  setup: () => ({ health }),
};
/** As plain JavaScript brings it. */
const loose = (parts: object) => ({ ...good, ...parts }) as unknown as AnyPlugin;

function refusal(...plugins: AnyPlugin[]): string {
  try {
    checkPlugins(plugins);
  } catch (error) {
    assert.ok(error instanceof NnoeError, String(error));
    assert.is(error.code, 'PLUGIN_INVALID');
    return error.message;
  }
  return 'accepted';
}

test('what is well declared is accepted', () => {
  const metrics = { seen_total: counter('Seen.', { kind: 'lease' }), took: histogram('Time, s.', [1, 2]) };
  assert.is(refusal(loose({})), 'accepted');
  const prefixes = { all: { prefix: 'a/b/', access: 'write' } };
  const config = z.strictObject({ site: z.string().default('') });
  assert.is(refusal(loose({ config, consumes: { lease }, prefixes, metrics })), 'accepted');
});

test('one plugin publishes a table, of those that are enabled', () => {
  const publishes = { mine: { table: 'roles' } } as const;
  const [one, two] = [loose({ publishes }), loose({ name: 'other', publishes })];
  assert.match(
    refusal(one, two),
    'plugin other is refused: it publishes the table roles, and so does plugin sample',
  );
  checkPlugins([one, two], (name) => name === 'other');
  assert.is(refusal(one, loose({ name: 'other', publishes: { l: { table: 'names' } } })), 'accepted');
});

const faults: [why: string, parts: object, words: RegExp][] = [
  ['another contract', { api: 2 }, /api: this host has contract 1/],
  ['a name with blanks', { name: 'Bad Name' }, /name: a name is of a-z/],
  ['a name longer than a cursor takes', { name: 'a'.repeat(64) }, /name: .*63/],
  ['no summary', { summary: '' }, /summary/],
  ['an unknown stability', { stability: 'alpha' }, /stability/],
  ['a schema that is none', { config: {} }, /config: .*nnoe\/plugin/],
  ['a schema that is no section', { config: z.string() }, /config: .*nnoe\/plugin/],
  ['no consumes', { consumes: undefined }, /consumes/],
  ['an unknown stream', { consumes: { rain: lease } }, /consumes: .*rain/],
  ['no batch', { consumes: { lease: { onGap: 'ignore' } } }, /consumes.lease.batch/],
  ['a batch of none', { consumes: { lease: { ...lease, batch: 0 } } }, /consumes.lease.batch: .*>=1/],
  ['a batch too large', { consumes: { lease: { ...lease, batch: 4097 } } }, /consumes.lease.batch: .*<=4096/],
  ['a window too large', { consumes: { lease: { ...lease, window: 17 } } }, /consumes.lease.window/],
  ['no word on gaps', { consumes: { lease: { batch: 1 } } }, /consumes.lease.onGap/],
  ['an endless deadline', { consumes: { lease: { ...lease, deadline: 3601 } } }, /consumes.lease.deadline/],
  ['a misspelt key', { consumes: { lease: { ...lease, dedline: 1 } } }, /consumes.lease: .*dedline/],
  ['an absolute prefix', { prefixes: { p: { prefix: '/abs/', access: 'read' } } }, /prefixes.p.prefix/],
  ['a prefix without its slash', { prefixes: { p: { prefix: 'a', access: 'read' } } }, /prefixes.p.prefix/],
  ['an unknown access', { prefixes: { p: { prefix: 'a/', access: 'all' } } }, /prefixes.p.access/],
  ['a metric’s bad name', { metrics: { 'a-b': counter('A.') } }, /metrics.a-b/],
  ['a metric without help', { metrics: { a: counter('') } }, /metrics.a.help/],
  ['a label’s bad name', { metrics: { a: counter('A.', { 'a-b': 'x' }) } }, /metrics.a.labels/],
  ['buckets that do not ascend', { metrics: { a: histogram('A.', [2, 1]) } }, /metrics.a.buckets: .*ascend/],
  ['an unknown kind of metric', { metrics: { a: { type: 'summary', help: 'A.' } } }, /metrics.a.type/],
  ['a table that does not exist', { publishes: { t: { table: 'leases' } } }, /publishes.t.table/],
  [
    'a table twice',
    { publishes: { a: { table: 'roles' }, b: { table: 'roles' } } },
    /publishes: each table once/,
  ],
  [
    'a key of a table that there is not',
    { publishes: { t: { table: 'roles', whole: 1 } } },
    /publishes.t: .*whole/,
  ],
  ['no setup', { setup: undefined }, /setup: a function/],
];

for (const [why, parts, words] of faults)
  test(`refused: ${why}`, () => assert.match(refusal(loose(parts)), words));

test('what is no plugin at all is refused by name, not by a TypeError', () => {
  for (const nothing of [undefined, null, 1, {}, () => undefined])
    assert.match(refusal(nothing as unknown as AnyPlugin), /is refused/);
});

test('all faults of a plugin are told at once', () => {
  const told = refusal(loose({ api: 2, name: 'X', summary: '' }));
  for (const key of ['api', 'name', 'summary']) assert.match(told, `${key}: `);
});

test('two plugins of one name, or whose metrics would have one name, are refused', () => {
  assert.match(refusal(loose({}), loose({})), 'two of that name');
  const first = loose({ name: 'a-b', metrics: { c: counter('C.') } });
  const second = loose({ name: 'a', metrics: { b_c: counter('C.') } });
  assert.match(refusal(first, second), 'would be nnoe_a_b_c, which is a metric of plugin a-b');
  const host = loose({ name: 'plugin', metrics: { restarts_total: counter('C.') } });
  assert.match(refusal(host), 'which is a metric of the host');
});

test('handlers must be those of the streams declared', async () => {
  const failed = (parts: object) =>
    harness(loose(parts)).then(
      () => 'accepted',
      (error: NnoeError) => `${error.code}: ${error.message}`,
    );
  const run = (running: object | undefined) => () => running;
  assert.match(await failed({ setup: run({ health, lease: health }) }), /^PLUGIN_UNDECLARED: .*stream lease/);
  assert.match(await failed({ consumes: { lease }, setup: run({ health }) }), /^PLUGIN_INVALID: .*handler/);
  assert.match(await failed({ setup: run({}) }), /^PLUGIN_INVALID: .*health/);
  assert.match(await failed({ setup: run(undefined) }), /^PLUGIN_INVALID: .*health/);
  assert.match(await failed({ setup: run({ health, stop: 1 }) }), /^PLUGIN_INVALID: .*stop/);
  assert.is(await failed({ consumes: { lease }, setup: run({ health, lease: health }) }), 'accepted');
});

test.run();
