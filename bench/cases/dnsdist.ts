// SPDX-License-Identifier: MPL-2.0
// What clients of dnsdist feel: queries per second from its packet cache with everything decided, beside dnsdist as it
// is and beside its own two rules for the same data.
import { mkdirSync } from 'node:fs';
import type { Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { Knot } from '../../test/daemons/lib/knot.js';
import { alternate, RATE_METHOD, ratios, startPinned } from '../lib/dnsdist-rate.js';
import {
  assertAlike,
  bridge,
  builtin,
  LUA_FFI_METHOD,
  luaFfiTable,
  NOTHING,
  prepare,
  type Setting,
} from '../lib/dnsdist-variants.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { interval } from '../lib/paired.js';
import { withDirectory } from '../lib/run.js';
import { summary } from '../lib/stats.js';
import { NAMES, SUBNETS, ZONE } from '../lib/verdict-data.js';

async function withServers<T>(
  setting: Setting,
  work: (servers: Record<'bare' | 'empty' | 'bridge' | 'rules' | 'lua', Dnsdist>) => Promise<T>,
): Promise<T> {
  const knot = await Knot.start({ zone: ZONE });
  const started: Dnsdist[] = [];
  const start = async (lua: string[]) => {
    const server = await startPinned(knot, lua);
    started.push(server);
    return server;
  };
  const { full, decisions, data } = setting;
  try {
    const servers = {
      bare: await start([]),
      empty: await start([NOTHING]),
      bridge: await start(bridge(full, { decisions })),
      rules: await start(builtin(data)),
      lua: await start(luaFfiTable(data)),
    };
    return await work(servers);
  } finally {
    for (const server of started) await server.kill();
    await knot.stop();
  }
}

function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  return withDirectory(async (directory) => {
    options.say('dnsdist: making tables');
    const setting = await prepare(directory, options.seed);
    mkdirSync(setting.decisions);
    return withServers(setting, async (servers) => {
      const { bridge: ours, rules, lua } = servers;
      await assertAlike({ bridge: ours, rules, lua }, setting.data);
      const { rates, perCpu, busy } = await alternate(servers, setting.data, options);
      const overBare = interval(ratios(rates.bridge, rates.bare));
      const overRules = interval(ratios(rates.bridge, rates.rules));
      const rulesOverBare = interval(ratios(rates.rules, rates.bare));
      const emptyOverBare = interval(ratios(rates.empty, rates.bare));
      const shown = ({ mean, low, high }: typeof overBare): Measured => ({
        value: low,
        spread: [mean, high],
      });
      return {
        'full policy / bare': {
          ...shown(overBare),
          alternative: { name: "dnsdist's own two rules / bare", value: rulesOverBare.low },
        },
        'empty function / bare': shown(emptyOverBare),
        'full policy / two rules': shown(overRules),
        'full policy / LuaFFIRule': shown(interval(ratios(rates.bridge, rates.lua))),
        'by processor time': {
          ...shown(interval(ratios(perCpu.bridge, perCpu.bare))),
          alternative: {
            name: 'over the two rules',
            value: interval(ratios(perCpu.bridge, perCpu.rules)).low,
          },
        },
        bare: summary(rates.bare ?? []),
        'full policy': summary(rates.bridge ?? []),
        'two rules': summary(rates.rules ?? []),
        LuaFFIRule: summary(rates.lua ?? []),
        'processor of dnsdist': { value: busy * 100 },
      };
    });
  });
}

const lower = `lower end of the 95 % interval of the ratio (spread: its mean, its upper end); ${RATE_METHOD}; ${SUBNETS} subnets, ${NAMES} names, a compiled policy, every decision counted and recorded`;
const rate = (name: string, what: string) => ({ name, unit: 'queries/s', method: what });

const dnsdist: BenchCase = {
  summary: 'queries per second from the packet cache of a dnsdist that decides about each',
  figures: [
    {
      name: 'full policy / bare',
      unit: 'ratio',
      alternative: true,
      bound: { relation: '>=', value: 0.93 },
      method: lower,
    },
    {
      name: 'full policy / two rules',
      unit: 'ratio',
      bound: { relation: '>=', value: 1 },
      method: `the same over a dnsdist with SuffixMatchNodeRule and NetmaskGroupRule on the same data, which answers alike`,
    },
    {
      name: 'full policy / LuaFFIRule',
      unit: 'ratio',
      method: `the same over a dnsdist with a function in Lua on the same data, which answers alike: ${LUA_FFI_METHOD}`,
    },
    {
      name: 'empty function / bare',
      unit: 'ratio',
      method:
        'the same of a dnsdist whose only rule is a function in Lua that does nothing: no bridge can be above',
    },
    {
      name: 'by processor time',
      unit: 'ratio',
      alternative: true,
      method:
        'full policy / bare again, of queries per second of dnsdist on a processor: hardly moved by other work',
    },
    rate('bare', 'dnsdist without either'),
    rate('full policy', 'with the bridge'),
    rate('two rules', 'with its own rules'),
    rate('LuaFFIRule', 'with a function in Lua'),
    {
      name: 'processor of dnsdist',
      unit: '%',
      method: 'that dnsdist took of its processor, median of all rounds: near 100, or dnsperf was measured',
    },
  ],
  brief: { pairs: 7 },
  run: measure,
};

export default dnsdist;
