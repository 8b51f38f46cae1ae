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
  usual_end_ = nullptr;
  go_to(0);
  next_.number = 0;
  if (sampling_ == 0)
    until_ = kNever;
  else
    draw_next();
  // SYNC moved, in this order: at no time does the new area look unused.
  used_.store(area, std::memory_order_release);
  offered_.store(nullptr, std::memory_order_release);
}

void Slot::go_to(uint64_t head) noexcept {
  place_ = ring_ + (head & ring_mask_);
  ahead_ = head - reinterpret_cast<uintptr_t>(place_);
}

// One in `sampling_`, at distances that nobody who sends queries can be in step with.
void Slot::draw_next() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  until_ = sampling_ == 1 ? 1 : 1 + random_ % (2 * uint64_t{sampling_} - 1);
}

// What is due, or seen to seldom: another area, what the next record is, what time it is, where a block ends.
void Slot::record_any(Question question, const uint8_t* name, size_t name_bytes, PackedVerdict verdict,
                      uint64_t generation) noexcept {
  if (offered_.load(std::memory_order_relaxed) != nullptr) {
    move();
    if (--until_ != 0) return;
  }
  draw_next();
  write_any(question, name, name_bytes, verdict, generation);
}

void Slot::write_any(const Question& question, const uint8_t* name, size_t name_bytes, PackedVerdict verdict,
                     uint64_t generation) noexcept {
  if (slot::ticks() - ticks_ >= fresh_) {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
    next_.time_us =
        static_cast<uint64_t>(time.tv_sec) * 1000000u + static_cast<uint64_t>(time.tv_nsec) / 1000u;
    ticks_ = slot::ticks();
  }
  // One that is none is told as it came.
  if (name_bytes == 0) {
    name = question.name;
    name_bytes = question.name_bytes;
  }
  if (name_bytes - 1 >= kMaxName) return;
  const uint32_t address_bytes = question.address_bytes == 16 ? 16 : question.address_bytes == 4 ? 4 : 0;
  if (address_bytes == 0) return;
  const size_t bytes = (sizeof(DecisionRecord) + address_bytes + name_bytes + 7) & ~size_t{7};
  const size_t left = kRingBlock - (head() & (kRingBlock - 1));
  if (left < bytes) {
    *place_ = 0;
    go_to(head() + left);
  }
  uint8_t* const to = place_;
  // The last word first: what the name leaves of it is zero.
  std::memset(to + bytes - 8, 0, 8);
  begin(to, static_cast<uint32_t>(bytes / 8), address_bytes, name_bytes, question.type, verdict, generation);
  std::memcpy(to + sizeof(DecisionRecord), question.address, address_bytes);
  std::memcpy(to + sizeof(DecisionRecord) + address_bytes, name, name_bytes);
  go_to(head() + bytes);
  publish(head());
  if (sampling_ == 1) usual_end_ = ring_ + ((head() | (kRingBlock - 1)) & ring_mask_) - slot::kUsualRoom;
}

}  // namespace nnoe::tables
