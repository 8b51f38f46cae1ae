// SPDX-License-Identifier: MPL-2.0
// Batches of decisions for the harness: counts and rankings follow from the decisions.
import { isBlocked } from '../decisions/words.js';
import type { DecisionBatch, DecisionRecord, DecisionSpec, Ranking } from '../plugin.js';

/** All of them recorded and counted, in one second. */
export function decisionBatch(decisions: readonly Partial<DecisionRecord>[]): DecisionBatch {
  const records = decisions.map(decision);
  const blocked = records.filter((record) => record.blocked);
  return {
    seconds: 1,
    roles: counted(records, ({ roles }) => ({ roles })),
    lists: counted(
      records.filter(({ list }) => list !== undefined),
      ({ list = '' }) => ({ list }),
    ),
    reasons: counted(records, ({ reason }) => ({ reason })),
    names: ranked(records, ({ name }) => name.toLowerCase()),
    clients: ranked(records, ({ client }) => client),
    blockedNames: ranked(blocked, ({ name }) => name.toLowerCase()),
    blockedClients: ranked(blocked, ({ client }) => client),
    records,
    blockedRecords: blocked,
    read: records.length,
    lost: 0,
    signal: new AbortController().signal,
  };
}

/** As a consumer that declared this is handed it. */
export function shortened(batch: DecisionBatch, { records, top }: Required<DecisionSpec>): DecisionBatch {
  const short = (ranking: Ranking): Ranking => ({ ...ranking, top: ranking.top.slice(0, top) });
  return {
    ...batch,
    names: short(batch.names),
    clients: short(batch.clients),
    blockedNames: short(batch.blockedNames),
    blockedClients: short(batch.blockedClients),
    records: batch.records.slice(0, records),
    blockedRecords: batch.blockedRecords.slice(0, records),
  };
}

function decision(given: Partial<DecisionRecord>): DecisionRecord {
  const verdict = given.verdict ?? 'allow';
  return {
    time: 1_700_000_000_000,
    client: '192.0.2.1',
    name: 'www.example',
    type: 1,
    verdict,
    blocked: isBlocked(verdict),
    reason: given.list === undefined ? 'no-policy' : 'block-list',
    roles: ['default'],
    generation: 1,
    ...given,
  };
}

function counted<K extends object>(records: readonly DecisionRecord[], key: (record: DecisionRecord) => K) {
  const counts = new Map<string, K & Pick<DecisionRecord, 'verdict' | 'blocked'> & { count: number }>();
  for (const record of records) {
    const { verdict, blocked } = record;
    const id = JSON.stringify([key(record), verdict]);
    const known = counts.get(id);
    if (known === undefined) counts.set(id, { ...key(record), verdict, blocked, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}

function ranked(records: readonly DecisionRecord[], key: (record: DecisionRecord) => string): Ranking {
  const counts = new Map<string, number>();
  for (const record of records) counts.set(key(record), (counts.get(key(record)) ?? 0) + 1);
  const top = [...counts].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count);
  return { top, error: 0 };
}
