// SPDX-License-Identifier: MPL-2.0
// What is decided about a query: plain data, the same for C++, C and the files that carry it.
#pragma once

#include <cstdint>

namespace nnoe::tables {

// What to do. Written into tables, counters and records: numbers never change their meaning.
enum class Act : uint8_t {
  kAllow = 0,
  kDrop = 1,
  kNxdomain = 2,
  kRefused = 3,
  kNodata = 4,
  kTruncate = 5,
  kRedirect = 6,
  kPool = 7,
};
constexpr uint32_t kActs = 8;

// Why. Likewise fixed.
enum class Reason : uint8_t {
  kNoTables = 0,      // no generation: what `fail` says
  kAllowList = 1,     // an entry of an allow list; a policy may still deny, see kPolicy
  kBlockList = 2,     // an entry of a block list
  kPolicy = 3,        // the role set's program
  kNoPolicy = 4,      // policies are not in use, and no list spoke
  kUnplanned = 5,     // policies are in use and there is none for this role set (yet): what `fail` says
  kFallback = 6,      // asked of the policy decision point, from the bridge's cache
  kFallbackMiss = 7,  // the same, not in the cache: what `on_miss` says
  kMalformed = 8,     // the name is none: what `fail` says
};
constexpr uint32_t kReasons = 9;

struct Verdict {
  Act act;
  Reason reason;
  uint16_t action;  // number in the actions section; 0 is allow
  uint16_t role_set;
  uint16_t list;        // the list that decided; kNoList
  uint64_t generation;  // 0: none
};
constexpr uint16_t kNoList = 0xffff;
static_assert(sizeof(Verdict) == 16);

// The question, as a server got it. `name` is in wire form, uncompressed, with its root label, in any letter
// case; it is not trusted to be well-formed.
struct Question {
  const uint8_t* address;  // 4 or 16 bytes in network order
  uint32_t address_bytes;
  uint32_t name_bytes;
  const uint8_t* name;
  uint16_t type;
};

}  // namespace nnoe::tables
