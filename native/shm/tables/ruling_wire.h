// SPDX-License-Identifier: MPL-2.0
// What a bridge and the host say to each other about queries that no program decides: the bridge asks, the
// host has the policy decision point rule, and answers. Frames in a stream over a unix socket, each with its
// size in front; TABLES.md has them byte by byte. TypeScript, the host's end, gets the numbers by generation.
#pragma once

#include <cstdint>
#include <type_traits>

#include "shm/tables/layout.h"

namespace nnoe::tables {

constexpr const char* kRulingSocket = "rulings";  // in the directory of decisions
constexpr uint32_t kRulingVersion = 1;
// Questions of one connection that may be without an answer; the host puts off what is above.
constexpr uint32_t kMaxOutstanding = 512;
constexpr uint32_t kMaxRulingAge = 3600000;  // ms; no ruling counts for longer
constexpr uint32_t kMaxPutOff = 60000;       // ms

enum class RulingFrame : uint8_t { kQuestion = 1, kRuling = 2 };

// From the bridge; the address follows, then the name in wire form, in lower case.
struct QuestionHead {
  uint32_t bytes;  // of the frame, this included
  uint8_t kind;
  uint8_t version;
  uint8_t address_bytes;  // 4 or 16; 0 when the answer does not depend on it
  uint8_t name_bytes;     // 1..255
  uint64_t number;        // the bridge's; comes back in the answer
  uint64_t basis;         // of the programs that the query met
  uint16_t role_set;
  uint16_t type;
  uint32_t dropped;              // questions that this bridge did not ask since the one before
  uint8_t lists[kMaxLists / 8];  // that the name is on; bit 0 lowest of the first byte
};
static_assert(sizeof(QuestionHead) == 64 && offsetof(QuestionHead, lists) == 32);
constexpr uint32_t kQuestionHead = 64;
constexpr uint32_t kMaxQuestion = 335;
static_assert(kQuestionHead == sizeof(QuestionHead) && kMaxQuestion == kQuestionHead + 16 + kMaxName);

// From the host.
struct RulingHead {
  uint32_t bytes;  // 40
  uint8_t kind;
  uint8_t version;
  uint16_t action;
  uint64_t number;
  uint64_t from_ms;   // since 1970: counts from then on,
  uint64_t until_ms;  // and before this. 0: there is no answer (now), and `again_ms` says when to ask again
  uint32_t again_ms;
  uint32_t zero;
};
static_assert(sizeof(RulingHead) == 40 && offsetof(RulingHead, again_ms) == 32);
constexpr uint32_t kRulingBytes = 40;
static_assert(kRulingBytes == sizeof(RulingHead));
static_assert(std::is_trivially_copyable_v<QuestionHead> && std::is_trivially_copyable_v<RulingHead>);

}  // namespace nnoe::tables
