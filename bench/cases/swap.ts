// SPDX-License-Identifier: MPL-2.0
// A list of a million names replaced by another under load: what queries notice, and what dnsdist's memory does.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bridgeLine, Dnsdist } from '../../test/daemons/lib/dnsdist.js';
import { bridgeLibrary } from '../lib/bridge-library.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { driver, run, withDirectory } from '../lib/run.js';

const NAMES = 1_000_000;
const SWAPS = 20;
const THREADS = 2;
/** Between two swaps, ms. */
const PAUSE = 250;
/** Of dnsdist's memory while a generation is taken over, and how long one may take, ms. */
const LOOK = 50;
const TAKEN = 60_000;

interface Lengths {
  /** us */
  longest: number;
  /** By how long they took. */
  late: number[];
}

interface Load extends Lengths {
  calls: number;
  swaps: number;
  /** Of arithmetic between the calls. */
  machine: Lengths;
}

async function load(directory: string, swaps: number): Promise<Load> {
  const numbers = [NAMES, swaps, THREADS, PAUSE].map(String);
  return JSON.parse(await run(driver('swap_bench'), ['load', bridgeLibrary, directory, ...numbers])) as Load;
}

/** Bytes resident now, and at most so far. */
function resident(pid: number): { now: number; most: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { now: field('VmRSS'), most: field('VmHWM') };
}

/** Waits until memory that holds at least `bytes` of tables has stayed the same for ten looks. */
async function settled(pid: number, bytes: number, idle: number): Promise<number> {
  let before = 0;
  let same = 0;
  for (let waited = 0; waited < TAKEN; waited += LOOK) {
    await sleep(LOOK);
    const { now } = resident(pid);
    same = now === before && now - idle >= bytes * 0.9 ? same + 1 : 0;
    if (same === 10) return now;
    before = now;
  }
  throw new Error(`dnsdist did not come to rest with ${bytes} bytes of tables`);
}

async function memory(directory: string): Promise<Record<string, Measured>> {
  mkdirSync(directory);
  const make = async (turn: number) => {
    const printed = await run(driver('swap_bench'), ['make', directory, String(NAMES), String(turn)]);
    return (JSON.parse(printed) as { bytes: number }).bytes;
  };
  // Nobody is asked: the port of a server that is not there is enough.
  const server = { address: '127.0.0.1', port: 9 };
  const dnsdist = await Dnsdist.start({ server, lua: [bridgeLine({ directory })] });
  try {
    const idle = resident(dnsdist.proc.pid).now;
    const bytes = await make(0);
    const rest = await settled(dnsdist.proc.pid, bytes, idle);
    const steady = (rest - idle) / bytes;
    for (let turn = 1; turn <= 3; turn++) {
      await make(turn);
      await sleep(1500);
      await settled(dnsdist.proc.pid, bytes, idle);
    }
    const after = resident(dnsdist.proc.pid);
    return {
      'memory steady': { value: Math.max(steady, (after.now - idle) / bytes) },
      'memory during': { value: (after.most - idle) / bytes },
      'table size': { value: bytes / 1e6 },
    };
  } finally {
    await dnsdist.stop();
  }
}

async function measureIn(directory: string, options: CaseOptions): Promise<Record<string, Measured>> {
  options.say('swap: without a swap');
  const quiet = await load(join(directory, 'quiet'), 0);
  options.say(`swap: ${SWAPS} swaps of ${NAMES} names`);
  const loaded = await load(join(directory, 'loaded'), SWAPS);
  const above = ({ late }: Lengths, bound: number) =>
    late.slice(bound).reduce((sum, count) => sum + count, 0);
  const perMillion = (lengths: Lengths, bound: number) => (above(lengths, bound) * 1e6) / loaded.calls;
  options.say(
    `swap: longest call ${loaded.longest} us, without swaps ${quiet.longest}; of arithmetic ${loaded.machine.longest}, without ${quiet.machine.longest}`,
  );
  const beside = (bound: number): Measured => ({
    value: perMillion(loaded, bound),
    alternative: { name: 'arithmetic at the same time', value: perMillion(loaded.machine, bound) },
  });
  return {
    'longest call': {
      value: loaded.longest,
      alternative: { name: 'arithmetic at the same time', value: loaded.machine.longest },
    },
    'longest without a swap': { value: quiet.longest },
    'above 10 us': beside(4),
    'above 50 us': beside(6),
    ...(await memory(join(directory, 'dnsdist'))),
  };
}

const timing = `processor time of the thread around each call of nnoe_decide, ${THREADS} threads asking, ${SWAPS} swaps of ${NAMES} names`;
const resting = 'resident bytes above those of the same dnsdist without tables / bytes of all sections';

const swap: BenchCase = {
  summary: 'a list of a million names replaced under load: longest call, memory of dnsdist',
  figures: [
    {
      name: 'longest call',
      unit: 'us',
      alternative: true,
      bound: { relation: '<=', value: 50 },
      method: timing,
    },
    {
      name: 'longest without a swap',
      unit: 'us',
      method: 'the same threads on the same tables, as long',
    },
    {
      name: 'above 10 us',
      unit: 'calls/M',
      alternative: true,
      method: `${timing}; beside it a loop of arithmetic that takes a turn after each call: what interrupts do to any code`,
    },
    { name: 'above 50 us', unit: 'calls/M', alternative: true, method: 'likewise' },
    {
      name: 'memory steady',
      unit: 'times',
      bound: { relation: '<=', value: 1.1 },
      method: `${resting}, at rest, before and after swaps`,
    },
    {
      name: 'memory during',
      unit: 'times',
      bound: { relation: '<=', value: 2.1 },
      method: `${resting}, at most over three swaps`,
    },
    { name: 'table size', unit: 'MB', method: 'all sections, from the manifest' },
  ],
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default swap;
