// SPDX-License-Identifier: MPL-2.0
// What the plugin tells operators: the document behind `nnoe lists`, and its health in a sentence.
import type { Health } from '../../host/plugin.js';
import type { ThreatFault } from './threat.js';

export interface BadRows {
  rows: number;
  /** Numbers of the first few, from 1. */
  lines: readonly number[];
}

export interface ListReport {
  name: string;
  kind: 'block' | 'allow';
  /** Path of the file, or the prefix in the store. */
  source: string;
  /** Of the file, as it was read; absent for threats, and before the first time. */
  format?: string;
  /** On the list now. */
  names: number;
  /** Names that its exceptions let through, on a list of their own. */
  exceptions: number;
  /** When what is in force was taken, RFC 3339; absent: before this start of the host. */
  loaded?: string;
  /** Rows of the file that were not used, by reason. */
  bad: Readonly<Record<string, BadRows>>;
  /** Names left out because they are protected; the first few by name. */
  withheld: { names: number; first: readonly string[] };
  /** What it has now is not in force. */
  held?: { reason: string; names: number; since: string };
  /** It could not be read. */
  failed?: { reason: string; since: string };
  /** Who is held to it, first match first; no roles: everybody. */
  subscriptions: readonly { roles: readonly string[]; action: string }[];
}

export interface ListsReport {
  lists: readonly ListReport[];
  protected: { names: number; failed?: string };
  /** Values in the store; absent when no list takes them. */
  threats?: {
    values: number;
    /** Those not used, by reason; the first few by key. */
    malformed: Readonly<Partial<Record<ThreatFault, number>>>;
    first: readonly { key: string; reason: string }[];
  };
}

/** What `nnoe lists reload` and `accept` answer: how the lists are afterwards. */
export interface ListsDone {
  lists: readonly ListReport[];
}

/** Things named in one sentence; the report has them all. */
const mostNamed = 5;

export function some(all: readonly string[], count = all.length): string {
  const shown = all.slice(0, mostNamed);
  const more = count - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

export function healthOf({ lists, protected: guarded, threats }: ListsReport): Health {
  const faults = [
    ...lists.flatMap(({ name, held }) =>
      held === undefined ? [] : [`list ${name} is held back: ${held.reason}`],
    ),
    ...lists.flatMap(({ name, failed }) => (failed === undefined ? [] : [`list ${name}: ${failed.reason}`])),
    ...lists.flatMap(({ name, names, bad, failed, loaded }) =>
      failed === undefined && loaded !== undefined && names === 0 && badRows(bad) > 0
        ? [`list ${name} has no names: none of ${badRows(bad)} rows could be used`]
        : [],
    ),
    ...(guarded.failed === undefined ? [] : [`the protected names: ${guarded.failed}`]),
  ];
  const malformed = Object.values(threats?.malformed ?? {}).reduce((sum, each) => sum + each, 0);
  if (malformed > 0) {
    const keys = threats?.first.map(({ key }) => key) ?? [];
    faults.push(`${malformed} threats are malformed: ${some(keys, malformed)}`);
  }
  const notes = lists.flatMap(({ name, withheld }) =>
    withheld.names === 0
      ? []
      : [`${name} would block protected names: ${some(withheld.first, withheld.names)}`],
  );
  const reason = [...faults, ...notes].join('; ');
  if (faults.length > 0) return { state: 'degraded', reason };
  return notes.length > 0 ? { state: 'ok', reason } : { state: 'ok' };
}

export const badRows = (bad: ListReport['bad']): number =>
  Object.values(bad).reduce((sum, { rows }) => sum + rows, 0);
