// SPDX-License-Identifier: MPL-2.0
// The bridge's C interface and the addon's explanation, called from Node.js, and who a client is by ipaddr.js.
import ipaddr from 'ipaddr.js';
import { native } from '../../src/host/native.js';
import type { BridgeLibrary, Question } from './bridge-library.js';
import { cycle, type Ways } from './side-by-side.js';

/** Of nnoe_verdict. */
const roleSetIn = (verdict: Buffer): number => verdict.readUInt16LE(4);

/** As bench/native/verdict_data.h numbers its subnets; that both say the same of each client is checked. */
function subnetOf(number: number): { cidr: string; roleSet: number } {
  const address = (0x64400000 + (number % 16384) * 256) >>> 0;
  const text = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
  const roleSet = 1 + Number(mix(BigInt(number) ^ 0x5b7e7n) % 15n);
  return { cidr: `${text}/${number % 16 === 0 ? 20 : 24}`, roleSet };
}

function mix(value: bigint): bigint {
  const cut = (wide: bigint) => BigInt.asUintN(64, wide);
  let x = cut(value + 0x9e3779b97f4a7c15n);
  x = cut((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = cut((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

/** For ipaddr.subnetMatch, which takes the first that fits: the longest of them first. */
function rangesOf(subnets: number): Record<string, [ipaddr.IPv4 | ipaddr.IPv6, number][]> {
  const ranges: Record<string, [ipaddr.IPv4 | ipaddr.IPv6, number][]> = {};
  const all = Array.from({ length: subnets }, (_, i) => subnetOf(i));
  for (const length of ['24', '20']) {
    for (const { cidr, roleSet } of all.filter((each) => each.cidr.endsWith(`/${length}`))) {
      const name = `${roleSet}/${length}`;
      ranges[name] ??= [];
      ranges[name].push(ipaddr.parseCIDR(cidr));
    }
  }
  return ranges;
}

/** @throws Error when they do not give the same set of roles to every client. */
export function clientWays(bridge: BridgeLibrary, questions: readonly Question[], subnets: number): Ways {
  const ranges = rangesOf(subnets);
  // Those that no exact mapping of a host decides about.
  const clients = questions.filter(({ address }) => address[0] === 100);
  const ours = (question: Question) => roleSetIn(bridge.decide(question));
  const theirs = ({ address }: Question) =>
    Number.parseInt(ipaddr.subnetMatch(ipaddr.fromByteArray([...address]), ranges, '0'), 10);
  if (clients.length < 16) throw new Error(`${clients.length} clients in subnets, expected 16 at least`);
  for (const client of clients) {
    if (ours(client) === theirs(client)) continue;
    const text = client.address.join('.');
    throw new Error(`${text}: set of roles ${ours(client)} by the tables, ${theirs(client)} by ipaddr.js`);
  }
  const [one, other] = [cycle(clients), cycle(clients)];
  return {
    'nnoe_decide through ffi-rs': () => ours(one()),
    'ipaddr.js subnetMatch': () => theirs(other()),
  };
}

/** What `nnoe why` asks the addon: it opens the tables each time, so that nothing has to be running. */
export function explainWays(bridge: BridgeLibrary, questions: readonly Question[], directory: string): Ways {
  const explain = ({ address, name, type }: Question) =>
    native().explainQuery(directory, address, name, type)?.roleSet;
  for (const question of questions.slice(0, 16)) {
    const [why, decided] = [explain(question), roleSetIn(bridge.decide(question))];
    if (why !== decided) throw new Error(`set of roles ${why} explained, ${decided} decided`);
  }
  const next = cycle(questions);
  return { explainQuery: () => explain(next()) };
}

export function callWays(bridge: BridgeLibrary, questions: readonly Question[]): Ways {
  const next = cycle(questions);
  return { nnoe_abi: () => bridge.abi(), nnoe_decide: () => bridge.decide(next()) };
}
