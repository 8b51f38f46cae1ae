// SPDX-License-Identifier: MPL-2.0
// Whatever the bytes of the file: a configuration or faults with places inside of it, never another error.
import { parse } from 'smol-toml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue } from './catalogue.js';
import { readDocument } from './document.js';
import { Effective } from './effective.js';
import { sampleFile } from './reference.js';
import { samplePlugin } from './test-support.js';

const all = catalogue([samplePlugin]);
const sample = sampleFile(all).replace(/^# /gm, '').split('\n');

/** xorshift32: the same cases in every run. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const random = randomFrom(20_260);
const pieces = [
  '"',
  "'",
  '"""',
  "'''",
  '[',
  ']',
  '[[',
  ']]',
  '{',
  '}',
  '=',
  '.',
  ',',
  '#',
  '\n',
  '\\',
  '\0',
  '\xff',
  '-',
  '1979-05-27',
  'nan',
  '_',
  'é',
  '__proto__',
  'constructor',
];

function mutated(): Buffer {
  const from = random(sample.length);
  let bytes = Buffer.from(sample.slice(from, from + random(40)).join('\n'));
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(bytes.length + 1);
    const kind = random(4);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(20))]);
    else if (kind === 1) bytes[at] = random(256);
    else {
      const piece = Buffer.from(pieces[random(pieces.length)] ?? '', 'latin1');
      bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
  }
  return bytes;
}

const noise = () => Buffer.from(Array.from({ length: random(200) }, () => random(256)));

function check(bytes: Buffer): 'read' | 'refused' {
  const document = readDocument(bytes, 'x');
  // Another parser reads the same. It takes some of TOML 1.1 too, and refuses what a double does not count exactly.
  if (!document.broken) assert.is(JSON.stringify(document.value), JSON.stringify(parse(bytes.toString())));
  const effective = new Effective(document, [], all);
  const config = effective.check([samplePlugin], []);
  const faults = [...document.faults, ...effective.faults];
  assert.is(config === undefined || document.broken, faults.length > 0, 'either a configuration or faults');
  const lines = bytes.toString().split('\n');
  for (const { place, message } of faults) {
    assert.ok('file' in place && place.line >= 1 && place.line <= lines.length, JSON.stringify(place));
    assert.ok(
      'column' in place && place.column >= 1 && place.column <= (lines[place.line - 1]?.length ?? 0) + 2,
    );
    assert.not.match(message, '\n');
  }
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  return faults.length > 0 ? 'refused' : 'read';
}

test('mutations of the sample, and noise', () => {
  const count = { read: 0, refused: 0 };
  for (let i = 0; i < 600; i++) {
    const bytes = i % 5 === 0 ? noise() : mutated();
    try {
      count[check(bytes)]++;
    } catch (error) {
      throw new Error(`case ${i}: ${JSON.stringify(bytes.toString('latin1'))}`, { cause: error });
    }
  }
  assert.ok(count.read > 30, JSON.stringify(count));
  assert.ok(count.refused > 300, JSON.stringify(count));
});

test('what is nested twenty thousand deep is refused', () => {
  const depth = 20_000;
  assert.is(check(Buffer.from(`node = ${'['.repeat(depth)}${']'.repeat(depth)}`)), 'refused');
  assert.is(check(Buffer.from(`node = ${'{a='.repeat(depth)}1${'}'.repeat(depth)}`)), 'refused');
});

test.run();
