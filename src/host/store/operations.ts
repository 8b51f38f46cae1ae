// SPDX-License-Identifier: MPL-2.0
// What every transaction has to keep to, for stores that check it themselves.
import { NnoeError } from '../errors.js';
import { longestKey } from './embedded-format.js';
import type { Compare, Operation } from './store.js';

/** s; about 30 years. */
const longestTtl = 1e9;

export const keyOf = (operation: Operation): string =>
  'put' in operation ? operation.put : operation.delete;

export const tooLarge = (reason: string): NnoeError =>
  new NnoeError('STORE_TOO_LARGE', { endpoint: '-', reason });

/** @throws NnoeError STORE_INVALID, STORE_TOO_LARGE. */
export function checkOperations(
  store: string,
  compare: readonly Compare[],
  operations: readonly Operation[],
): void {
  const keys = new Set<string>();
  for (const operation of operations) {
    const key = keyOf(operation);
    checkKey(store, key);
    keys.add(key);
    if ('put' in operation) checkTtl(store, operation);
  }
  if (keys.size < operations.length)
    throw new NnoeError('STORE_INVALID', { endpoint: store, reason: 'duplicate key given' });
  for (const { key } of compare) checkKey(store, key);
}

function checkKey(store: string, key: string): void {
  if (key === '') throw new NnoeError('STORE_INVALID', { endpoint: store, reason: 'a key is empty' });
  // A character has three bytes at most.
  if (key.length * 3 > longestKey && Buffer.byteLength(key) > longestKey)
    throw tooLarge(`a key of ${Buffer.byteLength(key)} bytes, ${longestKey} at most`);
}

/** @throws NnoeError STORE_INVALID. */
export function checkTtl(store: string, { put, ttl }: Extract<Operation, { put: string }>): void {
  if (ttl === undefined || (ttl >= 1 && ttl <= longestTtl)) return;
  const reason = `a ttl of ${ttl} for ${put}, it is 1 to ${longestTtl} s`;
  throw new NnoeError('STORE_INVALID', { endpoint: store, reason });
}

/** The promise, or a rejection with the signal's reason when it aborts first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
