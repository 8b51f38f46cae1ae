// SPDX-License-Identifier: MPL-2.0
// What query threads do with their slots.
#include <time.h>

#include <cstdlib>
#include <new>

#include "shm/tables/decision_writer.h"

namespace nnoe::tables {
namespace {

constexpr uint64_t kNever = ~uint64_t{0};
// The clock is asked again after so many ticks of the processor's counter: under a millisecond wherever that
// runs.
constexpr uint64_t kClockTicks = 1u << 20;

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
      fresh_(sampling == 1 && slot::kHasTicks ? kClockTicks : 0),
      random_(slot::ticks() | 1),
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
  ticks_ = slot::ticks();
  put(question, verdict);
}

}  // namespace nnoe::tables
