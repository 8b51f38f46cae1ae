// SPDX-License-Identifier: MPL-2.0
// Compiled policies against a real Cerbos: always the same generated sets for the same seed; `make stress-policies` asks
// about 100,000 questions.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { newTally, round, shares } from '../policies/against-pdp.js';
import { seeded } from '../policies/names.js';
import { ProgramTool } from '../policies/program-tool.js';
import { temporary } from './lib/workspace.js';

const pdp = new EmbeddedPdp(temporary('pdp'), { ended: () => undefined, restarted: () => undefined });
const tool = new ProgramTool();

test.after(async () => {
  tool.close();
  await pdp.stop();
});

test('programs answer as CheckResources does', async () => {
  await pdp.started();
  const tally = newTally();
  const random = seeded(20);
  while (tally.cases < 3000) await round(random, pdp, tool, 250, tally);
  assert.is(tally.differences.length, 0, tally.differences[0]);
  assert.ok((tally.actions.get('allow') ?? 0) > 500, 'questions are allowed');
  assert.ok((tally.actions.get('refused') ?? 0) > 500, 'questions are refused');
  if (process.env.SHOW) console.log(shares(tally).join('\n'));
});

test('a program that is wrong is seen', async () => {
  const tally = newTally();
  await round(seeded(21), pdp, tool, 100, tally, 'drop');
  assert.is(tally.differences.length, tally.actions.get('refused'));
});

test.run();
