// SPDX-License-Identifier: MPL-2.0
// What the policy decision point ruled about single queries, for role sets without a program: a cache of
// fixed size that query threads read without waiting, and one thread fills.
//
// Names are chosen by whoever asks. The key is a hash of 128 bits under a secret of this process, of
// everything that a ruling depends on, so nobody can aim at a set or at somebody else's ruling; a flood
// pushes rulings out, which costs hits and nothing else.
//
// Four ways a set, 128 bytes; 65,536 rulings in 2 MiB, of which only what was used is in memory.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>

#include "dnsdist-bridge/siphash.h"
#include "shm/files.h"
#include "shm/tables/layout.h"

namespace nnoe::bridge {

// Everything that a ruling depends on. Without holes, and zero behind the name: the bytes are hashed.
struct RulingQuestion {
  uint64_t basis = 0;  // of the programs: other policies, other basis
  uint16_t role_set = 0;
  uint16_t type = 0;
  uint8_t address_bytes = 0;  // 0: it does not depend on the client
  uint8_t name_bytes = 0;
  uint16_t zero = 0;
  uint8_t address[16] = {};
  uint64_t lists[tables::kMaxLists / 64] = {};
  uint8_t name[tables::kMaxName + 1];  // wire form, lower case; what lies behind it is not looked at
};
static_assert(sizeof(RulingQuestion) == 320 && offsetof(RulingQuestion, name) == 64);

class Rulings {
 public:
  static constexpr size_t kWays = 4;
  static constexpr size_t kSets = 16'384;

  // `sets` is a power of 2; throws std::bad_alloc.
  explicit Rulings(size_t sets = kSets);
  Rulings(const Rulings&) = delete;
  Rulings& operator=(const Rulings&) = delete;

  Hash128 key_of(const RulingQuestion& question) const noexcept {
    return siphash128(secret_, &question, offsetof(RulingQuestion, name) + question.name_bytes);
  }

  // Of any thread. What is just being changed counts as not there; never more than two looks.
  bool find(const Hash128& key, uint64_t now_ms, uint16_t& action) const noexcept;

  // Of one thread. Counts from `from_ms` on and before `until_ms`, 2^32 ms at the most.
  void put(const Hash128& key, uint16_t action, uint64_t from_ms, uint64_t until_ms,
           uint64_t now_ms) noexcept;

 private:
  // Words, each of them whole; which belong together the sequence says.
  struct alignas(64) Set {
    std::atomic<uint64_t> sequence;  // odd: is being changed
    std::atomic<uint64_t> low[kWays];
    std::atomic<uint64_t> high[kWays];
    std::atomic<uint64_t> until[kWays];  // ms since 1970 << 16 | action; 0: nothing
    std::atomic<uint32_t> lasts[kWays];  // ms before `until` from when on it counts
    uint64_t next;                       // way that is given up; the writer's
  };
  static_assert(sizeof(Set) == 128);

  Set& set_of(const Hash128& key) const noexcept { return sets_[key.low & mask_]; }
  size_t way_for(const Set& set, const Hash128& key, uint64_t now_ms) const noexcept;

  uint64_t secret_[2];
  uint64_t mask_;
  journal::Mapping memory_;
  Set* sets_;
};

}  // namespace nnoe::bridge
