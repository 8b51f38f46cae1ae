// SPDX-License-Identifier: MPL-2.0
// How long what changed has waited: nothing while nothing changes, and never longer than its own wait.
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Batch } from './batch.js';

interface Call {
  done(complete: boolean): void;
  fail(): void;
}

function staged() {
  const calls: Call[] = [];
  let generation = 0;
  const publish = () =>
    new Promise<{ generation: number; complete: boolean }>((resolve, reject) => {
      calls.push({
        done: (complete) => resolve({ generation: ++generation, complete }),
        fail: () => reject(new Error('no room')),
      });
    });
  const failures: number[] = [];
  const batch = new Batch({ publish, failed: (_, pause) => failures.push(pause), firstPause: 20 });
  const called = async (count: number): Promise<Call> => {
    while (calls.length < count) await sleep(1);
    return calls[count - 1] as Call;
  };
  return { batch, called, failures };
}

test('nothing waits before something changed, nor when it is published', async () => {
  const { batch, called } = staged();
  assert.is(batch.waited, 0);
  batch.ask();
  const first = await called(1);
  await sleep(30);
  assert.ok(batch.waited >= 0.03);
  first.done(true);
  await batch.published();
  assert.is(batch.waited, 0);
  await sleep(10);
  assert.is(batch.waited, 0);
  await batch.close();
});

test('what came while another was published has waited since it came', async () => {
  const { batch, called } = staged();
  batch.ask();
  const first = await called(1);
  await sleep(60);
  const since = performance.now();
  batch.ask();
  await sleep(10);
  batch.ask();
  assert.ok(batch.waited >= 0.06);
  first.done(true);
  const second = await called(2);
  assert.ok(batch.waited >= 0.01);
  assert.ok(batch.waited <= (performance.now() - since) / 1000);
  second.done(true);
  await batch.published();
  assert.is(batch.waited, 0);
  await batch.close();
});

test('what failed, or came into no generation whole, goes on waiting', async () => {
  const { batch, called, failures } = staged();
  const since = performance.now();
  batch.ask();
  (await called(1)).fail();
  (await called(2)).done(false);
  await sleep(20);
  const least = (performance.now() - since) / 1000 - 0.001;
  assert.ok(batch.waited >= least, `${batch.waited} s of ${least} s`);
  batch.ask();
  (await called(3)).done(true);
  await batch.published();
  assert.is(batch.waited, 0);
  assert.equal(failures, [20]);
  await batch.close();
});

test.run();
