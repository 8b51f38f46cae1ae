// SPDX-License-Identifier: MPL-2.0
// What every store owes its users, as tests: `conformance(test, make)` registers them on a uvu suite. Each
// test works below a prefix of its own, so that one running store serves them all.
import { randomUUID } from 'node:crypto';
import type { Store } from '../../src/host/store/store.js';
import { follows } from './conformance/follows.js';
import type { On } from './conformance/kit.js';
import { lists } from './conformance/lists.js';
import { transactions } from './conformance/transactions.js';

export { followed } from './followed.js';

type Register = (name: string, body: () => Promise<void>) => void;

/** @param make gives a connected store; it is closed by the caller. */
export function conformance(test: Register, make: () => Promise<Store>): void {
  const on: On = (name, body) => test(name, async () => body(await make(), `/conformance/${randomUUID()}/`));
  transactions(on);
  lists(on);
  follows(on);
}
