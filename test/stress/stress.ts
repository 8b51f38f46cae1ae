// SPDX-License-Identifier: MPL-2.0
// node dist/test/stress/stress.js --kills 1000 --seed 1 [--snapshots] [--json]
import { parseArgs } from 'node:util';
import { Campaign, failures, summary } from './campaign.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    round: { type: 'string', default: '50' },
    snapshots: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

// With --json standard output carries figures and nothing else.
const print = (line: string) => process[values.json ? 'stderr' : 'stdout'].write(`${line}\n`);
const seed = Number(values.seed);
const kills = Number(values.kills);
print(`stress: ${kills} kills, seed ${seed}`);
const campaign = await Campaign.prepare({
  kills,
  seed,
  round: Number(values.round),
  snapshots: values.snapshots,
  print,
});
const figures = await campaign.run();
await campaign.stop();
print(`stress: ${failures(figures) === 0 ? 'passed' : 'FAILED'}: ${summary(figures)}`);
if (values.json) {
  const figure = (name: string, value: number, bound: string) =>
    console.log(
      JSON.stringify({
        case: 'stress',
        name,
        value,
        unit: 'events',
        bound,
        alternative: '',
        method: `${kills} SIGKILLs, seed ${seed}, ${figures.changes} changes under perfdhcp, 3 etcd members; memfile CSV against lease history`,
      }),
    );
  figure('lost', figures.lost, '0');
  figure('out-of-order', figures.outOfOrder, '0');
}
process.exit(failures(figures) === 0 ? 0 : 1);
