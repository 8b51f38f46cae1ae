// SPDX-License-Identifier: MPL-2.0
// Invariant 6 on the wire: generated policies, roles, lists and names in real tables, questions to a real dnsdist from
// many clients, and its answers held against Cerbos' CheckResources.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleSet, Tables } from '../../src/host/plugin.js';
import { askedInOrder } from '../../src/plugins/policies/actions.js';
import { compile, terminalOf } from '../../src/plugins/policies/compile/compile.js';
import { Refused } from '../../src/plugins/policies/compile/refused.js';
import { SectionWriter } from '../../src/plugins/policies/compile/section.js';
import { nameText } from '../../src/plugins/policies/name.js';
import type { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { check, checkBatch, type QueryAttributes } from '../../src/plugins/policies/pdp/pdp.js';
import { qtypeText } from '../../src/plugins/policies/qtypes.js';
import { factsOf, parseSource } from '../../src/plugins/policies/source.js';
import { encodeQuery, exchange, type Server, type Transport } from '../daemons/lib/dns.js';
import { count, load, otherwise, planned, roleSets, type Tally } from './against-pdp.js';
import { listNames } from './conditions.js';
import { listedOf } from './listed.js';
import { below, clients, clients6, generateName, generateType, pick, type Random, sortsOf } from './names.js';
import type { GeneratedSet } from './policies.js';

/** What the answers mean: see `wireConfig`. */
const notAuth = 9;
const servFail = 2;
const nxDomain = 3;
const refused = 5;
/** Sends PROXY protocol headers. */
export const proxy = '127.0.0.77';
/** How long an answer may take where none is expected, ms, and where one is. */
const short = 300;
const long = 5000;
const atOnce = 48;

/** Rules behind the bridge's: each verdict is told from every other by its answer alone. */
export const wireRules = [
  `setProxyProtocolACL({ "${proxy}/32" })`,
  'setServFailWhenNoServer(true)',
  'newServer({ address = "127.0.0.1:9", pool = "filtered" }):setDown()',
];
export const wireAllowed = 'addAction(AllRule(), RCodeAction(DNSRCode.NOTAUTH))';

export interface Wire {
  tables: Tables;
  server: Server;
  /** By IPv6. */
  server6: Server;
  pdp: EmbeddedPdp;
  /** As the tables say. */
  roleSets(): readonly RoleSet[];
  lists(): ReadonlyMap<string, number>;
}

interface Question {
  roles: string[];
  /** Lower case, wire form. */
  name: Buffer;
  type: number;
  client: string;
  proxied: boolean;
  transport: Transport;
  /** The packet: letters in any case, with EDNS or without. */
  query: Buffer;
  attributes: QueryAttributes;
}

/** One set of policies, asked about `questions` times by the wire. @param number of the round, from 0 */
export async function wireRound(
  random: Random,
  wire: Wire,
  set: GeneratedSet,
  number: number,
  questions: number,
  tally: Tally,
  compiledOtherwise = otherwise,
): Promise<void> {
  const { tables, pdp } = wire;
  await load(pdp, set);
  const sources = set.policies.map(({ id, text }) => parseSource(id, text));
  const actions = askedInOrder(factsOf(sources).actions);
  const plans = await planned(pdp, set.roles, actions, tally, set);
  const sets = roleSets(random, [...plans.keys()]);
  const mapped = clientsOf(random, sets);
  await tables.roles.replace(mapped.map(({ prefix, roles }) => ({ prefix, roles })));
  await tables.roles.published();

  const facts = factsOf(sources);
  const writer = new SectionWriter((end) => terminalOf(end, (action) => tables.programs.action(action)));
  const programs: string[] = [];
  for (const roles of sets) {
    const id = wire.roleSets().find((each) => each.roles.join() === roles.join())?.id;
    if (id === undefined) continue; // no client drew it
    const asked = actions.map((action) => ({
      action,
      roles: roles.map((role) => ({ role, plan: plans.get(role)?.get(action) ?? ('never' as const) })),
    }));
    try {
      writer.set(id, compile(asked, compiledOtherwise, { lists: wire.lists(), ...facts }));
      programs.push(roles.join());
      if (roles.length === 1) count(tally, set, roles[0] as string, 'compiled');
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (roles.length === 1) count(tally, set, roles[0] as string, 'refused', error);
    }
  }
  const asking = mapped.filter(({ roles }) => programs.includes(roles.join()));
  if (asking.length === 0) return;
  const all = questionsOf(random, set, asking, questions);
  const listed = listedOf(
    random,
    all.map(({ name }) => name),
  );
  for (const question of all) question.attributes.lists = listed.of(question.name);
  for (const list of listNames) await tables.names.setNames(list, listed.on(list));
  await tables.programs.publish(writer.bytes(listNames.length + 1, { planned: 0, until: 0 }));
  await inForce(wire, number);
  await compare(wire, set, all, actions, tally);
}

interface Client {
  prefix: string;
  client: string;
  proxied: boolean;
  roles: string[];
}

/** A client of this machine for every set of roles, and addresses of the world behind a proxy. */
function clientsOf(random: Random, sets: readonly string[][]): Client[] {
  if (sets.length === 0) return [];
  const own = sets.map((roles, i) => ({
    prefix: `127.1.${i}.0/24`,
    client: `127.1.${i}.${1 + below(random, 250)}`,
    proxied: false,
    roles,
  }));
  const world = [...clients, ...clients6].map((client) => ({
    prefix: client,
    client,
    proxied: client !== '::1',
    roles: pick(random, sets),
  }));
  return [...own, ...world];
}

function questionsOf(
  random: Random,
  { hints }: GeneratedSet,
  asking: Client[],
  questions: number,
): Question[] {
  return Array.from({ length: questions }, () => {
    const { client, proxied, roles } = pick(random, asking);
    const name = generateName(random, hints);
    const type = generateType(random);
    const transport = random() < 0.1 ? 'tcp' : 'udp';
    const query = encodeQuery({
      name: anyCase(random, name),
      type,
      ...(random() < 0.3 && { edns: {} }),
    });
    const attributes = { qname: nameText(name), qtype: qtypeText(type), client, lists: [] };
    return { roles, name, type, client, proxied, transport, query, attributes };
  });
}

/** Generations come in order: with the marker, what was published before it is in force. */
async function inForce({ tables, server }: Wire, number: number): Promise<void> {
  const name = `round${number}.marker.example`;
  tables.names.set('marker', name, 'exact');
  await tables.names.published();
  const end = performance.now() + 10_000;
  for (;;) {
    const answer = await exchange(server, encodeQuery({ name }), { timeout: 500 });
    if (told(answer) === 'nodata') return;
    if (performance.now() > end) throw new Error(`generation with ${name} is not in force within 10 s`);
    await sleep(2);
  }
}

async function compare(
  wire: Wire,
  set: GeneratedSet,
  questions: readonly Question[],
  actions: string[],
  tally: Tally,
): Promise<void> {
  const expected = await expectedOf(wire.pdp, questions, actions);
  const queue = questions.map((question, i) => ({ question, should: expected[i] as string }));
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { question, should } = next;
      const { transport } = question;
      const got = await answerOf(wire, question, should === 'drop');
      tally.cases++;
      tally.actions.set(should, (tally.actions.get(should) ?? 0) + 1);
      for (const sort of sortsOf(question.name)) tally.names.set(sort, (tally.names.get(sort) ?? 0) + 1);
      // What was truncated comes again by TCP, and is let through.
      if (got === (transport === 'tcp' && should === 'truncate' ? 'allow' : should)) continue;
      const texts = set.policies.map((policy) => policy.text).join('\n');
      const asked = `${JSON.stringify(question.attributes)} as ${question.roles}`;
      tally.differences.push(`${asked}: ${got}, Cerbos ${should}\n${texts}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function expectedOf(pdp: EmbeddedPdp, questions: readonly Question[], actions: string[]) {
  const expected: string[] = [];
  const byRoles = new Map<string, number[]>();
  for (const [i, { roles }] of questions.entries()) {
    const key = roles.join();
    byRoles.set(key, [...(byRoles.get(key) ?? []), i]);
  }
  const batches = [...byRoles.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / checkBatch) }, (_, i) =>
      all.slice(i * checkBatch, (i + 1) * checkBatch),
    ),
  );
  await Promise.all(
    batches.map(async (batch) => {
      const own = batch.map((i) => questions[i] as Question);
      const attributes = own.map((question) => question.attributes);
      const granted = await check(pdp.client, own[0]?.roles ?? [], actions, attributes);
      batch.forEach((i, at) => {
        expected[i] = actions.find((action) => granted[at]?.has(action)) ?? otherwise;
      });
    }),
  );
  return expected;
}

async function answerOf(wire: Wire, question: Question, dropped: boolean): Promise<string> {
  const { name, client, proxied, transport, query } = question;
  const server = client.includes(':') && !proxied ? wire.server6 : wire.server;
  const destination = client.includes(':') ? '::' : '0.0.0.0';
  const how = proxied
    ? { transport, from: proxy, proxied: { source: client, destination } }
    : { transport, from: client };
  let answer = await exchange(server, query, { ...how, timeout: dropped ? short : long });
  // A packet may be lost on a machine that is busy.
  if (!answer && !dropped) answer = await exchange(server, query, { ...how, timeout: long });
  const asked = query.subarray(12, 12 + name.length + 4);
  if (answer && !answer.subarray(12, 12 + asked.length).equals(asked)) return 'an answer to another question';
  return told(answer);
}

function told(answer: Buffer | undefined): string {
  if (!answer) return 'drop';
  const rcode = (answer[3] as number) & 15;
  if ((answer[2] as number) & 2) return 'truncate';
  if (rcode === 0) return answer.readUInt16BE(6) > 0 ? 'redirect:sinkhole' : 'nodata';
  const meanings: Record<number, string> = {
    [notAuth]: 'allow',
    [nxDomain]: 'nxdomain',
    [refused]: 'refused',
    [servFail]: 'pool:filtered',
  };
  return meanings[rcode] ?? `rcode ${rcode}`;
}

/** 0x20: resolvers do it, and policies must not see it. */
function anyCase(random: Random, name: Buffer): Buffer {
  const made = Buffer.from(name);
  for (let at = 0; made[at] !== 0; at += 1 + (made[at] as number)) {
    for (let i = at + 1; i <= at + (made[at] as number); i++) {
      const byte = made[i] as number;
      if (byte >= 0x61 && byte <= 0x7a && random() < 0.5) made[i] = byte - 0x20;
    }
  }
  return made;
}
