// SPDX-License-Identifier: MPL-2.0
// The verdict plane that `make run` shows: the files of examples/verdict-plane, on this run's paths and ports.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { ControlClient } from '../../src/cli/client.js';
import { routes, type StatusReport } from '../../src/host/control/api.js';
import { why } from '../../src/host/tables/why.js';
import { qtypeNumber } from '../../src/plugins/policies/qtypes.js';
import { ask } from '../../test/daemons/lib/dns.js';
import { type Dnsdist, dnsdistVersion } from '../../test/daemons/lib/dnsdist.js';
import type { Host } from '../../test/daemons/lib/host.js';
import { tree } from '../../test/daemons/lib/kea.js';
import type { JsonObject } from '../../test/daemons/lib/kea-config.js';
import { sleep } from '../../test/daemons/lib/process.js';

const directory = join(tree, 'examples/verdict-plane');
const file = (name: string) => readFileSync(join(directory, name), 'utf8');

/** Sections of the host's configuration, as the example has them but for paths. */
export function verdictConfig(scratch: string): { plugins: Record<string, JsonObject>; answers: JsonObject } {
  const text = file('nnoe.toml').replaceAll('/etc/nnoe/ads.hosts', join(directory, 'ads.hosts'));
  const { plugins, answers } = parse(text) as unknown as {
    plugins: Record<string, JsonObject>;
    answers: JsonObject;
  };
  const policies = { ...plugins.policies, pdp: { directory: join(scratch, 'policies') } };
  return { plugins: { ...plugins, policies }, answers };
}

/** Records of the example's zone behind SOA and NS. */
export const zoneRecords = (): string[] =>
  file('example.zone')
    .split('\n')
    .filter((line) => line.startsWith('*'));

/** What people would put into the store. */
export function examples(): [key: string, value: string][] {
  const values = JSON.parse(file('mappings.json')) as Record<string, object>;
  const texts = Object.entries(values).map(([key, value]): [string, string] => [key, JSON.stringify(value)]);
  return [...texts, ['policies/example.yaml', file('policies.yaml')]];
}

/** Puts them, and waits until dnsdist can have them. */
export async function loadExamples({ socket }: Host, patience = 20_000): Promise<void> {
  const client = new ControlClient(socket);
  for (const [key, value] of examples()) await client.send(routes.storePut, { key }, Buffer.from(value));
  const end = Date.now() + patience;
  for (;;) {
    const { tables, plugins } = await client.get<StatusReport>(routes.status);
    const settled = tables?.state === 'ok' && !tables.waiting && plugins.policies?.state === 'ok';
    if (settled && plannedFor(tables.directory)) return;
    if (Date.now() > end) throw new Error(`no tables yet: ${tables?.reason}; ${plugins.policies?.reason}`);
    await sleep(50);
  }
}

/** Whether every role of the example has its policy. */
const plannedFor = (tables: string): boolean =>
  questions.every(([client, name, type]) => explain(tables, client, name, type).action !== undefined);

type Question = [client: string, name: string, type: 'A' | 'AAAA' | 'TXT'];

const questions: Question[] = [
  ['127.0.0.2', 'www.example', 'A'],
  ['127.0.0.2', 'ads.example', 'A'],
  ['127.0.0.3', 'ads.example', 'A'],
  ['127.0.0.2', 'chess.games.example', 'A'],
  ['127.0.0.3', 'chess.games.example', 'A'],
  ['127.0.1.9', 'bücher-werbung.example', 'A'],
  ['127.0.0.9', 'malware.example', 'A'],
];

const explain = (tables: string, client: string, name: string, type: string) =>
  why({
    directory: tables,
    client,
    name,
    type: { number: qtypeNumber(type) ?? 1, text: type },
    mappings: '/nnoe/role-mappings/',
    now: Date.now(),
  });

async function onTheWire(dnsdist: Dnsdist, [from, name, type]: Question): Promise<string> {
  const reply = await ask(dnsdist, { name: asciiOf(name), type, from });
  const records = reply?.answers.map(({ data }) => data).join(', ');
  return reply === undefined ? 'no answer' : [reply.rcode, ...(records ? [records] : [])].join(' ');
}

const asciiOf = (name: string) => new URL(`http://${name}`).hostname;

/** A line for each question: what came back, and why. */
export async function verdicts(dnsdist: Dnsdist, tables: string): Promise<string> {
  const rows: string[][] = [];
  for (const question of questions) {
    const [client, name, type] = question;
    const { roles, list, rule, reason } = explain(tables, client, name, type);
    const by = list === undefined ? (rule ?? reason) : `list ${list}`;
    rows.push([client, roles.join(', '), `${name} ${type}`, await onTheWire(dnsdist, question), by]);
  }
  const all = [['client', 'roles', 'asks for', 'gets', 'because of'], ...rows];
  const wide = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(wide[i] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

/** One mapping is changed; how long until dnsdist answers otherwise, ms. */
export async function changeOfMind({ socket }: Host, dnsdist: Dnsdist): Promise<number> {
  const question: Question = ['127.0.0.3', 'ads.example', 'A'];
  const before = await onTheWire(dnsdist, question);
  const client = new ControlClient(socket);
  const began = performance.now();
  const [key, value] = change;
  await client.send(routes.storePut, { key }, Buffer.from(value));
  while ((await onTheWire(dnsdist, question)) === before) {
    if (performance.now() - began > 10_000)
      throw new Error('dnsdist answers as before the change of a mapping');
  }
  const ms = performance.now() - began;
  const [, staff] = examples().find(([each]) => each === key) ?? [];
  await client.send(routes.storePut, { key }, Buffer.from(staff ?? ''));
  return ms;
}

/** What `nnoe store put` is shown with. */
export const change = ['role-mappings/127.0.0.3', '{"roles":["kids"]}'] as const;

/** What to type, by what it is for. */
export function verdictSuggestions(dnsdist: Dnsdist, host: Host, nnoe: string): [string, string][] {
  const dig = existsSync('/usr/bin/dig') ? 'dig' : 'kdig';
  const query = (from: string, name: string) => `${dig} -b ${from} -p ${dnsdist.port} @127.0.0.1 ${name}`;
  return [
    ['a name that kids are kept from', query('127.0.0.2', 'ads.example')],
    ['the same for staff', query('127.0.0.3', 'ads.example')],
    ['why that is so', `${nnoe} why --config ${host.configFile} 127.0.0.2 ads.example`],
    ['staff become kids at once', `${nnoe} store put --socket ${host.socket} ${change[0]} '${change[1]}'`],
    ['the roles that clients have', `${nnoe} roles --socket ${host.socket}`],
    ['the lists, and what is on them', `${nnoe} lists --socket ${host.socket}`],
  ];
}

export const dnsdistText = (): string => `dnsdist ${dnsdistVersion().join('.')}`;
