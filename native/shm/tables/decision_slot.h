// SPDX-License-Identifier: MPL-2.0
// Writing the usual record; decision_writer.h includes it.
#pragma once

#include <cstring>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "shm/tables/decision_writer.h"

namespace nnoe::tables {

namespace slot {

#if defined(__x86_64__)
constexpr bool kHasTicks = true;
[[gnu::always_inline]] inline uint64_t ticks() noexcept { return __rdtsc(); }
#else
constexpr bool kHasTicks = false;
[[gnu::always_inline]] inline uint64_t ticks() noexcept { return 0; }
#endif

// Most names are not larger: they are written by one move of a fixed size, with the zeros that end a record,
// into room behind it.
constexpr size_t kNameMove = 48;
constexpr uint32_t kUsualName = kNameMove - 4;
constexpr size_t kUsualRoom = sizeof(DecisionRecord) + 4 + kNameMove;

}  // namespace slot

// All but address and name.
[[gnu::always_inline]] inline void Slot::begin(uint8_t* to, uint32_t words, uint32_t address_bytes,
                                               size_t name_bytes, uint16_t type, PackedVerdict verdict,
                                               uint64_t generation) noexcept {
  // `words` to `zero`, `type` and `zero2` of a DecisionRecord.
  const uint32_t sizes = words | address_bytes << 8 | static_cast<uint32_t>(name_bytes) << 16;
  const uint32_t wide_type = type;
  std::memcpy(to, &sizes, sizeof sizes);
  std::memcpy(to + offsetof(DecisionRecord, type), &wide_type, sizeof wide_type);
  static_assert(offsetof(DecisionRecord, time_us) == offsetof(DecisionRecord, number) + sizeof(uint64_t));
  std::memcpy(to + offsetof(DecisionRecord, number), &next_, sizeof next_);
  verdict.store(to + offsetof(DecisionRecord, verdict), generation);
  ++next_.number;
}

[[gnu::always_inline]] inline void Slot::publish(uint64_t head) noexcept {
  // SYNC head: stored with release after the record; a reader in another process takes what lies before it.
  // The fence keeps the next record's bytes behind it, so that who sees those sees this head too.
  __atomic_store_n(head_word_, head, __ATOMIC_RELEASE);
  std::atomic_thread_fence(std::memory_order_release);
}

// `name_bytes` is not 0. False: it is no usual one, or it is time to look at what seldom changes: the clock,
// the place in the ring, and whether there is another area.
[[gnu::always_inline]] inline bool Slot::write_usual(const Question& question, const uint8_t* name,
                                                     size_t name_bytes, PackedVerdict verdict,
                                                     uint64_t generation) noexcept {
  uint8_t* const to = place_;
  if (__builtin_expect(to >= usual_end_ || slot::ticks() - ticks_ >= fresh_ ||
                           name_bytes > slot::kUsualName || question.address_bytes != 4,
                       0))
    return false;
  const uint32_t words = (uint32_t{sizeof(DecisionRecord)} + 4 + 7 + static_cast<uint32_t>(name_bytes)) / 8;
  begin(to, words, 4, name_bytes, question.type, verdict, generation);
  std::memcpy(to + sizeof(DecisionRecord), question.address, 4);
  std::memcpy(to + sizeof(DecisionRecord) + 4, name, slot::kNameMove);
  place_ = to + size_t{words} * 8;
  publish(head());
  return true;
}

}  // namespace nnoe::tables
