// SPDX-License-Identifier: MPL-2.0
// limit: 180 s
// Twenty kills with a fixed seed; `make stress` makes a thousand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Campaign, failures, summary } from './campaign.js';
import { Random } from './random.js';

test('the same seed gives the same kills', () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => random.pick(['a', 'b', 'c'])).join('');
  };
  assert.is(draw(7), draw(7));
  assert.is.not(draw(7), draw(8));
});

test('nothing is lost or out of order over twenty kills', async () => {
  const said: string[] = [];
  const campaign = await Campaign.prepare({
    kills: 20,
    seed: 7,
    round: 20,
    print: (line) => said.push(line),
  });
  const figures = await campaign.run();
  await campaign.stop();
  assert.is(failures(figures), 0, said.join('\n'));
  assert.ok(figures.changes > 1_000, summary(figures));
  assert.is(
    Object.values(figures.kills).reduce((sum, n) => sum + n),
    20,
  );
});

test('with snapshots on, the store holds exactly what Kea holds after ten kills', async () => {
  const said: string[] = [];
  const print = (line: string) => said.push(line);
  const campaign = await Campaign.prepare({ kills: 10, seed: 11, round: 5, snapshots: true, print });
  const figures = await campaign.run();
  await campaign.stop();
  assert.is(failures(figures), 0, said.join('\n'));
  assert.ok(figures.changes > 500, summary(figures));
});

test.run();
