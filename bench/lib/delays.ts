// SPDX-License-Identifier: MPL-2.0
// Each answer's delay, from the timestamps that `perfdhcp -x t` prints when it ends; its own report has only
// the mean and the extremes.

export interface Answer {
  /** s since the load began. */
  sent: number;
  /** ms from request to answer, seen by the client. */
  delay: number;
}

const LINE = /^sent \/ received: (\d+\.\d+) \/ (\d+\.\d+)$/gm;

/** Of both exchanges, DISCOVER-OFFER and REQUEST-ACK; what was never answered is not in it (see drops). */
export function answers(output: string): Answer[] {
  const found: Answer[] = [];
  for (const [, sent, received] of output.matchAll(LINE)) {
    found.push({ sent: Number(sent), delay: (Number(received) - Number(sent)) * 1000 });
  }
  if (found.length === 0) throw new Error('perfdhcp printed no timestamps');
  return found;
}

/** Delays of what was sent from `begin` to `end`, s. */
export const within = (all: readonly Answer[], begin: number, end: number): number[] =>
  all.filter(({ sent }) => sent >= begin && sent < end).map(({ delay }) => delay);
