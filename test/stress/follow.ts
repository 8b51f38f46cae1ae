// SPDX-License-Identifier: MPL-2.0
// node dist/test/stress/follow.js --hours 10 --squeeze 120 --seed 1
import { parseArgs } from 'node:util';
import { FollowCampaign, summary } from './follow-campaign.js';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '10' },
    squeeze: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
});
const [hours, squeeze, seed] = [Number(values.hours), Number(values.squeeze), Number(values.seed)];
if (!(hours > 0 && squeeze > 0 && Number.isInteger(seed))) {
  process.stderr.write('usage: follow.js [--hours N] [--squeeze N] [--seed N]\n');
  process.exit(2);
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const minutes = ((hours * 60) / squeeze).toFixed(1);
print(`stress-follow: ${hours} h of bad network in ${minutes} min, seed ${seed}`);
const campaign = await FollowCampaign.prepare({ hours, squeeze, seed, print });
const figures = await campaign.run();
await campaign.stop();
for (const fault of figures.wrong) print(`  ${fault}`);
const held = figures.missed === 0 && figures.wrong.length === 0;
print(`stress-follow: ${held ? 'passed' : 'FAILED'}: ${summary(figures)}`);
process.exit(held ? 0 : 1);
