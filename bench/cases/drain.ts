// SPDX-License-Identifier: MPL-2.0
// How fast the host hands lease events to a plugin: journal, copy, checksum, decoding, delivery, cursor.
import { join } from 'node:path';
import { pino } from 'pino';
import { PatientClock } from '../../src/host/clock.js';
import { native } from '../../src/host/native.js';
import type { LeaseBatch } from '../../src/host/plugin.js';
import type { Consumer } from '../../src/host/streams/delivery.js';
import { Source } from '../../src/host/streams/source.js';
import { compareDecoders } from '../lib/decoders.js';
import { Feed } from '../lib/feed.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { withDirectory } from '../lib/run.js';
import { summary } from '../lib/stats.js';

const EVENTS = 1_000_000;
const BATCH = 1_024;

interface Drained {
  events: number;
  seconds: number;
  /** Sum of the last byte of every address: proof that each event was decoded. */
  proof: number;
}

/** Attaches one consumer to a journal that holds `EVENTS` events and waits until it has had them all. */
function drain(directory: string): Promise<Drained> {
  const noise = { batch: () => undefined, gap: () => undefined };
  const log = pino({ level: 'silent' });
  return new Promise((resolve, reject) => {
    const found: Drained = { events: 0, seconds: 0, proof: 0 };
    const stop = new AbortController();
    let start = 0;
    const finish = async () => {
      found.seconds = (performance.now() - start) / 1000;
      await source.drain();
      source.close();
      resolve(found);
    };
    const handle = ({ records }: LeaseBatch): void => {
      for (const record of records) {
        if (record.kind !== 'lease') continue;
        found.events++;
        found.proof += record.event.address[3] as number;
      }
      if (found.events === EVENTS) setImmediate(finish);
    };
    const consumer: Consumer = {
      name: 'bench',
      spec: { batch: BATCH, window: 1, onGap: 'ignore', deadline: 30 },
      signal: stop.signal,
      handle,
      failed: reject,
    };
    const source = new Source({
      ...{
        name: 'dhcp4',
        directory,
        family: 4,
        clock: new PatientClock(() => true),
        observer: noise,
        log,
        native: native(),
      },
      configured: [{ name: 'bench', replays: false, batch: BATCH }],
      busy: reject,
    });
    start = performance.now();
    source.attach(consumer);
    source.start();
  });
}

function expectedProof(): number {
  let sum = 0;
  for (let i = 0; i < EVENTS; i++) sum += (0x0a000001 + i) & 0xff;
  return sum;
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const rates: number[] = [];
  for (let round = 0; round < (options.pairs ?? 5); round++) {
    await withDirectory(async (parent) => {
      const directory = join(parent, 'dhcp4');
      const feed = await Feed.open(directory);
      await feed.send(0, EVENTS, false);
      await feed.close();
      const { events, seconds, proof } = await drain(directory);
      if (proof !== expectedProof()) throw new Error('the events that came are not those that went in');
      rates.push(events / seconds);
      options.say(`drain: ${Math.round(events / seconds)} events/s`);
    });
  }
  options.say('drain: decoders side by side');
  const decoders = await compareDecoders();
  const of = (name: string) => decoders.get(name) ?? Number.NaN;
  const beside = (name: string): Measured => ({
    value: of('generated decoder'),
    alternative: { name, value: of(name) },
  });
  return {
    'drain rate': summary(rates),
    'decode, beside protobufjs': beside('protobufjs'),
    'decode, beside a DataView': beside('DataView, fixed layout'),
    'decode, beside JSON': beside('JSON.parse'),
  };
}

const micro =
  'one IPv4 lease event of 80 bytes, package benchmark, three rounds in turn, median; all decoders give the same event';

const drainCase: BenchCase = {
  summary: "from the journal to decoded objects in a plugin's handler",
  figures: [
    {
      name: 'drain rate',
      unit: 'events/s',
      bound: { relation: '>=', value: 500_000 },
      method: `${EVENTS} events in a journal, batches of ${BATCH} through the host's streams, cursor kept; one Node thread, opening included; median of rounds`,
    },
    ...['protobufjs', 'a DataView', 'JSON'].map((name) => ({
      name: `decode, beside ${name}`,
      unit: 'events/s',
      alternative: true as const,
      method: micro,
    })),
  ],
  brief: { pairs: 3 },
  run: measure,
};

export default drainCase;
