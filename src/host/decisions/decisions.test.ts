// SPDX-License-Identifier: MPL-2.0
// What plugins are handed of what the addon took; how far a dnsdist is behind.
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PatientClock } from '../clock.js';
import type { NnoeError } from '../errors.js';
import { native } from '../native.js';
import type { DecisionBatch } from '../plugin.js';
import { bridgeTrouble } from '../tables/health.js';
import type { NativeBridge } from '../tables/native.js';
import { makeBatch, told } from './batch.js';
import { BridgeLag } from './lag.js';
import type { DecisionsState, NativeRecord, TakenDecisions } from './native.js';
import { type DecisionConsumer, DecisionsService } from './service.js';
import { isBlocked, verdicts } from './words.js';

const layout = native().decisionLayout;
const acts = layout.acts.length;
const size = (layout.roleSets + layout.lists + layout.reasons.length) * acts;
const listsAt = layout.roleSets * acts;
const reasonsAt = listsAt + layout.lists * acts;
const nothing = { keys: [], counts: new Float64Array(), error: 0 };
const words = {
  roles: (id: number) => (id === 3 ? ['iot', 'printer'] : []),
  list: (id: number) => (id === 7 ? 'ads' : undefined),
};

let version = 0;
function taken(counters: Record<number, number>, more: Partial<TakenDecisions> = {}): TakenDecisions {
  const all = new Float64Array(size);
  for (const [at, value] of Object.entries(counters)) all[Number(at)] = value;
  return {
    ...{ counters: all, version: ++version, records: 0, lost: 0, sample: [], blockedSample: [] },
    ...{ names: nothing, clients: nothing, blockedNames: nothing, blockedClients: nothing },
    ...more,
  };
}

const common = { words, layout, seconds: 1, limits: { records: 1, top: 2 } };
const { signal } = new AbortController();

test('both sides mean the same by what blocks', () => {
  assert.equal(layout.blocks, verdicts.map(isBlocked));
});

test('counters become what grew since the last batch, with words for numbers', () => {
  const before = taken({ [3 * acts + 2]: 5 });
  const now = taken({
    [3 * acts + 2]: 9,
    [1 * acts]: 2,
    [listsAt + 7 * acts + 2]: 4,
    [listsAt + 8 * acts + 6]: 1,
    [reasonsAt + 2 * acts + 2]: 6,
  });
  const batch = makeBatch({ ...common, taken: now, before, signal });
  assert.equal(batch.roles, [
    { roles: ['unknown'], verdict: 'allow', blocked: false, count: 2 },
    { roles: ['iot', 'printer'], verdict: 'nxdomain', blocked: true, count: 4 },
  ]);
  assert.equal(
    batch.lists.map(({ list, verdict, count }) => `${list} ${verdict} ${count}`),
    ['ads nxdomain 4', 'unknown redirect 1'],
  );
  assert.equal(batch.reasons, [{ reason: 'block-list', verdict: 'nxdomain', blocked: true, count: 6 }]);
});

test('a counter that falls back is not counted twice when it has come up again', () => {
  const before = taken({ 0: 10 });
  const counts = [4, 10, 12].map((value) => {
    const now = taken({ 0: value });
    const [grown] = makeBatch({ ...common, taken: now, before, signal }).roles;
    told(before, now);
    return grown?.count ?? 0;
  });
  assert.equal(counts, [0, 0, 2]);
});

test('totals of the same version are not gone through again', () => {
  const before = taken({});
  const now = { ...taken({ 0: 4 }), version: before.version };
  const batch = () => makeBatch({ ...common, taken: now, before, signal });
  assert.equal(batch().roles, []);
  told(before, now);
  now.version++;
  assert.is(batch().roles[0]?.count, 4);
});

test('rankings and samples are cut to what was declared, and the cut is in the error', () => {
  const record: NativeRecord = {
    ...{ timeUs: 1_700_000_000_123_000, client: '192.0.2.1', name: 'Ads.example', type: 28 },
    ...{ act: 6, reason: 2, roleSet: 3, list: 7, generation: 12 },
  };
  const names = { keys: ['a', 'b', 'c'], counts: Float64Array.of(9, 5, 4), error: 1 };
  const now = taken({}, { names, sample: [record, record], records: 2 });
  const batch = makeBatch({ ...common, taken: now, before: taken({}), signal });
  assert.equal(batch.names, {
    top: [
      { key: 'a', count: 9 },
      { key: 'b', count: 5 },
    ],
    error: 5,
  });
  assert.equal(batch.records, [
    {
      ...{ time: 1_700_000_000_123, client: '192.0.2.1', name: 'Ads.example', type: 28 },
      ...{ verdict: 'redirect', blocked: true, reason: 'block-list', roles: ['iot', 'printer'] },
      ...{ list: 'ads', generation: 12 },
    },
  ]);
});

