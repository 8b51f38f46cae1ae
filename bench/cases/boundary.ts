// SPDX-License-Identifier: MPL-2.0
// What asking costs dnsdist for one query, when nothing is mapped, listed or planned.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { COST_METHOD, costPerQuery } from '../lib/dnsdist-cost.js';
import { ANSWERED, bridge, NOTHING } from '../lib/dnsdist-variants.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { withDirectory } from '../lib/run.js';
import { makeData } from '../lib/verdict-data.js';
import { publishEmpty } from '../lib/verdict-tables.js';

function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  return withDirectory(async (directory) => {
    const data = makeData(directory, options.seed);
    const [tables, decisions] = [join(directory, 'tables'), join(directory, 'decisions')];
    mkdirSync(decisions);
    await publishEmpty(tables);
    const cost = (what: string, lua: string[]) => {
      options.say(`boundary: ${what}`);
      return costPerQuery({ data, lua: [...lua, ANSWERED] });
    };
    const bare = await cost('without the bridge', []);
    const added = (await cost('with the bridge', bridge(tables))) - bare;
    const told = (await cost('with decisions too', bridge(tables, { decisions }))) - bare;
    const empty = (await cost('an empty Lua function', [NOTHING])) - bare;
    return {
      'no-op verdict': { value: added, alternative: { name: 'empty Lua FFI function', value: empty } },
      'no-op verdict, counted and recorded': { value: told },
      'query without the bridge': { value: bare },
    };
  });
}

const boundary: BenchCase = {
  summary: 'what the bridge adds to a query in dnsdist when its tables are empty',
  figures: [
    {
      name: 'no-op verdict',
      unit: 'instructions/query',
      alternative: true,
      bound: { relation: '<=', value: 1_450 },
      method: `${COST_METHOD}; with the bridge less without; dnsdist then answers itself`,
    },
    {
      name: 'no-op verdict, counted and recorded',
      unit: 'instructions/query',
      method: 'the same with counters and a record of every decision',
    },
    { name: 'query without the bridge', unit: 'instructions/query', method: COST_METHOD },
  ],
  run: measure,
};

export default boundary;
