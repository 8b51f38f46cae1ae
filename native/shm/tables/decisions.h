// SPDX-License-Identifier: MPL-2.0
// The file in which one bridge process tells what it decides: a status page, and for every query thread a
// slot with exact counters and a lossy ring of records. The bridge alone writes it (decision_writer.h) and
// holds an exclusive flock(2) on it while it lives; the host reads copies and trusts nothing
// (decision_reader.h). Described byte by byte in TABLES.md.
#pragma once

#include "shm/tables/layout.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {

constexpr uint64_t kDecisionsMagic = journal::layout::magic("NNOEdeci");
constexpr uint32_t kDecisionsVersion = 1;
constexpr const char* kDecisionsSuffix =
    ".decisions";  // behind `<pid>-<16 hex digits of the start, us since 1970>`
constexpr const char* kDecisionsTemporary = ".decisions-tmp";

constexpr uint32_t kMaxSlots = 256;  // query threads of one process
constexpr size_t kPage = 4096;
constexpr size_t kReasonText = 512;

enum class FailMode : uint32_t { kOpen = 0, kClosed = 1 };

// First 128 bytes of the first page: fixed when the file appears.
struct DecisionsHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t pid;
  uint64_t started_us;  // since 1970
  uint64_t ring_bytes;  // a power of 2, kMinRing..kMaxRing
  uint64_t slot_bytes;  // kRingAt + ring_bytes
  uint32_t fail;        // FailMode
  uint32_t sampling;    // one decision in so many is recorded; 0: none
  char bridge[32];      // versions as text, padded with zeros
  char dnsdist[32];
  uint32_t zero[3];
  uint32_t crc;  // CRC32C of everything before
};
static_assert(sizeof(DecisionsHeader) == 128 && offsetof(DecisionsHeader, crc) == 124);
constexpr uint64_t kMinRing = 256 * 1024;
constexpr uint64_t kMaxRing = uint64_t{1} << 30;
constexpr uint64_t kDefaultRing = uint64_t{4} << 20;

// At kStatusAt in the first page: written by the bridge's helper thread. `sequence` is odd while it is being
// changed.
struct DecisionsStatus {
  uint64_t sequence;
  uint64_t generation;          // in use; 0: none
  uint64_t loaded_us;           // when it came into use
  uint64_t table_bytes;         // of private memory that generations hold, all together
  uint64_t refused_generation;  // the last one that was refused since; 0: none, or its number is not known
  uint64_t refused_us;          // 0: none
  uint32_t threads;             // slots in use, the first so many
  uint32_t zero;
  char reason[kReasonText];  // why it was refused, padded with zeros
};
constexpr size_t kStatusAt = 1024;
static_assert(kStatusAt + sizeof(DecisionsStatus) <= kPage && kStatusAt % 8 == 0);

// Counters of a slot: 64 bits each, an act's stand side by side.
constexpr size_t kRoleCounters = size_t{kMaxRoleSets} * kActs;
constexpr size_t kListCounters = size_t{kMaxLists} * kActs;
constexpr size_t kReasonCounters = size_t{kReasons} * kActs;
constexpr size_t kCounters = kRoleCounters + kListCounters + kReasonCounters;

// A slot, number i at kPage + i * slot_bytes: this page, the counters (role sets, lists, reasons), the ring.
struct DecisionsSlot {
  uint64_t head;  // bytes ever written into the ring, padding included; what lies before is complete
};
constexpr size_t kCountersAt = kPage;
constexpr size_t kRingAt = (kCountersAt + kCounters * sizeof(uint64_t) + kPage - 1) / kPage * kPage;

// A record: this, the address, the name in wire form, in lower case when it is well-formed, zeros up to a
// multiple of 8. It never lies across a multiple of kRingBlock: a first byte of 0 says that the rest of a
// block is not used. So every block begins with a record, and a reader that was overtaken can go on at any
// block.
struct DecisionRecord {
  uint8_t words;          // of 8 bytes, this included
  uint8_t address_bytes;  // 4 or 16
  uint8_t name_bytes;     // 1..255
  uint8_t zero;
  uint16_t type;
  uint16_t zero2;
  uint64_t number;   // of the record in its slot, from 0: what is missing was lost
  uint64_t time_us;  // since 1970, to about a millisecond or the kernel's tick
  Verdict verdict;
};
static_assert(sizeof(DecisionRecord) == 40);
constexpr size_t kRingBlock = 64 * 1024;
constexpr size_t kMaxRecord = (sizeof(DecisionRecord) + 16 + kMaxName + 7) / 8 * 8;
// Behind `head` the ring may already be changing: one record, and padding that ends a block.
constexpr size_t kRingDirty = 2 * kMaxRecord;

}  // namespace nnoe::tables
