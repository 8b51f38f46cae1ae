// SPDX-License-Identifier: MPL-2.0
// 100,000 generated questions (CASES) about generated policies: answers of compiled programs held against Cerbos'
// CheckResources, with the share of conditions that compile by operator. What was refused is not among the questions.
import { parseArgs } from 'node:util';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { temporary } from '../daemons/lib/workspace.js';
import { newTally, round, shares } from '../policies/against-pdp.js';
import { seeded } from '../policies/names.js';
import { ProgramTool } from '../policies/program-tool.js';

const { values } = parseArgs({ options: { cases: { type: 'string' }, seed: { type: 'string' } } });
const cases = Number(values.cases ?? 100_000);
const seed = Number(values.seed ?? 1);
const pdp = new EmbeddedPdp(temporary('pdp'), {
  ended: (status, output) => console.error(`Cerbos ended, ${status}: ${output}`),
  restarted: () => undefined,
});
await pdp.started();
const tool = new ProgramTool();
const tally = newTally();
const random = seeded(seed);
const begun = performance.now();
while (tally.cases < cases) await round(random, pdp, tool, 600, tally);
tool.close();
await pdp.stop();

console.log('conditions of one operator that compile:');
for (const line of shares(tally)) console.log(line);
console.log('refused:');
for (const [reason, times] of [...tally.refusals].sort(([, a], [, b]) => b - a).slice(0, 40)) {
  console.log(`${String(times).padStart(6)}  ${reason.slice(0, 160)}`);
}
console.log('answers:', Object.fromEntries(tally.actions));
for (const difference of tally.differences.slice(0, 5)) console.log(`\n${difference}`);
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
console.log(`${tally.cases} questions (seed ${seed}), ${tally.differences.length} differences, ${seconds} s`);
process.exit(tally.differences.length === 0 ? 0 : 1);
