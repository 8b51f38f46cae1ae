// SPDX-License-Identifier: MPL-2.0
// Looking at the segments of a directory: which there are, and where the last record ends.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "shm/files.h"
#include "shm/recovery.h"
#include "shm/scan.h"
#include "shm/segment.h"

namespace nnoe::journal {

struct End {
  uint64_t head = 0;                       // sequence of the last valid record; 0: none
  uint64_t offset = layout::kFirstRecord;  // after it
  Found found = Found::kNothing;           // what stands there
};
// What zeros where a record could begin are taken for. A live journal is asked for its extent every few
// seconds, and reading megabytes of zeros each time would be all that an idle host does.
enum class Zeros {
  kSuspect,    // perhaps damage: what follows is searched for records
  kUnwritten,  // the end
};
// Reads a segment from `end` (where an earlier call ended, or the default) to its last valid record, over
// damaged places.
End find_end(Scan& scan, End end = {}, Zeros zeros = Zeros::kSuspect);

// First and last sequence on disk, 0 when there is none.
struct Extent {
  uint64_t oldest = 0;
  uint64_t head = 0;
};
// Where a call found the head, for the next one to go on from.
struct HeadHint {
  uint64_t number = 0;
  End end;
};
// Of a journal that is being written; for status.
Extent find_extent(int dir, const std::vector<uint64_t>& numbers, HeadHint& hint);

struct Inventory {
  std::vector<SegmentInfo> segments;      // usable, if only in part; first_seq 0 when no record was found
  std::vector<uint64_t> foreign;          // of another journal, or not a regular file
  std::optional<uint32_t> other_version;  // of a segment that another release wrote
  std::optional<Id> id;                   // of the last segment whose header is good
};
// `known`: the journal's id, when the meta file told. False, with `error`, when a segment cannot be opened.
bool take_inventory(int dir, const std::vector<uint64_t>& numbers, const Id* known, Inventory& out,
                    Error& error);

struct Tail {
  uint64_t head = 0;    // last committed record
  bool lost = false;    // records after it were there once
  uint64_t number = 0;  // segment to go on in, at `offset`; 0: none, create `next_number`
  uint64_t bytes = 0;
  uint64_t offset = 0;
  uint64_t next_number = 1;  // not used by any file
  uint64_t seal_number = 0;  // segment with the last record, and where it ends
  uint64_t seal_offset = 0;
};
// Also unlinks segments after the last one with records, unless writing is to go on there, and takes them
// and their like out of `segments`.
Tail find_tail(int dir, const Id& id, std::deque<SegmentInfo>& segments, uint64_t base);

// Marks the segment with the last record as ended.
void seal(int dir, const Tail& tail);

// Zeroes everything from `offset` on; whether anything was not zero.
bool zero_rest(const Mapping& mapping, uint64_t offset);

}  // namespace nnoe::journal
