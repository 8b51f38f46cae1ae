// SPDX-License-Identifier: MPL-2.0
// Writing one record; decision_writer.h includes it.
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

template <class Word>
[[gnu::always_inline]] inline void copy_ends(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  Word first;
  Word last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + size - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + size - sizeof last, &last, sizeof last);
}

struct Sixteen {
  uint64_t words[2];
};

// Of 1..kMaxName bytes, by moves that overlap: the size of most names is worth no call. Nothing is read
// behind `from + size`.
[[gnu::always_inline]] inline void copy_name(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  for (; __builtin_expect(size > 32, 0); to += 16, from += 16, size -= 16) std::memcpy(to, from, 16);
  if (size >= 16)
    copy_ends<Sixteen>(to, from, size);
  else if (size >= 8)
    copy_ends<uint64_t>(to, from, size);
  else if (size >= 4)
    copy_ends<uint32_t>(to, from, size);
  else
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

}  // namespace slot

[[gnu::always_inline]] inline void Slot::put(const Question& question, const Verdict& verdict) noexcept {
  const size_t address_bytes = question.address_bytes == 16 ? 16 : 4;
  const size_t name_bytes = question.name_bytes;
  if (name_bytes - 1 >= kMaxName) return;
  const size_t bytes = (sizeof(DecisionRecord) + address_bytes + name_bytes + 7) & ~size_t{7};
  const size_t left = kRingBlock - (head_ & (kRingBlock - 1));
  if (__builtin_expect(left < bytes, 0)) {
    ring_[head_ & ring_mask_] = 0;
    head_ += left;
  }
  uint8_t* const to = ring_ + (head_ & ring_mask_);
  // The last word first: what the name leaves of it is zero.
  std::memset(to + bytes - 8, 0, 8);
  // `words` to `zero2` of a DecisionRecord.
  const uint64_t sizes = bytes / 8 | address_bytes << 8 | name_bytes << 16 | uint64_t{question.type} << 32;
  std::memcpy(to, &sizes, sizeof sizes);
  std::memcpy(to + offsetof(DecisionRecord, number), &number_, sizeof number_);
  std::memcpy(to + offsetof(DecisionRecord, time_us), &time_us_, sizeof time_us_);
  std::memcpy(to + offsetof(DecisionRecord, verdict), &verdict, sizeof verdict);
  ++number_;
  uint8_t* const address = to + sizeof(DecisionRecord);
  std::memcpy(address, question.address, 4);
  if (address_bytes == 16) std::memcpy(address + 4, question.address + 4, 12);
  slot::copy_name(address + address_bytes, question.name, name_bytes);
  head_ += bytes;
  // SYNC head: stored with release after the record; a reader in another process takes what lies before it.
  // The fence keeps the next record's bytes behind it, so that who sees those sees this head too.
  __atomic_store_n(head_word_, head_, __ATOMIC_RELEASE);
  std::atomic_thread_fence(std::memory_order_release);
}

[[gnu::always_inline]] inline void Slot::write(const Question& question, const Verdict& verdict) noexcept {
  until_ = 1;
  if (__builtin_expect(slot::ticks() - ticks_ >= fresh_, 0)) return write_slowly(question, verdict);
  put(question, verdict);
}

}  // namespace nnoe::tables
