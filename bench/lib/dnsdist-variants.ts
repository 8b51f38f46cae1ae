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

const refusedClients = ({ subnetsFile }: VerdictData): string[] => [
  'local subnets = newNMG()',
  `for subnet in io.lines("${subnetsFile}") do subnets:addMask(subnet) end`,
  'addAction(NetmaskGroupRule(subnets), RCodeAction(DNSRCode.REFUSED))',
];

/** Lua that decides the same with what dnsdist has of its own. */
export const builtin = (data: VerdictData): string[] => [
  'local names = newSuffixMatchNode()',
  `for name in io.lines("${data.namesFile}") do names:add(newDNSName(name)) end`,
  'addAction(SuffixMatchNodeRule(names), RCodeAction(DNSRCode.NXDOMAIN))',
  ...refusedClients(data),
];

/**
 * Lua that decides the same with a function on a table of Lua: names in wire form, as the FFI interface gives them, so
 * that nothing is made of a query but strings to look up. Clients by dnsdist's own rule, which takes no FFI query.
 */
export const luaFfiTable = (data: VerdictData): string[] => [
  'local ffi = require("ffi")',
  'local function wire(name)',
  '  return name:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end) .. "\\0"',
  'end',
  'local blocked = {}',
  `for name in io.lines("${data.namesFile}") do blocked[wire(name)] = true end`,
  'local pointer, size = ffi.new("const char *[1]"), ffi.new("size_t[1]")',
  'addAction(LuaFFIRule(function(dq)',
  '  ffi.C.dnsdist_ffi_dnsquestion_get_qname_raw(dq, pointer, size)',
  // The bytes of lengths are below those of letters.
  '  local name = ffi.string(pointer[0], size[0]):lower()',
  '  local at, length = 1, name:byte(1)',
  '  while length > 0 do',
  '    if blocked[name:sub(at)] then return true end',
  '    at = at + length + 1',
  '    length = name:byte(at)',
  '  end',
  '  return false',
  'end), RCodeAction(DNSRCode.NXDOMAIN))',
  ...refusedClients(data),
  'collectgarbage()',
];

export const LUA_FFI_METHOD =
  'LuaFFIRule looks the raw name and its parents up in a table of Lua, NetmaskGroupRule the client; the table of a million names is older than what is counted, and hardly anything of it is collected meanwhile';

/** The same in the form that dnsdist's manual begins with: an action that gets a question as an object. */
export const luaTable = ({ subnetsFile, namesFile }: VerdictData): string[] => [
  'local blocked = {}',
  `for name in io.lines("${namesFile}") do blocked[name .. "."] = true end`,
  'local subnets = newNMG()',
  `for subnet in io.lines("${subnetsFile}") do subnets:addMask(subnet) end`,
  'addAction(AllRule(), LuaAction(function(dq)',
  '  local name = dq.qname:toString():lower()',
  '  local at = 1',
  '  while at < #name do',
  '    if blocked[name:sub(at)] then return DNSAction.Nxdomain end',
  '    at = name:find(".", at, true) + 1',
  '  end',
  '  if subnets:match(dq.remoteaddr) then return DNSAction.Refused end',
  '  return DNSAction.None',
  'end))',
  'collectgarbage()',
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
