// SPDX-License-Identifier: MPL-2.0
// Keys that go by themselves, in etcd: a lease serves every key whose time falls into its quarter, because a
// cluster that has to expire leases by the hundred thousand stands still. So a key goes not before its ttl
// and at most a quarter of it and 3 s later (and later still when the cluster changes its leader, which
// begins every lease anew), counted from when the attempt that wrote it was sent. However many keys there are, one ttl in use makes six leases at most.
import { randomInt } from 'node:crypto';
import type { LeaseGrant } from './etcd-protocol.js';

/** A lease lives this much longer than what is asked of it, so that later keys can share it. */
const stretch = 1.25;
/** ... and at least so much longer, s; etcd's own shortest lease is 2 s. */
const leastStretch = 2;

export interface Lease {
  id: number;
  /** Monotonic s; the lease ends no earlier. */
  ends: number;
}

/**
 * Makes a lease; false: there is one of that id, since an unknown time.
 * @param again to be called before every attempt but the first.
 */
type Grant = (lease: LeaseGrant, again: () => void) => Promise<boolean>;

export class Leases {
  readonly #grant: Grant;
  readonly #now: () => number;
  #leases: Lease[] = [];
  /** Grants under way, by the ttl asked for: who asks for the same meanwhile waits for the same. */
  readonly #asked = new Map<number, Promise<Lease>>();

  /** @param now monotonic s. */
  constructor(grant: Grant, now = () => performance.now() / 1000) {
    this.#grant = grant;
    this.#now = now;
  }

  /** How many are alive, as far as is known. */
  get size(): number {
    this.#tidy();
    return this.#leases.length;
  }

  /** Whether a key that is put now with this lease stays for `ttl` s. */
  serves({ ends }: Lease, ttl: number): boolean {
    return ends >= this.#now() + ttl;
  }

  /** The lease for a key that is to go `ttl` s from now. */
  async find(ttl: number): Promise<Lease> {
    this.#tidy();
    const earliest = this.#now() + ttl;
    const latest = earliest + ttl * (stretch - 1) + leastStretch;
    const fitting = this.#leases.find(({ ends }) => ends >= earliest && ends <= latest);
    if (fitting !== undefined) return fitting;
    const under = this.#asked.get(ttl);
    if (under !== undefined) return under;
    const asked = this.#make(ttl).finally(() => this.#asked.delete(ttl));
    this.#asked.set(ttl, asked);
    return asked;
  }

  async #make(ttl: number): Promise<Lease> {
    const whole = Math.ceil(Math.max(ttl * stretch, ttl + leastStretch / 2));
    for (;;) {
      // Chosen here, where numbers have 53 bits; etcd's own choice has 63.
      const id = randomInt(1, 2 ** 48 - 1);
      let sent = this.#now();
      const again = () => {
        sent = this.#now();
      };
      // What an attempt made whose answer was lost has lived for an unknown time: it is left to end.
      if (!(await this.#grant({ id, ttl: whole }, again))) continue;
      const lease = { id, ends: sent + whole };
      this.#leases.push(lease);
      return lease;
    }
  }

  #tidy(): void {
    const now = this.#now();
    this.#leases = this.#leases.filter(({ ends }) => ends > now);
  }

  /** The cluster does not know them: it was replaced, or they ended while it could not be reached. */
  forget(): void {
    this.#leases = [];
  }
}
