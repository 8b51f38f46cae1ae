// SPDX-License-Identifier: MPL-2.0
import { setImmediate as turn } from 'node:timers/promises';

/** Work in one turn of the event loop, ms. */
const turnLimit = 5;
/** Elements between two looks at the clock. */
const stride = 64;

/** All of them, with turns of the event loop in between, so that a million hold up nobody. */
export async function* unhurried<T>(all: readonly T[]): AsyncGenerator<T> {
  let due = performance.now() + turnLimit;
  for (const [i, each] of all.entries()) {
    yield each;
    if (i % stride !== 0 || performance.now() < due) continue;
    await turn();
    due = performance.now() + turnLimit;
  }
}
