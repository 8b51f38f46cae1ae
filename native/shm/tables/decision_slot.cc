// SPDX-License-Identifier: MPL-2.0
// What query threads do with their slots.
#include <time.h>

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "shm/tables/decision_writer.h"

namespace nnoe::tables {
namespace {

constexpr uint64_t kNever = ~uint64_t{0};
// The clock is asked again after so many ticks of the processor's counter: under a millisecond wherever that
// runs.
constexpr uint64_t kClockTicks = 1u << 20;

#define NNOE_INLINE __attribute__((always_inline)) inline

#if defined(__x86_64__)
constexpr bool kHasTicks = true;
NNOE_INLINE uint64_t ticks() noexcept { return __rdtsc(); }
#else
constexpr bool kHasTicks = false;
NNOE_INLINE uint64_t ticks() noexcept { return 0; }
#endif

template <class Word>
NNOE_INLINE void copy_ends(uint8_t* to, const uint8_t* from, size_t size) noexcept {
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
NNOE_INLINE void copy_name(uint8_t* to, const uint8_t* from, size_t size) noexcept {
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

}  // namespace

DecisionArea::DecisionArea()
    : own_(static_cast<uint64_t*>(std::calloc(kCounters, sizeof(uint64_t)))), counters_(own_.get()) {
  if (own_ == nullptr) throw std::bad_alloc();
}

DecisionArea::DecisionArea(journal::Mapping mapping, uint64_t file) noexcept
    : mapping_(std::move(mapping)),
      counters_(reinterpret_cast<uint64_t*>(mapping_.data() + kCountersAt)),
      ring_(mapping_.data() + kRingAt),
      head_(reinterpret_cast<uint64_t*>(mapping_.data())),
      file_(file) {}

Slot::Slot(uint32_t sampling, uint64_t ring_bytes)
    : until_(kNever),
      ring_mask_(ring_bytes - 1),
      fresh_(sampling == 1 && kHasTicks ? kClockTicks : 0),
      random_(ticks() | 1),
      sampling_(sampling),
      first_(new DecisionArea()),
      used_(first_.get()) {
  counters_ = first_->counters();
}

// A thread goes over to the area that it was offered, and takes with it what it counted so far.
void Slot::move() noexcept {
  DecisionArea* const area = offered_.load(std::memory_order_acquire);
  for (size_t i = 0; i < kCounters; ++i)
    if (counters_[i] != 0) area->counters()[i] += counters_[i];
  counters_ = area->counters();
  ring_ = area->ring();
  head_word_ = area->head();
  head_ = 0;
  number_ = 0;
  if (sampling_ == 0)
    until_ = kNever;
  else
    draw_next();
  // SYNC moved, in this order: at no time does the new area look unused.
  used_.store(area, std::memory_order_release);
  offered_.store(nullptr, std::memory_order_release);
}

// One in `sampling_`, at distances that nobody who sends queries can be in step with.
void Slot::draw_next() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  until_ = sampling_ == 1 ? 1 : 1 + random_ % (2 * uint64_t{sampling_} - 1);
}

// Before a record that is not one of many: what the next one is, and what time it is.
void Slot::write_slowly(const Question& question, const Verdict& verdict) noexcept {
  if (sampling_ != 1) draw_next();
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  time_us_ = static_cast<uint64_t>(time.tv_sec) * 1000000u + static_cast<uint64_t>(time.tv_nsec) / 1000u;
  ticks_ = ticks();
  put(question, verdict);
}

void Slot::write(const Question& question, const Verdict& verdict) noexcept {
  until_ = 1;
  if (__builtin_expect(ticks() - ticks_ >= fresh_, 0)) return write_slowly(question, verdict);
  put(question, verdict);
}

NNOE_INLINE void Slot::put(const Question& question, const Verdict& verdict) noexcept {
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
  copy_name(address + address_bytes, question.name, name_bytes);
  head_ += bytes;
  // SYNC head: stored with release after the record; a reader in another process takes what lies before it.
  // The fence keeps the next record's bytes behind it, so that who sees those sees this head too.
  __atomic_store_n(head_word_, head_, __ATOMIC_RELEASE);
  std::atomic_thread_fence(std::memory_order_release);
}

}  // namespace nnoe::tables
