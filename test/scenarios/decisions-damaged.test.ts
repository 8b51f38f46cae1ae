// SPDX-License-Identifier: MPL-2.0
// What a dnsdist that somebody took over may leave where it writes its decisions, beside one that works: copies of a
// real file, damaged in every way, and headers with a right checksum that say what cannot be.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { Host } from '../daemons/lib/host.js';
import { Knot } from '../daemons/lib/knot.js';
import { sleep, until } from '../daemons/lib/process.js';
import { parseScrape, sample } from '../daemons/lib/scrape.js';
import { Random } from '../stress/random.js';
import { crc32c } from './crc32c.js';

// Places in such a file: native/shm/tables/decisions.h. Counters are left as they are: they are the word of whoever
// writes them, and would be believed.
const headerBytes = 128;
const [pidAt, ringBytesAt, slotBytesAt, crcAt] = [12, 24, 32, 124];
const statusAt = 1024;
const threadsAt = statusAt + 48;
const slotsAt = 4096;

/** As the file of a process of its own, with a checksum that fits whatever `change` makes of the header. */
function posing(file: Buffer, pid: number, change: (copy: Buffer) => void = () => undefined): Buffer {
  const copy = Buffer.from(file);
  if (copy.length < headerBytes) return copy;
  copy.writeUInt32LE(pid, pidAt);
  change(copy);
  copy.writeUInt32LE(crc32c(copy.subarray(0, crcAt)), crcAt);
  return copy;
}

type Damage = (file: Buffer, pid: number) => Buffer;

function damages(real: Buffer, random: Random): Damage[] {
  const { length } = real;
  const ring = slotsAt + Number(real.readBigUInt64LE(slotBytesAt) - real.readBigUInt64LE(ringBytesAt));
  const flipped =
    (from: number, to: number, count: number): Damage =>
    (file, pid) => {
      const copy = posing(file, pid);
      for (let i = 0; i < count; i++)
        copy[Math.floor(random.between(from, to))] = Math.floor(random.between(0, 256));
      return copy;
    };
  const cuts = [0, 1, 100, headerBytes, statusAt + 8, slotsAt, slotsAt + 9, length >> 1, length - 1];
  const sizes = [0n, 1n, 1n << 20n, 1n << 30n, (1n << 64n) - 1n];
  const regions: [number, number][] = [
    [0, headerBytes],
    [statusAt, statusAt + 640],
    [slotsAt, slotsAt + 8],
    [ring, length],
  ];
  return [
    ...cuts.map(
      (size): Damage =>
        (file, pid) =>
          posing(file.subarray(0, size), pid),
    ),
    ...regions.flatMap(([from, to]) => Array.from({ length: 12 }, (_, i) => flipped(from, to, 1 << i))),
    ...sizes.flatMap((size): Damage[] =>
      [ringBytesAt, slotBytesAt].map(
        (at): Damage =>
          (file, pid) =>
            posing(file, pid, (copy) => copy.writeBigUInt64LE(size, at)),
      ),
    ),
    ...[257, 0xffff_ffff].map(
      (threads): Damage =>
        (file, pid) => {
          const copy = posing(file, pid);
          copy.writeUInt32LE(threads, threadsAt);
          return copy;
        },
    ),
    (file) => Buffer.alloc(file.length, 0xff),
  ];
}

const firstPid = 4_200_000;

test('files of decisions that are cut short, mixed up or made up do not harm the host, or another dnsdist’s counters', async () => {
  const knot = await Knot.start();
  const host = await Host.start({ journals: {}, plugins: { decisions: { enabled: true } } });
  const [tables, decisions] = [join(host.directory, 'tables'), join(host.directory, 'decisions')];
  const dnsdist = await Dnsdist.start({ server: knot, lua: [bridgeLine({ directory: tables, decisions })] });
  const counted = async () => sample(parseScrape(await host.metrics()), 'nnoe_dns_queries_total') ?? 0;
  const query = async () => assert.is((await ask(dnsdist, { name: 'a.example' }))?.rcode !== undefined, true);
  await until('queries to be counted', async () => {
    await query();
    return (await counted()) > 0;
  });
  const live = () => readdirSync(decisions).find((name) => name.startsWith(`${dnsdist.proc.pid}-`)) ?? '';
  const file = readFileSync(join(decisions, live()));
  const all = damages(file, new Random(Number(process.env.SEED ?? 20_261_122)));
  assert.ok(all.length > 60);
  // No process has a number as large as that.
  const name = (i: number) => `${firstPid + i}-${'1'.repeat(16)}.decisions`;
  const names = all.map((_, i) => name(i));
  for (const [i, damage] of all.entries())
    writeFileSync(join(decisions, name(i)), damage(file, firstPid + i), { mode: 0o640 });
  const left = () => readdirSync(decisions).filter((name) => names.includes(name)).length;
  await until('most of them to be read and cleared away', () => left() < all.length / 2, 20_000, 50);
  await until(
    'them to be at rest',
    async () => {
      const before = [left(), await counted()].join();
      await sleep(2_500);
      return before === [left(), await counted()].join();
    },
    30_000,
  );

  assert.is(host.proc?.exit, undefined, 'the host lives');
  const before = await counted();
  for (let i = 0; i < 50; i++) await query();
  await until(
    'the queries of the other one to be counted',
    async () => (await counted()) === before + 50,
    10_000,
  );
  await dnsdist.stop();
  await host.stop();
  await knot.stop();
});

test.run();
