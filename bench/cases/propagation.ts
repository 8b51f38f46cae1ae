// SPDX-License-Identifier: MPL-2.0
// From a put in etcd to another answer on dnsdist's wire, through a real host: a mapping, a name, a policy.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ControlClient } from '../../src/cli/client.js';
import { routes, type StatusReport } from '../../src/host/control/api.js';
import { etcdStore } from '../../src/host/store/etcd.js';
import type { Operation, Store } from '../../src/host/store/store.js';
import { encodeQuery } from '../../test/daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { Knot } from '../../test/daemons/lib/knot.js';
import { until } from '../../test/daemons/lib/process.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import type { BenchCase, CaseOptions, FigureSpec, Measured } from '../lib/figures.js';
import { driver, run } from '../lib/run.js';
import { quantile, random } from '../lib/stats.js';

const NAMES = 10_000_000;
const MAPPINGS = 100_000;
const ROLE_SETS = 100;
const CHANGES = 200;
const POLICIES = 50;
/** With SECONDS given the case only shows that it runs: this share of names and mappings. */
const SHORT = 50;
/** Between two changes, ms: at random, so that nothing beats in time with them. */
const pause = [20, 80] as const;

const root = '/nnoe/';
const rcodes = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 } as const;
type Rcode = keyof typeof rcodes;

/** In the feed, and in the zone behind dnsdist. */
const listed = 'listed.example';

interface Sizes {
  names: number;
  mappings: number;
}

/** One client that asks again as soon as it has its answer. */
class Client {
  private constructor(
    private readonly socket: Socket,
    private readonly port: number,
    private polls = 0,
    private spent = 0,
  ) {}

  static async open(address: string, port: number): Promise<Client> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Client(socket, port);
  }

  /** Mean time from one look to the next, ms. */
  get interval(): number {
    return this.spent / this.polls;
  }

  async ask(name: string): Promise<number> {
    const query = encodeQuery({ name, type: 'A' });
    const answer = once(this.socket, 'message', { signal: AbortSignal.timeout(2000) });
    this.socket.send(query, this.port, '127.0.0.1');
    const [reply] = (await answer) as [Buffer];
    return (reply[3] ?? 0) & 15;
  }

  /** Resolves when the answer is this one. */
  async sees(name: string, rcode: Rcode): Promise<void> {
    const end = performance.now() + 30_000;
    for (let last = performance.now(); (await this.ask(name)) !== rcodes[rcode]; ) {
      const now = performance.now();
      this.polls++;
      this.spent += now - last;
      last = now;
      if (now > end) throw new Error(`${name} is not ${rcode} after 30 s`);
    }
  }

  close(): void {
    this.socket.close();
  }
}

const mapping = (role: string) => JSON.stringify({ roles: [role] });
const role = (i: number) => `r${i % ROLE_SETS}`;

/** Everybody may ask for everything but for what is below `kept`. */
const policy = (kept: string): string =>
  JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource: 'dns_query',
      version: 'default',
      rules: Array.from({ length: ROLE_SETS }, (_, i) => ({
        actions: ['allow'],
        effect: 'EFFECT_ALLOW',
        roles: i === 0 ? [role(i), 'default', 'kids', 'staff'] : [role(i)],
        condition: {
          match: { expr: `!R.attr.qname.endsWith(".${kept}.example") && R.attr.qname != "x${i}.example"` },
        },
      })),
    },
  });

