// SPDX-License-Identifier: MPL-2.0
// How old the oldest record is that a consumer has not dealt with.
import type { Journal } from '../native.js';
import { takeRecords } from './records.js';

/** Marks of walks and gaps carry no time; the first of these many records that does decides. */
const looked = 16;

/**
 * Wall time since what stands after `after` was observed, s; undefined when the records there do not say.
 * Costs a reader of its own: for somebody who asks, not for every look.
 */
export function oldestWaiting(journal: Journal, after: number): number | undefined {
  const reader = journal.reader(after);
  try {
    const count = reader.next(Math.min(looked, reader.capacity));
    if (count === 0) return 0;
    for (const record of takeRecords(reader, count))
      if ((record.kind === 'lease' || record.kind === 'snapshot') && record.event.observedUs > 0)
        return Math.max(0, Math.round(Date.now() - record.event.observedUs / 1000) / 1000);
    return undefined;
  } finally {
    reader.close();
  }
}
