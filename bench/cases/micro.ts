// SPDX-License-Identifier: MPL-2.0
// Small things by themselves: what the host does in JavaScript all day, and what calling native code from it costs.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeLibrary, bridgeLibrary, type Question } from '../lib/bridge-library.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { callWays, clientWays, explainWays } from '../lib/micro-bridge.js';
import { ANSWERS, cacheWays, KEYS, OPERATIONS, transactionWays } from '../lib/micro-host.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { beside, inTurns } from '../lib/side-by-side.js';
import { median, summary } from '../lib/stats.js';

const SUBNETS = 10_000;
const [HOSTS, NAMES] = [100_000, 1_000_000];
const SITE = [HOSTS, SUBNETS, NAMES].map(String);
/** Different questions. */
const QUESTIONS = 256;
const NATIVE_CALLS = 5_000_000;
const ROUNDS = 5;
/** In ns. */
const [US, MS] = [1e3, 1e6];

/** Those of the native driver; every verdict is what it has got. */
async function questionsFor(bridge: BridgeLibrary, tables: string): Promise<Question[]> {
  const args = ['answers', bridgeLibrary, tables, ...SITE, String(QUESTIONS)];
  const lines = (await run(driver('verdict_bench'), args)).trim().split('\n');
  return lines.map((line) => {
    const [address = '', name = '', type, verdict] = line.split(' ');
    const question = {
      address: Buffer.from(address, 'hex'),
      name: Buffer.from(name, 'hex'),
      type: Number(type),
    };
    const found = bridge.decide(question).toString('hex');
    if (found !== verdict) throw new Error(`${line}: through ffi-rs ${found}`);
    return question;
  });
}

/** ns of a call from a program in C++, the same questions. */
async function nativeCall(tables: string): Promise<number> {
  const args = ['ask', bridgeLibrary, tables, ...SITE, 'everybody'];
  args.push(String(NATIVE_CALLS), String(QUESTIONS), '1');
  return (JSON.parse(await run(driver('verdict_bench'), args)) as { ns: number }).ns;
}

async function calls(
  bridge: BridgeLibrary,
  tables: string,
  rounds: number,
): Promise<Record<string, Measured>> {
  const questions = await questionsFor(bridge, tables);
  const ffi: Record<'nnoe_abi' | 'nnoe_decide', number[]> = { nnoe_abi: [], nnoe_decide: [] };
  const fromC: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const times = await inTurns(callWays(bridge, questions), 1);
    for (const name of ['nnoe_abi', 'nnoe_decide'] as const) ffi[name].push(...(times[name] ?? []));
    fromC.push(await nativeCall(tables));
  }
  return {
    'empty call through ffi-rs': summary(ffi.nnoe_abi),
    'verdict through ffi-rs': {
      ...summary(ffi.nnoe_decide),
      alternative: { name: 'from C++', value: median(fromC) },
    },
    'client in subnets': await beside(clientWays(bridge, questions, SUBNETS), rounds, US),
    'verdict explained': await beside(explainWays(bridge, questions, tables), rounds, MS),
  };
}

const measure = (options: CaseOptions): Promise<Record<string, Measured>> =>
  withDirectory(async (directory) => {
    const rounds = options.pairs ?? ROUNDS;
    options.say('micro: what the host does');
    const ofHost = {
      'answer looked up': await beside(cacheWays(options.seed), rounds),
      'transaction encoded': await beside(transactionWays(), rounds, US),
    };
    options.say('micro: making tables');
    const [tables, decisions] = [join(directory, 'tables'), join(directory, 'decisions')];
    await run(driver('verdict_bench'), ['publish', tables, ...SITE]);
    mkdirSync(decisions);
    options.say('micro: calls of native code');
    const bridge = new BridgeLibrary(tables, decisions);
    try {
      return { ...ofHost, ...(await calls(bridge, tables, rounds)) };
    } finally {
      bridge.close();
    }
  });

const how = `package benchmark, wall time, ${ROUNDS} alternating rounds, median`;
const site = `${HOSTS} hosts, ${SUBNETS} subnets and ${NAMES} names, ${QUESTIONS} questions over and over`;

const micro: BenchCase = {
  summary: 'small things in JavaScript by themselves, and calls of native code from it',
  figures: [
    {
      name: 'answer looked up',
      unit: 'ns',
      bound: { relation: '<=', value: 1, times: 'alternative' },
      alternative: true,
      method: `lru-cache of ${ANSWERS} answers as the plugin policies keeps them, put in when absent; ${KEYS} different questions, few of them often; beside a Map that evicts its oldest and knows no time; both hit and miss the same; ${how}`,
    },
    {
      name: 'transaction encoded',
      unit: 'us',
      bound: { relation: '<=', value: 1, times: 'alternative' },
      alternative: true,
      method: `${OPERATIONS} puts of leases for etcd by the store's encoder, beside protobufjs with etcd's .proto files; the same bytes; ${how}`,
    },
    {
      name: 'empty call through ffi-rs',
      unit: 'ns',
      method: `nnoe_abi, which returns a constant: what a foreign-function call costs by itself; ${how}`,
    },
    {
      name: 'verdict through ffi-rs',
      unit: 'ns',
      alternative: true,
      method: `nnoe_decide with its seven arguments, beside the same from C++ (processor time); ${site}; the same verdicts byte by byte; ${how}`,
    },
    {
      name: 'client in subnets',
      unit: 'us',
      bound: { relation: '<=', value: 0.5, times: 'alternative' },
      alternative: true,
      method: `a whole verdict through ffi-rs, beside the client alone by ipaddr.js: parsed ranges, subnetMatch, longest first; ${SUBNETS} subnets, the same set of roles; ${how}`,
    },
    {
      name: 'verdict explained',
      unit: 'ms',
      method: `explainQuery of the addon as \`nnoe why\` calls it: opens and checks the tables every time; ${site}; the same set of roles as nnoe_decide; ${how}`,
    },
  ],
  brief: { pairs: 2 },
  run: measure,
};

export default micro;