async function fill(store: Store, { mappings }: Sizes): Promise<void> {
  const puts: Operation[] = Array.from({ length: mappings }, (_, i) => ({
    put: `${root}role-mappings/10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    value: mapping(role(i)),
  }));
  puts.push({ put: `${root}role-mappings/127.0.0.2`, value: mapping('staff') });
  puts.push({ put: `${root}policies/bench.json`, value: policy('none') });
  const next = async (): Promise<void> => {
    for (let some = puts.splice(0, 100); some.length > 0; some = puts.splice(0, 100))
      await store.commit({ operations: some });
  };
  await Promise.all(Array.from({ length: 8 }, next));
}

const plugins = (path: string) => ({
  leases: { enabled: false },
  lists: {
    list: { feed: { path }, threats: { threats: true } },
    subscribe: [{ lists: ['threats'] }, { lists: ['feed'], roles: ['kids'] }],
  },
  policies: { enabled: true, pdp: { directory: temporary('pdp') } },
});

interface Plane {
  store: Store;
  client: Client;
  host: Host;
}

async function withPlane<T>(sizes: Sizes, options: CaseOptions, work: (plane: Plane) => Promise<T>) {
  const feed = join(temporary('feed'), 'names');
  await run(driver('list_parse'), ['generate', 'domains', String(sizes.names), feed]);
  appendFileSync(feed, `${listed}\n`);
  const etcd = await Etcd.start();
  const store = etcdStore({ endpoints: etcd.endpoints });
  const knot = await Knot.start();
  options.say(`propagation: ${sizes.mappings} mappings into etcd`);
  await fill(store, sizes);
  const host = await Host.create({ journals: {}, endpoints: etcd.endpoints, plugins: plugins(feed) });
  const decisions = join(host.directory, 'decisions');
  mkdirSync(decisions);
  options.say(`propagation: a list of ${sizes.names} names`);
  await host.start(300_000);
  const lua = [bridgeLine({ directory: join(host.directory, 'tables'), decisions, fail: 'closed' })];
  const dnsdist = await Dnsdist.start({ server: knot, lua });
  const client = await Client.open('127.0.0.2', dnsdist.port);
  try {
    await settled(host);
    await client.sees('www.example', 'NOERROR');
    return await work({ store, client, host });
  } finally {
    client.close();
    await dnsdist.stop();
    await host.stop();
    await knot.stop();
    await store.close();
    await etcd.stop();
  }
}

/** Everything is published, and dnsdist has it. */
async function settled({ socket }: Host): Promise<void> {
  const control = new ControlClient(socket);
  const there = async () => {
    const { tables } = await control.get<StatusReport>(routes.status);
    const current = tables?.bridges.every(({ generation }) => generation === tables.generation);
    return tables?.state === 'ok' && !tables.waiting && current === true;
  };
  await until('tables that are settled', there, 300_000, 100);
}

interface Change {
  put: string;
  value: string;
  name: string;
  rcode: Rcode;
}

/** ms from each put to the answer that it makes. */
async function changes({ store, client }: Plane, all: readonly Change[], seed: number): Promise<number[]> {
  const next = random(seed);
  const took: number[] = [];
  for (const { put, value, name, rcode } of all) {
    if ((await client.ask(name)) === rcodes[rcode]) throw new Error(`${name} is ${rcode} before the change`);
    await wait(pause[0] + next() * (pause[1] - pause[0]));
    const began = performance.now();
    const [, seen] = await Promise.all([
      store.commit({ operations: [{ put, value }] }),
      client.sees(name, rcode).then(() => performance.now()),
    ]);
    took.push(seen - began);
  }
  return took;
}

function mappingChanges(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => ({
    put: `${root}role-mappings/127.0.0.2`,
    // In the feed; staff may ask for it, kids may not.
    value: mapping(i % 2 === 0 ? 'kids' : 'staff'),
    name: listed,
    rcode: i % 2 === 0 ? 'NXDOMAIN' : 'NOERROR',
  }));
}

function nameChanges(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => ({
    put: `${root}threats/domains/t${i}.example`,
    value: JSON.stringify({ domain: `t${i}.example`, source: 'bench' }),
    name: `t${i}.example`,
    rcode: 'NXDOMAIN',
  }));
}

function policyChanges(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => ({
    put: `${root}policies/bench.json`,
    value: policy(`p${i}`),
    name: `www.p${i}.example`,
    rcode: 'REFUSED',
  }));
}

function figure(took: readonly number[]): Measured {
  return { value: quantile(took, 0.99), spread: [quantile(took, 0), quantile(took, 1)] };
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const short = options.seconds !== undefined;
  const share = short ? SHORT : 1;
  const sizes = { names: NAMES / share, mappings: MAPPINGS / share };
  const count = short ? 20 : CHANGES;
  if (short) options.say(`propagation: with ${sizes.names} names, which is not what the figures are about`);
  return withPlane(sizes, options, async (plane) => {
    const { seed } = options;
    const mappings = await changes(plane, mappingChanges(count), seed);
    options.say(`propagation: a mapping ${summaryText(mappings)}`);
    const names = await changes(plane, nameChanges(count), seed);
    options.say(`propagation: a name ${summaryText(names)}`);
    const policies = await changes(plane, policyChanges(short ? 5 : POLICIES), seed);
    options.say(`propagation: a policy ${summaryText(policies)}`);
    return {
      mapping: figure(mappings),
      name: figure(names),
      policy: figure(policies),
      looks: { value: plane.client.interval },
    };
  });
}

const summaryText = (took: readonly number[]) =>
  `p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`;

const p99 = (name: string, value: number, what: string): FigureSpec => ({
  name,
  unit: 'ms, p99',
  bound: { relation: '<=', value },
  method: `${what}; from the call that puts to the first answer on the wire that is another, one change at a time`,
});

const propagation: BenchCase = {
  summary: 'from a put in etcd to another answer of dnsdist',
  figures: [
    p99('mapping', 100, `${CHANGES} changes of one mapping among ${MAPPINGS}`),
    p99('name', 100, `${CHANGES} new names beside a list of ${NAMES}`),
    p99('policy', 1000, `${POLICIES} changes of a policy for ${ROLE_SETS} sets of roles and more`),
    { name: 'looks', unit: 'ms', method: 'mean time between two looks at the wire' },
  ],
  run: measure,
};

export default propagation;
