// SPDX-License-Identifier: MPL-2.0
// Whether what a list has now may take the place of what it had. A download that broke off, or brought an empty
// file, must not unblock everything.

/** Fewer lost names than this are somebody's edit. */
const fewLost = 10;

/**
 * Why it has to wait for somebody to accept it; undefined: it may be taken.
 * @param limit share of the names, 0.01 to 1.
 */
export function holdReason(before: number, now: number, limit: number): string | undefined {
  if (before === 0 || now >= before) return undefined;
  const lost = before - now;
  if (now === 0) return `it has no names any more, and had ${before}`;
  if (lost < fewLost || lost < before * limit) return undefined;
  return `it has ${now} names, and had ${before}`;
}
