// SPDX-License-Identifier: MPL-2.0
// Generation after generation under a dnsdist that answers at full speed: no answer may be missing or wrong, and what
// dnsdist needs in memory may not grow. `make stress-tables` makes 10,000 (GENERATIONS) of them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { until } from '../daemons/lib/process.js';
import { Tables } from '../daemons/lib/tables.js';

export interface Campaign {
  generations: number;
  /** Names on the list that every generation has. */
  names: number;
  say(line: string): void;
}

export interface Outcome {
  /** Of clients, while generations came. */
  answered: number;
  /** What was not as it has to be, the first few. */
  faults: string[];
  /** MB of dnsdist that belong to no file: after the first tenth of generations, and after the last. */
  before: number;
  after: number;
  /** Files that the directory holds at the end. */
  files: number;
}

/** Blocked in every generation, in even ones, in odd ones, and never. */
const names = { always: 'ads.example', even: 'even.example', odd: 'odd.example', never: 'www.example' };

const nobody = { address: '127.0.0.1', port: 9 };

export async function campaign({ generations, names: count, say }: Campaign): Promise<Outcome> {
  const tables = Tables.open();
  await tables.publish(...list(0, count));
  const lua = [
    bridgeLine({ directory: tables.directory, fail: 'closed' }),
    'addAction(AllRule(), RCodeAction(DNSRCode.NOERROR))',
  ];
  const dnsdist = await Dnsdist.start({ server: nobody, threads: 2, lua });
  const faults: string[] = [];
  const stop = new AbortController();
  const clients = Array.from({ length: 4 }, () => client(dnsdist, stop.signal, faults));
  let before = Number.NaN;
  for (let i = 1; i <= generations; i++) {
    await tables.publish('forget', ...list(i, count));
    if (i === Math.ceil(generations / 10)) before = anonymous(dnsdist);
    if (i % 1000 === 0) say(`${i} generations, ${anonymous(dnsdist).toFixed(1)} MB`);
  }
  stop.abort();
  const answered = (await Promise.all(clients)).reduce((sum, each) => sum + each, 0);
  await last(dnsdist, generations);
  const after = anonymous(dnsdist);
  if (dnsdist.proc.exit) faults.push(`dnsdist ended: ${JSON.stringify(dnsdist.proc.exit)}`);
  const said = /nnoe: refused the tables.*/.exec(dnsdist.proc.output());
  if (said) faults.push(said[0]);
  await dnsdist.stop();
  await tables.close();
  return { answered, faults, before, after, files: readdirSync(tables.directory).length };
}

const list = (generation: number, count: number): string[] => [
  'list ads block',
  `name ads exact ${names.always}`,
  `name ads exact ${generation % 2 === 0 ? names.even : names.odd}`,
  ...Array.from({ length: count }, (_, i) => `name ads subtree n${i}.g${generation}.example`),
  'take default ads nxdomain',
];

/** Asks until told to stop; resolves with how often it was answered. */
async function client(dnsdist: Dnsdist, stop: AbortSignal, faults: string[]): Promise<number> {
  let answered = 0;
  while (!stop.aborted && faults.length < 5) {
    const always = (await ask(dnsdist, { name: names.always }))?.rcode;
    if (always !== 'NXDOMAIN') faults.push(`${names.always} is ${always}`);
    const never = (await ask(dnsdist, { name: names.never }))?.rcode;
    if (never !== 'NOERROR') faults.push(`${names.never} is ${never}`);
    const even = (await ask(dnsdist, { name: names.even }))?.rcode;
    if (even !== 'NXDOMAIN' && even !== 'NOERROR') faults.push(`${names.even} is ${even}`);
    answered += 3;
  }
  return answered;
}

/** Both threads decide by the last generation. */
async function last(dnsdist: Dnsdist, generation: number): Promise<void> {
  const [blocked, open] = generation % 2 === 0 ? [names.even, names.odd] : [names.odd, names.even];
  await until('the last generation', async () => {
    for (let i = 0; i < 20; i++) {
      if ((await ask(dnsdist, { name: blocked }))?.rcode !== 'NXDOMAIN') return false;
      if ((await ask(dnsdist, { name: open }))?.rcode !== 'NOERROR') return false;
    }
    return true;
  });
}

function anonymous(dnsdist: Dnsdist): number {
  const status = readFileSync(join('/proc', String(dnsdist.proc.pid), 'status'), 'latin1');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
