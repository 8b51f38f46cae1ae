// SPDX-License-Identifier: MPL-2.0
// Everything that a verdict adds to an allowed query, beside dnsdist's own two rules for the same data.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { COST_METHOD, costMethod, costPerQuery, FEWER, type Rounds } from '../lib/dnsdist-cost.js';
import {
  ANSWERED,
  assertAlike,
  bridge,
  builtin,
  LUA_FFI_METHOD,
  luaFfiTable,
  luaTable,
  prepare,
} from '../lib/dnsdist-variants.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { atOnce, withDirectory } from '../lib/run.js';
import { NAMES, SUBNETS } from '../lib/verdict-data.js';
import { publishFull } from '../lib/verdict-tables.js';

function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  return withDirectory(async (directory) => {
    options.say('added: making tables');
    const { data, full, decisions } = await prepare(directory, options.seed);
    const searched = join(directory, 'searched');
    for (const each of [decisions, searched]) mkdirSync(each);
    const searching = join(directory, 'text');
    await publishFull(searching, data, 'text');
    const variants: [what: string, lua: string[], rounds?: Rounds][] = [
      ['without the bridge', []],
      ['with the bridge alone', bridge(full)],
      ['with the bridge and its decisions', bridge(full, { decisions })],
      ['with a policy that searches names', bridge(searching, { decisions: searched })],
      ["with dnsdist's own rules", builtin(data)],
      ['with a table of Lua and LuaFFIRule', luaFfiTable(data)],
      ['with a table of Lua and LuaAction', luaTable(data), FEWER],
    ];
    const costs = await atOnce(
      variants.map(([what, lua, rounds]) => () => {
        options.say(`added: ${what}`);
        const check = (server: Dnsdist) => assertAlike({ [what]: server }, data);
        const more = { ...(lua.length > 0 && { check }), ...(rounds && { rounds }) };
        return costPerQuery({ data, lua: [...lua, ANSWERED], ...more });
      }),
    );
    const [bare, untold, added, text, rules, ffi, plain] = costs.map((each, i) =>
      i === 0 ? each : each - (costs[0] as number),
    ) as [number, number, number, number, number, number, number];
    return {
      'allowed query': {
        value: added,
        alternative: { name: 'SuffixMatchNodeRule and NetmaskGroupRule', value: rules },
      },
      'allowed query, beside LuaFFIRule': {
        value: added,
        alternative: { name: 'LuaFFIRule on a table of Lua', value: ffi },
      },
      'allowed query, beside LuaAction': {
        value: added,
        alternative: { name: 'LuaAction on a table of Lua', value: plain },
      },
      'allowed query, decisions not kept': { value: untold },
      'allowed query, names searched': { value: text },
      'query without the bridge': { value: bare },
    };
  });
}

const added: BenchCase = {
  summary: 'everything that a verdict adds to an allowed query in dnsdist',
  figures: [
    {
      name: 'allowed query',
      unit: 'instructions/query',
      alternative: true,
      bound: { relation: '<=', value: 1_600 },
      method: `${COST_METHOD}; ${SUBNETS} subnets, ${NAMES} names, a compiled policy of type, suffix and list, every decision counted and recorded; with less without; beside rules that answer alike`,
    },
    {
      name: 'allowed query, beside LuaFFIRule',
      unit: 'instructions/query',
      alternative: true,
      method: `the same beside the fastest function for all threads that the manual has: ${LUA_FFI_METHOD}`,
    },
    {
      name: 'allowed query, beside LuaAction',
      unit: 'instructions/query',
      alternative: true,
      method: `the same beside the form that the manual begins with: dq.qname:toString() and its parents looked up in a table of Lua, dq.remoteaddr in a NetmaskGroup; ${costMethod(FEWER)}`,
    },
    {
      name: 'allowed query, decisions not kept',
      unit: 'instructions/query',
      method: 'the same with decisions = false',
    },
    {
      name: 'allowed query, names searched',
      unit: 'instructions/query',
      method: 'the first, with a policy that also asks startsWith and contains of the name',
    },
    { name: 'query without the bridge', unit: 'instructions/query', method: COST_METHOD },
  ],
  run: measure,
};

export default added;
