// SPDX-License-Identifier: MPL-2.0
// Changes of leases as the host tells them over its control socket, in the words of `nnoe leases --watch`.
import { ControlClient } from '../../src/cli/client.js';
import { changeLine } from '../../src/cli/lease-view.js';
import { type LeaseLine, routes } from '../../src/host/control/api.js';
import { sleep } from '../../test/daemons/lib/process.js';

/** When a server dies, that is found out first (ms), and named rather than what it does to its clients. */
const causeFirst = 500;

/** What a line tells people; undefined: nothing. */
function words(line: LeaseLine): string | undefined {
  if (line.type === 'put') return changeLine(line.address, line.lease, new Date());
  if (line.type === 'delete') return changeLine(line.address, undefined, new Date());
  return line.type === 'reset' ? 'changes of leases may have been missed' : undefined;
}

async function follow(
  socket: string,
  say: (line: string) => void,
  live: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = new ControlClient(socket).stream<LeaseLine>('GET', routes.leases, { watch: '1' }, signal);
  for await (const lines of stream)
    for (const { line } of lines) {
      if (line.type === 'live') live();
      const text = words(line);
      if (text !== undefined) say(text);
    }
}

/**
 * Says every change until `signal` aborts.
 * @returns `live` resolves when no change from then on can be missed; `broken` rejects when the host does not
 *   answer, or stops to.
 */
export function sayLeases(
  socket: string,
  say: (line: string) => void,
  signal: AbortSignal,
): { live: Promise<void>; broken: Promise<never> } {
  let isLive: () => void = () => undefined;
  const live = new Promise<void>((done) => {
    isLive = done;
  });
  const broken = new Promise<never>((_, reject) => {
    follow(socket, say, isLive, signal).catch((error) => sleep(causeFirst).then(() => reject(error)));
  });
  return { live, broken };
}
