// SPDX-License-Identifier: MPL-2.0
// Small hashes under seeds of this process: no client can aim for a collision. Used to know in memory whether
// a value changed (64 bits) and whether a lease has the same client (32 bits); neither is ever stored.
import { randomBytes } from 'node:crypto';
import { type LeaseEvent, Operation } from '../../host/gen/events.js';
import { declined, stateOf } from './value.js';

const seeds = randomBytes(12);
const seedLow = seeds.readUInt32LE(0);
const seedHigh = seeds.readUInt32LE(4);
const seedClient = seeds.readUInt32LE(8);

let low = 0;
let high = 0;

function mix(word: number): void {
  low = Math.imul(low ^ word, 0x9e3779b1);
  low ^= low >>> 15;
  high = Math.imul(high ^ word, 0x85ebca77) + 0x27d4eb2f;
  high ^= high >>> 13;
}

function mixBytes(bytes: Uint8Array): void {
  mix(bytes.length);
  const whole = bytes.length & ~3;
  let i = 0;
  for (; i < whole; i += 4)
    mix(
      (bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24),
    );
  for (; i < bytes.length; i++) mix(bytes[i] as number);
}

/** Of everything in the value but operation, timestamp, seq and node. Read it before the next call. */
export const fingerprint = { low: 0, high: 0 };

export function takeFingerprint(event: LeaseEvent): void {
  low = seedLow | 0;
  high = seedHigh | 0;
  mix(event.type);
  mix(event.prefixLen);
  mix(event.iaid);
  mix(event.subnetId);
  mix(stateOf(event));
  mix(event.cltt % 0x100000000);
  mix(Math.floor(event.cltt / 0x100000000));
  mix(event.validLft);
  mix(event.preferredLft);
  mix((event.fqdnFwd ? 1 : 0) | (event.fqdnRev ? 2 : 0));
  mixBytes(event.hwaddr);
  mixBytes(event.clientId);
  mixBytes(event.duid);
  mixBytes(event.hostname);
  mixBytes(event.userContext);
  fingerprint.low = low >>> 0;
  fingerprint.high = high >>> 0;
}

/** Of who holds the lease (see identityOf in value.ts); 0 only for nobody. */
export function clientHash(event: LeaseEvent): number {
  if (event.operation === Operation.RECOVER || stateOf(event) === declined) return 0;
  const six = event.address.length === 16;
  const id = six ? event.duid : event.clientId.length > 0 ? event.clientId : event.hwaddr;
  if (id.length === 0) return 0;
  let hash = seedClient ^ (six ? event.iaid : event.clientId.length > 0 ? 1 : 2);
  for (let i = 0; i < id.length; i++) {
    hash = Math.imul(hash ^ (id[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0 || 1;
}
