// SPDX-License-Identifier: MPL-2.0
// Which keys have outlived their time: leases whose end nobody reported, and history beyond its age. Wall
// clock throughout, because that is what the values carry; a clock that jumps stops the sweeping for a while.
import type { KeyValue } from '../../host/plugin.js';
import { readStored } from './stored.js';

/** A wall clock that moved by more than this against the monotonic one has jumped, s. */
const jump = 30;

export class SteadyClock {
  #offset: number;
  #steadySince = Number.NEGATIVE_INFINITY;

  /** @param settle how long after a jump the time is not to be trusted, s. */
  constructor(
    private readonly settle: number,
    private readonly wall: () => number = Date.now,
    private readonly monotonic: () => number = () => performance.now(),
  ) {
    this.#offset = wall() - monotonic();
  }

  /** s since 1970, or undefined while the clock cannot be trusted. */
  now(): number | undefined {
    const wall = this.wall();
    const monotonic = this.monotonic();
    const offset = wall - monotonic;
    if (Math.abs(offset - this.#offset) > jump * 1000) this.#steadySince = monotonic;
    this.#offset = offset;
    return monotonic - this.#steadySince < this.settle * 1000 ? undefined : wall / 1000;
  }
}

// In compact JSON an unescaped quote cannot stand inside a text, so this is a field and nothing else.
const expiresAt = Buffer.from(',"expires_at":');

/** `expires_at` without parsing the rest; undefined when it has to be parsed. */
export function quickExpiry(value: Buffer): number | undefined {
  let at = value.indexOf(expiresAt);
  if (at < 0) return undefined;
  at += expiresAt.length;
  let seconds = 0;
  const first = at;
  for (; at < value.length; at++) {
    const digit = (value[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    seconds = seconds * 10 + digit;
  }
  return at === first ? undefined : seconds;
}

export interface Graces {
  /** s after its end that a lease of this node, and of any other node, is left alone. */
  own: number;
  others: number;
}

export function isExpired(entry: KeyValue, node: string, now: number, graces: Graces): boolean {
  const quick = quickExpiry(entry.value);
  if (quick !== undefined && quick + Math.min(graces.own, graces.others) > now) return false;
  const stored = readStored(entry.value);
  const grace = stored.node === node ? graces.own : graces.others;
  // A value without a lifetime says nothing about when it ends.
  return stored.expiresAt > 0 && stored.expiresAt + grace <= now;
}

/** @param name `<address>/<ms>-<seq>`. */
export function historyTime(name: string): number | undefined {
  const match = /\/(\d{13})-\d+$/.exec(name);
  return match ? Number(match[1]) / 1000 : undefined;
}

/** Key below dhcp/history/ for one event. */
export function historyName(address: string, observedUs: number, seq: number): string {
  const ms = String(Math.floor(observedUs / 1000)).padStart(13, '0');
  return `${address}/${ms}-${String(seq).padStart(16, '0')}`;
}
