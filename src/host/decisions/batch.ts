// SPDX-License-Identifier: MPL-2.0
// From what the addon took to what a plugin is handed. Pure.
import type { DecisionBatch, DecisionCount, DecisionRecord, Ranking } from '../plugin/streams.js';
import type { DecisionLayout, NativeRanking, NativeRecord, TakenDecisions } from './native.js';
import { isBlocked, type VerdictName, type VerdictReason, verdictReasons, verdicts } from './words.js';

/** Totals that a consumer has been told of. */
export interface Told {
  counters: Float64Array;
  /** Of the totals that they were last taken from. */
  version: number;
}

/** What numbers of tables stand for. */
export interface TableWords {
  /** Empty: not known. */
  roles(roleSet: number): readonly string[];
  /** Undefined: not known. */
  list(list: number): string | undefined;
}

/** What a number is called that nobody knows (any more). */
export const unknownWord = 'unknown';

export interface BatchParts {
  taken: TakenDecisions;
  before: Told;
  words: TableWords;
  layout: DecisionLayout;
  seconds: number;
  /** Most of each. */
  limits: { records: number; top: number };
  signal: AbortSignal;
}

export function makeBatch({ taken, before, words, layout, limits, ...rest }: BatchParts): DecisionBatch {
  const acts = layout.acts.length;
  const listsAt = layout.roleSets * acts;
  const reasonsAt = listsAt + layout.lists * acts;
  const between = (from: number, to: number) =>
    taken.version === before.version ? [] : grown(taken.counters, before.counters, from, to, acts);
  const rolesOf = (id: number) => named(words.roles(id));
  const listOf = (id: number) => words.list(id) ?? unknownWord;
  const record = (each: NativeRecord) => recordOf(each, rolesOf, listOf);
  const ranked = (each: NativeRanking) => ranking(each, limits.top);
  return {
    ...rest,
    roles: between(0, listsAt).map(({ id, ...count }) => ({ roles: rolesOf(id), ...count })),
    lists: between(listsAt, reasonsAt).map(({ id, ...count }) => ({ list: listOf(id), ...count })),
    reasons: between(reasonsAt, taken.counters.length).map(({ id, ...count }) => ({
      reason: verdictReasons[id] as VerdictReason,
      ...count,
    })),
    names: ranked(taken.names),
    clients: ranked(taken.clients),
    blockedNames: ranked(taken.blockedNames),
    blockedClients: ranked(taken.blockedClients),
    records: taken.sample.slice(0, limits.records).map(record),
    blockedRecords: taken.blockedSample.slice(0, limits.records).map(record),
    read: taken.records,
    lost: taken.lost,
  };
}

const named = (roles: readonly string[]) => (roles.length === 0 ? [unknownWord] : roles);

/** What grew, with the number it stands for within its part. */
function grown(
  now: Float64Array,
  before: Float64Array,
  from: number,
  to: number,
  acts: number,
): (DecisionCount & { id: number })[] {
  const out: (DecisionCount & { id: number })[] = [];
  for (let at = from; at < to; at++) {
    // Less than before only while processes take their counters to a new file: nothing is counted back.
    const count = (now[at] ?? 0) - (before[at] ?? 0);
    if (count <= 0) continue;
    const verdict = verdicts[(at - from) % acts] as VerdictName;
    out.push({ id: Math.floor((at - from) / acts), verdict, blocked: isBlocked(verdict), count });
  }
  return out;
}

/** Makes of `before` what the consumer has been told of then: the larger of each. */
export function told(before: Told, { counters, version }: TakenDecisions): void {
  if (version === before.version) return;
  before.version = version;
  for (let at = 0; at < counters.length; at++) {
    const value = counters[at] as number;
    if (value > (before.counters[at] as number)) before.counters[at] = value;
  }
}

function recordOf(
  { timeUs, client, name, type, act, reason, roleSet, list, generation }: NativeRecord,
  rolesOf: (id: number) => readonly string[],
  listOf: (id: number) => string,
): DecisionRecord {
  const verdict = verdicts[act] as VerdictName;
  return {
    time: timeUs / 1000,
    client,
    name,
    type,
    verdict,
    blocked: isBlocked(verdict),
    reason: verdictReasons[reason] as VerdictReason,
    roles: rolesOf(roleSet),
    ...(list === undefined ? {} : { list: listOf(list) }),
    generation,
  };
}

function ranking({ keys, counts, error }: NativeRanking, top: number): Ranking {
  const cut = keys.length > top ? (counts[top - 1] ?? 0) : 0;
  return {
    top: keys.slice(0, top).map((key, i) => ({ key, count: counts[i] ?? 0 })),
    error: Math.max(error, cut),
  };
}
