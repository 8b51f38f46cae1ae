// SPDX-License-Identifier: MPL-2.0
// Follow misses nothing over a bad network: connections cut, reset, stalled, slowed down and refused, while history
// is compacted. Half an hour of it, with a fixed seed; `make stress-follow` puts ten hours into five minutes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FollowCampaign, summary } from '../stress/follow-campaign.js';

test('followers of both protocols are told everything, in order', async () => {
  const said: string[] = [];
  const campaign = await FollowCampaign.prepare({
    ...{ hours: 0.5, squeeze: 120, seed: 7 },
    print: (line) => said.push(line),
  });
  const figures = await campaign.run();
  await campaign.stop();
  const all = [summary(figures), ...figures.wrong, ...said].join('\n');
  assert.is(figures.missed, 0, all);
  assert.equal(figures.wrong, [], all);
  // It was a bad network, and there was something to miss.
  assert.ok(figures.events > 1000 && figures.told > 1000, all);
  assert.ok(figures.connections.broken > 50 && figures.compactions > 0, all);
});

test.run();
