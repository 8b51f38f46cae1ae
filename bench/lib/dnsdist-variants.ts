// SPDX-License-Identifier: MPL-2.0
// One dnsdist in the forms that are compared: as it is, with the bridge, and with its own two rules for the same data.
import { join } from 'node:path';
import { ask, type Server } from '../../test/daemons/lib/dns.js';
import { type BridgeOptions, bridgeLine, type Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { makeData, type VerdictData } from './verdict-data.js';
import { publishFull } from './verdict-tables.js';

export interface Setting {
  data: VerdictData;
  /** Directory of tables with everything. */
  full: string;
  decisions: string;
}

/** Data and tables below `directory`. */
export async function prepare(directory: string, seed: number): Promise<Setting> {
  const data = makeData(directory, seed);
  const full = join(directory, 'full');
  await publishFull(full, data);
  return { data, full, decisions: join(directory, 'decisions') };
}

/** Lua for the bridge on these tables. */
export const bridge = (directory: string, options: Partial<BridgeOptions> = {}): string[] => [
  bridgeLine({ directory, fail: 'closed', ...options }),
];

/** Lua that decides the same with what dnsdist has of its own. */
export const builtin = ({ subnetsFile, namesFile }: VerdictData): string[] => [
  'local names = newSuffixMatchNode()',
  `for name in io.lines("${namesFile}") do names:add(newDNSName(name)) end`,
  'addAction(SuffixMatchNodeRule(names), RCodeAction(DNSRCode.NXDOMAIN))',
  'local subnets = newNMG()',
  `for subnet in io.lines("${subnetsFile}") do subnets:addMask(subnet) end`,
  'addAction(NetmaskGroupRule(subnets), RCodeAction(DNSRCode.REFUSED))',
];

/** The same boundary with nothing behind it: a C function would only add. */
export const NOTHING =
  'addAction(AllRule(), LuaFFIPerThreadAction("return function() return " .. DNSAction.None .. " end"))';

/** Answers in place of what is behind, so that nothing but the decision differs. */
export const ANSWERED = 'addAction(AllRule(), RCodeAction(DNSRCode.NOERROR))';

export const CACHED = 'getPool(""):setCache(newPacketCache(100000))';

/** @throws Error when one of them answers a listed name, a refused client or an allowed query differently. */
export async function assertAlike(servers: Record<string, Dnsdist>, data: VerdictData): Promise<void> {
  const refused = (i: number) => `127.9.${i % 100}.7`;
  const sample = data.questions.slice(0, 40).flatMap((name, i) => [
    { name, from: '127.0.0.1', expected: 'NOERROR' },
    { name, from: refused(i), expected: 'REFUSED' },
    { name: `WWW.${data.listed[i]}`, from: '127.0.0.1', expected: 'NXDOMAIN' },
    { name: data.listed[i] as string, from: refused(i), expected: 'NXDOMAIN' },
  ]);
  for (const [which, server] of Object.entries(servers)) {
    for (const { expected, ...question } of sample) await assertAnswer(which, server, question, expected);
  }
}

async function assertAnswer(
  which: string,
  server: Server,
  question: { name: string; from: string },
  expected: string,
): Promise<void> {
  const answer = await ask(server, { ...question, timeout: 20_000 });
  if (answer?.rcode === expected) return;
  throw new Error(
    `${which}: ${question.name} from ${question.from} is ${answer?.rcode}, expected ${expected}`,
  );
}
