// SPDX-License-Identifier: MPL-2.0
// 10,000 generations (GENERATIONS) under a dnsdist that answers.
import { parseArgs } from 'node:util';
import { campaign } from './generations.js';

const { values } = parseArgs({ options: { generations: { type: 'string' }, names: { type: 'string' } } });
const generations = Number(values.generations ?? 10_000);
const begun = performance.now();
const say = (line: string): void => console.log(line);
const outcome = await campaign({ generations, names: Number(values.names ?? 1_000), say });
const { answered, faults, before, after, files } = outcome;
for (const fault of faults) say(fault);
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
say(`${generations} generations, ${answered} answers, ${faults.length} wrong or missing, ${seconds} s`);
say(`dnsdist ${before.toFixed(1)} MB after a tenth, ${after.toFixed(1)} MB at the end; ${files} files`);
process.exit(faults.length === 0 && after < before * 1.1 + 2 && files < 20 ? 0 : 1);
