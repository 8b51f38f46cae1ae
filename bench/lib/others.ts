// SPDX-License-Identifier: MPL-2.0
// How much of the machine somebody else used while a case ran: the first thing to ask of a surprising figure.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Clock ticks; all of Linux' user-visible ones are 10 ms. */
function busyTicks(): number {
  const [, user, nice, system, , , irq, soft, steal] = readFileSync('/proc/stat', 'latin1')
    .slice(0, 200)
    .split(/\s+/)
    .map(Number);
  return [user, nice, system, irq, soft, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}

/** Of this process and of its children that have ended. */
function ownTicks(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
}

/** Call the result when every program of the case has ended: percent of the whole machine that others took. */
export function watchOthers(): () => number {
  const [busy, own, began] = [busyTicks(), ownTicks(), performance.now()];
  return () => {
    const all = ((performance.now() - began) / 10) * cpus().length;
    return Math.max(0, (busyTicks() - busy - (ownTicks() - own)) / all) * 100;
  };
}
