// SPDX-License-Identifier: MPL-2.0
// What the parts of the conformance suite share.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { KeyValue, Store } from '../../../src/host/store/store.js';

/** Registers a test that is given a connected store and a prefix of its own. */
export type On = (name: string, body: (store: Store, prefix: string) => Promise<void>) => void;

export async function listed(store: Store, prefix: string, pageSize?: number): Promise<KeyValue[]> {
  const all: KeyValue[] = [];
  for await (const page of store.list(prefix, pageSize === undefined ? {} : { pageSize }))
    all.push(...page.entries);
  return all;
}

export const text = (entries: KeyValue[]): [string, string][] =>
  entries.map(({ key, value }) => [key, value.toString()]);

export async function until(what: () => boolean, timeout = 10_000): Promise<void> {
  const end = performance.now() + timeout;
  while (!what()) {
    if (performance.now() > end) assert.unreachable(`not in time: ${what}`);
    await wait(5);
  }
}

export async function rejects(promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, Error, 'it did not reject');
  assert.is((error as { retry?: boolean }).retry, false, String(error));
}
