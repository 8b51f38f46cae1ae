// SPDX-License-Identifier: MPL-2.0
// Pauses between attempts: 50 ms growing to 5 s, each shortened by up to half at random, so that hosts which
// lost the same server do not come back in step.
import { setTimeout as wait } from 'node:timers/promises';

const first = 50;
const longest = 5000;

/** ms to wait after the `failures`-th failure in a row (from 1). */
export function pause(failures: number): number {
  const full = Math.min(longest, first * 2 ** Math.min(failures - 1, 10));
  return full * (1 - Math.random() / 2);
}

/** @throws the signal's reason when it aborts. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  await wait(pause(failures), undefined, { signal });
}
