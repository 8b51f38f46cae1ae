// SPDX-License-Identifier: MPL-2.0
// What verdicts and their reasons are called, in the order of their numbers (native/shm/tables/verdict.h); the addon
// is compared with it when it is loaded.

export const verdicts = [
  'allow',
  'drop',
  'nxdomain',
  'refused',
  'nodata',
  'truncate',
  'redirect',
  'pool',
] as const;
export type VerdictName = (typeof verdicts)[number];

export const verdictReasons = [
  'no-tables',
  'allow-list',
  'block-list',
  'policy',
  'no-policy',
  'unplanned',
  'fallback',
  'fallback-miss',
  'malformed',
] as const;
export type VerdictReason = (typeof verdictReasons)[number];

/** Whether the client got what it asked for: after `truncate` it asks again over TCP, `pool` is another server. */
const passes: readonly VerdictName[] = ['allow', 'truncate', 'pool'];
export const isBlocked = (verdict: VerdictName): boolean => !passes.includes(verdict);
