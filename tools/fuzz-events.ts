// SPDX-License-Identifier: MPL-2.0
// node dist/tools/fuzz-events.js [--cases N] [--seed S]: the event decoder on mutated events. It must return or
// throw a DecodeError, whatever the bytes; the same arguments give the same cases.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  DecodeError,
  decodeGap,
  decodeLeaseEvent,
  decodeWalk,
  encodeLeaseEvent,
} from '../src/host/gen/events.js';

/** xorshift32: fast, and the same everywhere. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function event(random: (limit: number) => number): Buffer {
  return encodeLeaseEvent({
    operation: (1 + random(10)) as 1,
    type: random(3) as 0,
    address: Buffer.alloc(random(2) ? 4 : 16, random(256)),
    prefixLen: random(129),
    clientId: Buffer.alloc(random(256), random(256)),
    iaid: random(0xffffffff),
    cltt: random(0x7fffffff) - 5,
    hostname: Buffer.alloc(random(64), random(256)),
    observedUs: random(0xffffffff) * 1000,
    fqdnFwd: random(2) === 1,
  });
}

function mutate(bytes: Buffer, random: (limit: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let changes = random(4); changes > 0 && out.length > 0; changes--) {
    const at = random(out.length);
    const kind = random(4);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) out[at] = random(256);
    else if (kind === 2) out = out.subarray(0, at);
    else
      out = Buffer.concat([
        out.subarray(0, at),
        Buffer.alloc(1 + random(12), 0x80 | random(256)),
        out.subarray(at),
      ]);
  }
  return out;
}

export function fuzzEvents(cases: number, seed: number): { decoded: number; refused: number } {
  const random = randomFrom(seed);
  const result = { decoded: 0, refused: 0 };
  for (let i = 0; i < cases; i++) {
    const bytes = mutate(event(random), random);
    const decode = [decodeLeaseEvent, decodeLeaseEvent, decodeGap, decodeWalk][random(4)] ?? decodeLeaseEvent;
    try {
      decode(bytes);
      result.decoded++;
    } catch (error) {
      if (!(error instanceof DecodeError)) {
        throw new Error(`case ${i} of seed ${seed}: ${bytes.toString('hex')}`, { cause: error });
      }
      result.refused++;
    }
  }
  return result;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { cases: { type: 'string' }, seed: { type: 'string' } } });
  const cases = Number(values.cases ?? 1_000_000);
  const { decoded, refused } = fuzzEvents(cases, Number(values.seed ?? 1));
  console.log(`${cases} events: ${decoded} decoded, ${refused} refused with a DecodeError`);
}
