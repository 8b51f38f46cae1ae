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

uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

// Of 1..kMaxName bytes. Nothing is read behind `from + size`.
inline void copy_name(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  if (size >= 16 && size <= 32) {
    // Two halves that overlap.
    uint64_t head[2];
    uint64_t tail[2];
    std::memcpy(head, from, sizeof head);
    std::memcpy(tail, from + size - sizeof tail, sizeof tail);
    std::memcpy(to, head, sizeof head);
    std::memcpy(to + size - sizeof tail, tail, sizeof tail);
  } else {
    std::memcpy(to, from, size);
  }
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

uint64_t Slot::now() noexcept {
  const uint64_t at = ticks();
  if (at - ticks_ >= kClockTicks || at == 0) {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
    time_us_ = static_cast<uint64_t>(time.tv_sec) * 1000000u + static_cast<uint64_t>(time.tv_nsec) / 1000u;
    ticks_ = at;
  }
  return time_us_;
}

void Slot::write(const Question& question, const Verdict& verdict) noexcept {
  if (sampling_ == 1)
    until_ = 1;
  else
    draw_next();
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
  const DecisionRecord record{static_cast<uint8_t>(bytes / 8),
                              static_cast<uint8_t>(address_bytes),
                              static_cast<uint8_t>(name_bytes),
                              0,
                              question.type,
                              0,
                              number_++,
                              now(),
                              verdict};
  std::memcpy(to, &record, sizeof record);
  uint8_t* address = to + sizeof record;
  if (address_bytes == 4)
    std::memcpy(address, question.address, 4);
  else
    std::memcpy(address, question.address, 16);
  copy_name(address + address_bytes, question.name, name_bytes);
  head_ += bytes;
  // SYNC head: stored with release after the record; a reader in another process takes what lies before it.
  // The fence keeps the next record's bytes behind it, so that who sees those sees this head too.
  __atomic_store_n(head_word_, head_, __ATOMIC_RELEASE);
  std::atomic_thread_fence(std::memory_order_release);
}

}  // namespace nnoe::tables
