// SPDX-License-Identifier: MPL-2.0
// How many lease events the host commits to one local etcd over the HTTP/JSON gateway, beside the plain way: one put
// at a time over the same gateway.
import { Agent, request } from 'node:http';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { LEASES } from '../lib/progress.js';
import { median, summary } from '../lib/stats.js';
import { type Pair, throughHost } from '../lib/through-host.js';

const EVENTS = 100_000;
/** One put at a time is slow and steady: this many suffice. */
const SINGLE = 3_000;
const WARM = 10_000;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** One call on a connection that is kept; resolves when the answer is complete. */
function post(agent: Agent, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request({ port, agent, headers, method: 'POST', path: '/v3/kv/put' }, (incoming) => {
      incoming.resume();
      incoming.on('end', () =>
        incoming.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${incoming.statusCode}`)),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function oneAtATime(pairs: readonly Pair[]): Promise<number> {
  const etcd = await Etcd.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const put = ([key, value]: Pair) =>
    post(agent, etcd.member(0).clientPort, `{"key":"${base64(key)}","value":"${base64(value)}"}`);
  for (const pair of pairs.slice(0, 200)) await put(pair);
  const start = performance.now();
  for (const pair of pairs.slice(200, 200 + SINGLE)) await put(pair);
  const rate = SINGLE / ((performance.now() - start) / 1000);
  const count = await etcd.count(LEASES);
  if (count !== 200 + SINGLE) throw new Error(`${count} keys are there of ${200 + SINGLE} that were put`);
  agent.destroy();
  await etcd.stop();
  return rate;
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const host: number[] = [];
  const single: number[] = [];
  for (let round = 0; round < (options.pairs ?? 5); round++) {
    const { rate, written } = await throughHost({ kind: 'etcd-gateway', events: EVENTS, warm: WARM });
    if (written.length < EVENTS) throw new Error(`the host wrote ${written.length} keys only`);
    host.push(rate);
    single.push(await oneAtATime(written));
    options.say(`gateway: host ${Math.round(rate)}/s, one put at a time ${Math.round(single.at(-1) ?? 0)}/s`);
  }
  return {
    'lease events': summary(host),
    'over one gateway put at a time': {
      ...summary(host.map((rate, i) => rate / (single[i] as number))),
      alternative: {
        name: 'one gateway put at a time',
        value: median(single),
        as: { unit: 'events/s', ours: median(host) },
      },
    },
  };
}

const rounds = `${EVENTS} new leases from the journal through the host's process into a fresh etcd by its HTTP/JSON gateway; in turn, the same keys and values into another fresh one`;

const gateway: BenchCase = {
  summary: 'lease events committed to one local etcd over its HTTP/JSON gateway',
  figures: [
    { name: 'lease events', unit: 'events/s', method: `${rounds}; median of rounds` },
    {
      name: 'over one gateway put at a time',
      unit: 'times',
      alternative: true,
      bound: { relation: '>=', value: 15 },
      method: `${rounds} by ${SINGLE} puts, each awaited, on one connection that is kept; median of rounds`,
    },
  ],
  brief: { pairs: 2 },
  run: measure,
};

export default gateway;
