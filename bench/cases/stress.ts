// SPDX-License-Identifier: MPL-2.0
// What is lost when processes are killed at random; the campaign itself is the one of `make stress`.
import { Campaign, type Figures } from '../../test/stress/campaign.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const print = (line: string) => options.say(`stress: ${line}`);
  const campaign = await Campaign.prepare({ kills: options.kills, seed: options.seed, print });
  const found: Figures = await campaign.run();
  await campaign.stop();
  return {
    lost: { value: found.lost },
    'out of order': { value: found.outOfOrder },
    'made up or doubled': { value: found.extra },
    'leases that differ': { value: found.differing },
    kills: { value: Object.values(found.kills).reduce((sum, n) => sum + n, 0) },
    changes: { value: found.changes },
  };
}

const method =
  "SIGKILLs of Kea (v4 and v6), host and members of a three-member etcd in random order under perfdhcp load, snapshots off; every line of Kea's lease file against lease history, per address, in order";
const none = { relation: '<=', value: 0 } as const;

const stress: BenchCase = {
  summary: 'lease events lost over random SIGKILLs (KILLS, 1,000 unless given; SEED)',
  figures: [
    {
      name: 'lost',
      unit: 'events',
      bound: none,
      method: `${method}; less what was in flight at a kill of Kea`,
    },
    { name: 'out of order', unit: 'events', bound: none, method },
    { name: 'made up or doubled', unit: 'events', bound: none, method },
    {
      name: 'leases that differ',
      unit: 'leases',
      bound: none,
      method: `${method}; the store's leases against the last line of each address`,
    },
    { name: 'kills', unit: 'kills', long: true, bound: { relation: '>=', value: 1000 }, method },
    { name: 'changes', unit: 'events', method: `${method}; how many lines were compared` },
  ],
  brief: { kills: 20 },
  run: measure,
};

export default stress;