const bridge = (generation: number, more: Partial<NativeBridge> = {}): NativeBridge => ({
  ...{ pid: 7, startedUs: 1, bridge: '0', dnsdist: 'dnsdist 1.7', generation, loadedUs: 1, refuses: false },
  ...{ refused: 0, reason: '', bytes: 1, fail: 'open', sampling: 1, threads: 2 },
  ...more,
});

test('a dnsdist is behind for as long as it keeps one generation that is not the last', () => {
  const lag = new BridgeLag();
  const look = (generation: number, newest: number, now: number) => {
    const [seen] = lag.look([bridge(generation)], newest, now);
    return [seen?.behind, seen?.lagSeconds];
  };
  assert.equal(look(4, 4, 0), [0, 0]);
  assert.equal(look(4, 5, 1000), [1, 0]);
  assert.equal(look(4, 6, 4000), [2, 3]);
  assert.equal(look(5, 6, 9000), [1, 0]);
  assert.equal(look(6, 6, 9500), [0, 0]);
  assert.equal(look(6, 7, 9600), [1, 0]);
});

test('one that lags for long, or refuses, is trouble', () => {
  const status = { ...bridge(4), behind: 2, lagSeconds: 4 };
  assert.is(bridgeTrouble([status]), undefined);
  assert.match(
    bridgeTrouble([{ ...status, lagSeconds: 6 }])?.message ?? '',
    'process 7) still decides with generation 4, 2 behind, for 6 s',
  );
  const refusing = { ...status, lagSeconds: 60, refuses: true, refused: 6, reason: 'it is damaged' };
  assert.is(bridgeTrouble([refusing])?.code, 'TABLES_REFUSED');
});

/** A service whose addon says what the test says. */
function scripted() {
  const state: DecisionsState = { bridges: [], code: '', reason: '', records: 0, lost: 0, damaged: 0 };
  const said = { now: taken({ 0: 3 }), state, known: true };
  const codes: string[] = [];
  const write = (line: string) => codes.push((JSON.parse(line) as { code: string }).code);
  const service = new DecisionsService({
    ...{ directory: '/nowhere', layout, clock: new PatientClock(() => true), wanted: true },
    log: pino({}, { write }),
    open: () => ({ state: () => said.state, take: () => said.now, close: () => undefined }),
    words: { ...words, known: () => said.known },
    newest: () => 0,
    tickEvery: 5,
  });
  service.start();
  return { service, said, codes };
}

const consumer = (more: Partial<DecisionConsumer>): DecisionConsumer => ({
  ...{ name: 'counts', spec: { records: 0, top: 0, deadline: 1 }, signal },
  handle: () => undefined,
  failed: () => undefined,
  ...more,
});

const within = async (what: () => boolean) => {
  const end = performance.now() + 5000;
  while (!what() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(what(), String(what));
};

test('what was counted while a plugin was busy, or did not run, comes with its next batch', async () => {
  const { service, said } = scripted();
  let sum = 0;
  let batches = 0;
  let release: () => void = () => undefined;
  const handle = ({ roles }: DecisionBatch) => {
    batches++;
    for (const { count } of roles) sum += count;
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  service.attach(consumer({ handle }));
  await within(() => sum === 3);
  said.now = taken({ 0: 10 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(batches, 1);
  service.detach('counts');
  release();
  said.now = taken({ 0: 12 });
  service.attach(consumer({ handle }));
  await within(() => batches === 2);
  assert.is(sum, 12);
  service.close();
});

test('a plugin that fails, or takes too long, is told so once and handed nothing more', async () => {
  const { service } = scripted();
  const failures: NnoeError[] = [];
  const failed = (error: NnoeError) => void failures.push(error);
  const spec = { records: 0, top: 0, deadline: 0.02 };
  service.attach(consumer({ failed, handle: () => Promise.reject(new Error('no')) }));
  service.attach(consumer({ failed, spec, name: 'slow', handle: () => new Promise(() => undefined) }));
  await within(() => failures.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(failures.map(({ message }) => message).sort(), [
    'plugin counts failed on a batch of decisions: no',
    'plugin slow failed on a batch of decisions: it did not finish within 0.02 s',
  ]);
  service.close();
});

test('trouble is logged when it begins, and shown while it lasts', async () => {
  const { service, said, codes } = scripted();
  const well = said.state;
  said.state = { ...well, code: 'DECISIONS_DIRECTORY', reason: 'open /nowhere: denied' };
  await within(() => service.trouble() !== undefined);
  assert.match(
    service.trouble()?.message ?? '',
    '/nowhere cannot be used for decisions: open /nowhere: denied',
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  said.state = well;
  await within(() => service.trouble() === undefined);
  assert.equal(codes, ['DECISIONS_DIRECTORY']);
  service.close();
});

test('counts wait until numbers have names', async () => {
  const { service, said } = scripted();
  said.known = false;
  let batches = 0;
  service.attach(consumer({ handle: () => void batches++ }));
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.is(batches, 0);
  said.known = true;
  await within(() => batches > 0);
  service.close();
});

test.run();
