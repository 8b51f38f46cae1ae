// SPDX-License-Identifier: MPL-2.0
// Events per second that leave a Kea which perfdhcp drives as fast as it can, through our hook and through Kea's own
// that starts a script; and the processor time that a lease takes at a rate which both keep up with.
import { readFileSync } from 'node:fs';
import { decodeLeaseEvent } from '../../src/host/gen/events.js';
import { type Journal, type JournalReader, native, RecordKind } from '../../src/host/native.js';
import { Kea } from '../../test/daemons/lib/kea.js';
import { load } from '../../test/daemons/lib/perfdhcp.js';
import { sleep, until } from '../../test/daemons/lib/process.js';
import type { CaseOptions } from './figures.js';
import { addressesIn, assertTold } from './hook-cost.js';
import { cpuSeconds } from './process.js';
import { RunScript } from './run-script.js';

export type Told = 'ours' | 'script';
const told: readonly Told[] = ['ours', 'script'];

/** Measured part of a run as fast as it goes, and what comes before it, s. */
export const SECONDS = 8;
const LEAD = 1;
/** Different clients: enough that hardly one comes twice. */
const CLIENTS = 60_000;
/** Exchanges at a rate that a fork for each leaves room for. */
export const STEADY = { rate: 60, exchanges: 300 };
/** /proc's unit of processor time, s. */
const TICK = 0.01;

/** Where events come out, as their reader sees them. */
interface Outlet {
  addresses(): readonly string[];
  close(): void;
}

/** A reader of the journal that decodes every event, 50 times a second and when the hook rings. */
class JournalOutlet implements Outlet {
  readonly #journal: Journal;
  readonly #reader: JournalReader;
  readonly #addresses: string[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(directory: string) {
    this.#journal = native().openJournal(directory);
    this.#reader = this.#journal.reader(0);
    this.#journal.onSignal(() => this.addresses());
    this.#timer = setInterval(() => this.addresses(), 20);
  }

  addresses(): readonly string[] {
    const reader = this.#reader;
    for (let got = reader.next(1024); got > 0; got = reader.next(1024)) {
      for (let i = 0; i < got; i++) {
        if (reader.kinds[i] !== RecordKind.Lease) continue;
        const start = reader.offsets[i] as number;
        const { address } = decodeLeaseEvent(reader.payload, start, start + (reader.lengths[i] as number));
        this.#addresses.push(address.join('.'));
      }
    }
    return this.#addresses;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#reader.close();
    this.#journal.close();
  }
}

async function withKea<T>(which: Told, work: (kea: Kea, outlet: Outlet) => Promise<T>): Promise<T> {
  const script = new RunScript();
  const hooks = which === 'ours' ? {} : { hook: false as const, hooks: [script.hook] };
  const kea = await Kea.start({ family: 4, threads: 0, ...hooks });
  await kea.commandable();
  const outlet: Outlet =
    which === 'ours'
      ? new JournalOutlet(kea.at.journal)
      : { addresses: () => script.addresses(), close: () => undefined };
  try {
    const found = await work(kea, outlet);
    await kea.stop();
    const given = addressesIn(kea.at.csv);
    // Scripts that are still at work need no Kea.
    await until('an event for each lease', () => outlet.addresses().length >= given.length, 60_000, 100);
    assertTold(given, outlet.addresses());
    return found;
  } finally {
    outlet.close();
    await kea.kill();
  }
}

/** Events per second at the outlet, while Kea is asked more than it can answer. */
const flooded = (which: Told, seconds: number): Promise<number> =>
  withKea(which, async (kea, outlet) => {
    const perf = load(kea, { clients: CLIENTS, seconds: seconds + 2 * LEAD, wait: 1_000 });
    await sleep(LEAD * 1000);
    const [before, begin] = [outlet.addresses().length, performance.now()];
    await sleep(seconds * 1000);
    const rate = (outlet.addresses().length - before) / ((performance.now() - begin) / 1000);
    await perf.finished();
    return rate;
  });

/** us of processor time, system included, of Kea and all that it started, for one exchange. */
const steady = (which: Told): Promise<number> =>
  withKea(which, async (kea, outlet) => {
    const pid = kea.proc?.pid as number;
    const used = () => cpuSeconds(pid) + childSeconds(pid);
    const before = used();
    const { rate, exchanges } = STEADY;
    const args = ['-n', String(exchanges)];
    const load60 = { rate, clients: exchanges, seconds: 60, dropTime: 10, wait: 2_000, args };
    const { drops } = await load(kea, load60).finished();
    if (drops > 0) throw new Error(`${which}: ${drops} of ${exchanges} exchanges at ${rate}/s unanswered`);
    await until('an event for each lease', () => outlet.addresses().length >= exchanges, 60_000);
    return ((used() - before) / exchanges) * 1e6;
  });

/** Of children that have ended and been waited for. */
function childSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK;
}

export interface HookRates {
  /** Events/s, round by round. */
  events: Record<Told, number[]>;
  /** us of processor time an exchange. */
  processor: Record<Told, number[]>;
}

export async function hookRates(options: CaseOptions): Promise<HookRates> {
  const found: HookRates = { events: { ours: [], script: [] }, processor: { ours: [], script: [] } };
  for (let pair = 0; pair < (options.pairs ?? 3); pair++) {
    for (const which of pair % 2 === 0 ? told : [...told].reverse()) {
      found.events[which].push(await flooded(which, options.seconds ?? SECONDS));
      found.processor[which].push(await steady(which));
    }
    const last = (by: Record<Told, number[]>) => told.map((each) => `${each} ${by[each].at(-1)?.toFixed(0)}`);
    options.say(`hook: ${last(found.events).join(', ')} events/s`);
    options.say(`hook: ${last(found.processor).join(', ')} us of processor time an exchange`);
  }
  return found;
}
