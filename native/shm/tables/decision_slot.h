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
constexpr size_t kUsualName = kNameMove - 4;
constexpr size_t kUsualRoom = sizeof(DecisionRecord) + 4 + kNameMove;

}  // namespace slot

// All but address and name.
[[gnu::always_inline]] inline void Slot::begin(uint8_t* to, size_t bytes, size_t address_bytes,
                                               size_t name_bytes, uint16_t type, PackedVerdict verdict,
                                               uint64_t generation) noexcept {
  // `words` to `zero2` of a DecisionRecord.
  const uint64_t sizes = bytes / 8 | address_bytes << 8 | name_bytes << 16 | uint64_t{type} << 32;
  std::memcpy(to, &sizes, sizeof sizes);
  std::memcpy(to + offsetof(DecisionRecord, number), &number_, sizeof number_);
  std::memcpy(to + offsetof(DecisionRecord, time_us), &time_us_, sizeof time_us_);
  verdict.store(to + offsetof(DecisionRecord, verdict), generation);
  ++number_;
}

[[gnu::always_inline]] inline void Slot::publish(size_t bytes) noexcept {
  head_ += bytes;
  // SYNC head: stored with release after the record; a reader in another process takes what lies before it.
  // The fence keeps the next record's bytes behind it, so that who sees those sees this head too.
  __atomic_store_n(head_word_, head_, __ATOMIC_RELEASE);
  std::atomic_thread_fence(std::memory_order_release);
}

[[gnu::always_inline]] inline void Slot::write(const Question& question, const uint8_t* name,
                                               size_t name_bytes, PackedVerdict verdict,
                                               uint64_t generation) noexcept {
  until_ = 1;
  const size_t bytes = (sizeof(DecisionRecord) + 4 + 7 + name_bytes) & ~size_t{7};
  if (__builtin_expect(slot::ticks() - ticks_ >= fresh_ || name_bytes - 1 >= slot::kUsualName ||
                           question.address_bytes != 4 || head_ >= usual_end_,
                       0))
    return write_any(
        {question.address, question.address_bytes, question.name_bytes, question.name, question.type}, name,
        name_bytes, verdict, generation);
  uint8_t* const to = ring_ + (head_ & ring_mask_);
  begin(to, bytes, 4, name_bytes, question.type, verdict, generation);
  std::memcpy(to + sizeof(DecisionRecord), question.address, 4);
  std::memcpy(to + sizeof(DecisionRecord) + 4, name, slot::kNameMove);
  publish(bytes);
}

}  // namespace nnoe::tables
