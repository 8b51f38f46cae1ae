// SPDX-License-Identifier: MPL-2.0
// Names in wire form for generated questions: ordinary ones, and every sort that has ever been a trap.
import { Random as Generator } from '../stress/random.js';

/** 0 <= x < 1 */
export type Random = () => number;
export function seeded(seed: number): Random {
  const generator = new Generator(seed);
  return () => generator.next();
}

const words = [
  'www',
  'mail',
  'ads',
  'cdn',
  'a',
  'xn--bcher-kva',
  '_dmarc',
  'tracker',
  'example',
  'vendor',
  'test-1',
  '0',
  '10',
  'api',
];
const tops = ['example', 'com', 'org', 'vendor.example', 'ads.test', 'co.uk', 'arpa', 'x'];

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;
export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

const wire = (labels: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), label])),
    Buffer.from([0]),
  ]);
const labels = (text: string): Uint8Array[] => text.split('.').map((label) => Buffer.from(label, 'latin1'));

/** Bytes that are written as escapes, or that are lengths elsewhere. */
const odd = [...Buffer.from('.\\"$();@*!~/0-\x00\x01\x03\x07 \x7f\xff\xe9', 'latin1')];

function strange(random: Random): Buffer {
  return Buffer.from(
    Array.from({ length: 1 + below(random, 12) }, () =>
      random() < 0.4 ? pick(random, odd) : pick(random, [...Buffer.from('abcxyz019-_')]),
    ),
  );
}

/** A name in lower-case wire form. `hints` are texts that conditions speak of: some names are made of them. */
export function generateName(random: Random, hints: readonly string[]): Buffer {
  const chance = random();
  if (chance < 0.02) return wire([]);
  if (chance < 0.04)
    return wire(Array.from({ length: 127 }, () => Buffer.from(pick(random, ['a', 'b', '.']))));
  if (chance < 0.07) {
    const long = Buffer.from(pick(random, ['a', 'z', '\xff']).repeat(63), 'latin1');
    return wire([...Array.from({ length: 1 + below(random, 3) }, () => long), ...labels('example')]);
  }
  if (chance < 0.55 && hints.length > 0) {
    const hint = pick(random, hints)
      .toLowerCase()
      .replace(/^\.+|\.+$/g, '');
    const before = random() < 0.5 ? [] : labels(pick(random, words));
    const glued = random() < 0.2 ? Buffer.from('x') : Buffer.alloc(0);
    const made = labels(hint).filter((label) => label.length > 0 && label.length < 60);
    if (made[0]) made[0] = Buffer.concat([glued, made[0]]);
    const all: Uint8Array[] = [...before, ...made, ...(random() < 0.2 ? labels(pick(random, tops)) : [])];
    if (random() < 0.1) all.splice(below(random, all.length + 1), 0, strange(random));
    return fitting(all);
  }
  const all: Uint8Array[] = [
    ...Array.from({ length: below(random, 4) }, () =>
      random() < 0.15 ? strange(random) : Buffer.from(pick(random, words)),
    ),
    ...labels(pick(random, tops)),
  ];
  return fitting(all);
}

function fitting(all: Uint8Array[]): Buffer {
  let made = wire(all);
  for (let from = 1; made.length > 255; from++) made = wire(all.slice(from));
  // A name is folded before anything looks at it.
  return Buffer.from(made.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)));
}

export const clients = [
  '192.0.2.1',
  '192.0.2.77',
  '10.0.0.1',
  '10.255.3.4',
  '172.16.9.9',
  '0.0.0.0',
  '255.255.255.255',
];
export const clients6 = [
  '2001:db8::1',
  '2001:db8:0:1::77',
  '::1',
  'fe80::1',
  'fd00:1:2:3::9',
  '::',
  '64:ff9b::102:304',
];

export const generateClient = (random: Random): string => pick(random, random() < 0.6 ? clients : clients6);
export const generateType = (random: Random): number =>
  random() < 0.7
    ? pick(random, [1, 28, 65, 16, 12, 255, 2])
    : random() < 0.5
      ? below(random, 300)
      : below(random, 65536);

/** Which sorts of name that have been traps this one is of. */
export function sortsOf(name: Buffer): string[] {
  const labels: Buffer[] = [];
  for (let at = 0; name[at] !== 0; at += 1 + (name[at] as number))
    labels.push(name.subarray(at + 1, at + 1 + (name[at] as number)));
  return [
    ...(labels.length === 0 ? ['root'] : []),
    ...(labels.length === 127 ? ['127 labels'] : []),
    ...(labels.some((label) => label.length === 63) ? ['63-byte label'] : []),
    ...(labels.some((label) => /[^a-z0-9_-]/.test(label.toString('latin1'))) ? ['escaped'] : []),
    ...(labels.some((label) => label.toString('latin1').startsWith('xn--')) ? ['IDNA'] : []),
  ];
}
