// SPDX-License-Identifier: MPL-2.0
// For the tests beside this file: the plugin on a store in memory that remembers what was done to it.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { LeaseEvent } from '../../host/gen/events.js';
import type { CommitResult, Transaction } from '../../host/store/store.js';
import { type Harness, harness, ipv4, MemoryStore, Operation } from '../../host/testing.js';
import plugin from './plugin.js';

export const root = '/nnoe/dhcp/leases/';
export const now = Math.floor(Date.now() / 1000);

/** Remembers every transaction that changed something; can lose answers, as a network does. */
export class Watched extends MemoryStore {
  readonly transactions: Transaction[] = [];
  /** The next so many transactions are applied, their answers lost, and they are tried again. */
  losses = 0;
  override async commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult> {
    let result = await super.commit(transaction, signal);
    if (result.committed && transaction.operations.length > 0) this.transactions.push(transaction);
    if (this.losses > 0 && transaction.operations.length > 0) {
      this.losses--;
      result = { ...(await super.commit(transaction, signal)), retried: true };
    }
    return result;
  }
  /** Puts and deletes of lease keys, in order: 'offer 192.0.2.1', 'delete 192.0.2.1'. */
  get story(): string[] {
    return this.transactions.flatMap(({ operations }) =>
      operations.flatMap((operation) => {
        const key = 'put' in operation ? operation.put : operation.delete;
        if (!key.startsWith(root)) return [];
        const word = 'put' in operation ? JSON.parse(String(operation.value)).operation : 'delete';
        return [`${word} ${key.slice(root.length)}`];
      }),
    );
  }
}

export type Value = Record<string, unknown>;
export const value = (h: Harness<Watched>, address: string): Value | undefined => {
  const text = h.store.dump(root)[root + address];
  return text === undefined ? undefined : (JSON.parse(text) as Value);
};

export const client = (n: number) => Buffer.from([1, 2, 0, 0, 0, 0, n]);
export const lease = (address: string, fields: Partial<LeaseEvent> = {}): Partial<LeaseEvent> => ({
  operation: Operation.ASSIGN,
  address: ipv4(address),
  prefixLen: 32,
  hwaddr: Buffer.from([2, 0, 0, 0, 0, 1]),
  clientId: client(1),
  subnetId: 1,
  cltt: now,
  validLft: 3600,
  observedUs: now * 1e6,
  ...fields,
});

export const start = (options: Parameters<typeof harness<Watched>>[1] = {}) =>
  harness<Watched>(plugin, { store: new Watched(), node: 'a', ...options });

/** Resolves when `probe` is true; fails the test after 5 s. */
export async function until(probe: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await probe())) {
    if (performance.now() > end) assert.unreachable(`not in time: ${probe}`);
    await wait(5);
  }
}
