// SPDX-License-Identifier: MPL-2.0
// From what a journal reader holds to the records a plugin is handed.
import { decodeGap, decodeLeaseEvent, decodeWalk, gapReasonName, walkCauseName } from '../gen/events.js';
import { type JournalReader, RecordKind } from '../native.js';
import type { LeaseRecord } from '../plugin.js';

/**
 * The `count` records that `reader` holds, on a buffer of their own: the reader's is overwritten by its next
 * call, and one copy of the batch is far cheaper than one for each byte field.
 */
export function takeRecords(reader: JournalReader, count: number): LeaseRecord[] {
  const { seqs, kinds, offsets, lengths } = reader;
  const last = count - 1;
  const payload = Buffer.allocUnsafeSlow((offsets[last] as number) + (lengths[last] as number));
  reader.payload.copy(payload, 0, 0, payload.length);
  const records = new Array<LeaseRecord>(count);
  for (let i = 0; i < count; i++) {
    const start = offsets[i] as number;
    records[i] = decode(
      kinds[i] as number,
      seqs[i] as number,
      payload,
      start,
      start + (lengths[i] as number),
    );
  }
  return records;
}

function decode(kind: number, seq: number, payload: Buffer, start: number, end: number): LeaseRecord {
  try {
    switch (kind) {
      case RecordKind.Lease:
        return { kind: 'lease', seq, event: decodeLeaseEvent(payload, start, end) };
      case RecordKind.Snapshot:
        return { kind: 'snapshot', seq, event: decodeLeaseEvent(payload, start, end) };
      case RecordKind.Gap: {
        const gap = decodeGap(payload, start, end);
        return { kind: 'gap', seq, reason: gapReasonName(gap.reason), count: gap.count };
      }
      case RecordKind.WalkBegin: {
        const walk = decodeWalk(payload, start, end);
        // The producer learns a record's sequence when it has written it, so the first one may not carry it.
        return { kind: 'walk-begin', seq, walk: scope(walk, seq) };
      }
      case RecordKind.WalkEnd: {
        const walk = decodeWalk(payload, start, end);
        const { complete, leases } = walk;
        return { kind: 'walk-end', seq, walk: scope(walk, walk.id), complete, leases };
      }
    }
  } catch {
    // Falls through: its checksum holds, but it is not a message that we know.
  }
  return { kind: 'gap', seq, reason: undecodable, count: 1 };
}

/** Reason of a gap where a record stands whose payload cannot be read. */
export const undecodable = 'UNDECODABLE';

const scope = (walk: ReturnType<typeof decodeWalk>, id: number) => ({
  id,
  cause: walkCauseName(walk.cause),
  subnetId: walk.subnetId,
});
