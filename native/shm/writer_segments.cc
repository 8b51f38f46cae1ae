// SPDX-License-Identifier: MPL-2.0
// Writer: changing segments, being unwritable, freeing. Not on the path of a record.
#include <unistd.h>

#include <algorithm>

#include "shm/cursors.h"
#include "shm/layout.h"
#include "shm/writer.h"

namespace nnoe::journal {
namespace {
constexpr std::ptrdiff_t kGapRoom = 2 * layout::record_bytes(sizeof(EncodedGap::bytes));
}

// Removes the oldest segments from the list until another one fits; returns their numbers, to be unlinked.
std::vector<uint64_t> Writer::over_cap(Reports& reports) {
  std::vector<uint64_t> victims;
  while (segments_.size() > 1 && total_bytes_ + options_.segment_bytes > options_.cap_bytes) {
    const SegmentInfo oldest = segments_.front();
    segments_.pop_front();
    total_bytes_ -= oldest.bytes;
    victims.push_back(oldest.number);
    const uint64_t last = segments_.front().first_seq - 1;
    if (last > slowest_) {
      reports.emplace_back(Event::kOverrun, "records " + std::to_string(oldest.first_seq) + " to " +
                                                std::to_string(last) + " were given up at the cap");
    }
  }
  return victims;
}

Mapping Writer::create(uint64_t number, bool prefault, Error& error) {
  return create_segment(files_.dir.get(), files_.id, number, options_.segment_bytes, prefault, error);
}

void Writer::use(Mapping mapping, uint64_t number) {
  if (active_ && at_ + sizeof layout::kEndWord <= active_.data() + active_.size()) {
    // SYNC write:commit - as in Writer::put; what a reader has before it is complete.
    __atomic_store_n(reinterpret_cast<uint64_t*>(at_), layout::kEndWord, __ATOMIC_RELEASE);
  }
  if (active_) retired_.push_back(std::move(active_));
  segments_.push_back({number, next_seq_, mapping.size()});
  active_ = std::move(mapping);
  at_ = active_.data() + layout::kFirstRecord;
  limit_ = active_.data() + active_.size();
  next_number_ = number + 1;
}

bool Writer::next_segment(Reports& reports) {
  const std::lock_guard<std::mutex> lock(prepare_mutex_);  // waits while the next one is just being made
  if (prepared_) {
    use(std::move(prepared_), prepared_number_);
    prepared_ = Mapping();
    return true;
  }
  for (const uint64_t number : over_cap(reports)) ::unlinkat(dir(), segment_name(number).c_str(), 0);
  Error error;
  Mapping mapping = create(next_number_, false, error);
  if (!mapping) return fail(error.text, reports), false;
  total_bytes_ += mapping.size();
  use(std::move(mapping), next_number_);
  return true;
}

bool Writer::make_room(uint64_t bytes, Reports& reports) noexcept {
  if (!active_ || !reason_.empty()) return false;
  if (bytes <= room()) return true;
  try {
    const bool made = next_segment(reports);
    kick();
    return made;
  } catch (...) {
    reason_ = "out of memory";
    limit_ = at_;
    return false;
  }
}

void Writer::install(Opened opened) {
  const std::lock_guard<Lock> lock(mutex_);
  const std::lock_guard<std::mutex> lock_prepare(prepare_mutex_);
  active_ = std::move(opened.active);
  at_ = limit_ = active_ ? active_.data() + opened.offset : nullptr;
  next_seq_ = opened.next_seq;
  next_number_ = opened.next_number;
  segments_ = std::move(opened.segments);
  total_bytes_ = 0;
  for (const SegmentInfo& info : segments_) total_bytes_ += info.bytes;
  head_.store(next_seq_ - 1, std::memory_order_release);
  files_ = std::move(opened);
  reason_ = "beginning";  // until resume()
}

bool Writer::open() {
  const std::lock_guard<Lock> lock(mutex_);
  return static_cast<bool>(files_.dir);
}

bool Writer::writable() {
  const std::lock_guard<Lock> lock(mutex_);
  return reason_.empty();
}

void Writer::unwritable(const Error& error, Reports& reports) {
  const std::lock_guard<Lock> lock(mutex_);
  fail(error.text, reports);
}

// Told once, until writing goes on; the reason in the status is always the last.
void Writer::fail(const std::string& reason, Reports& reports) {
  if (!told_) reports.emplace_back(Event::kUnwritable, reason);
  told_ = true;
  reason_ = reason;
  limit_ = at_;  // also for records that would still fit: what was dropped before them must be told first
}

bool Writer::resume(Reports& reports) {
  bool needed = false;
  {
    const std::lock_guard<Lock> lock(mutex_);
    // Room for the two gap records that may be due. After a failure not the rest of a segment that was too
    // small for some record: writing would stop again at the next one of that size.
    needed = told_ || !active_ || active_.data() + active_.size() - at_ < kGapRoom;
  }
  Error error;
  if (needed && !prepare(true, error)) return unwritable(error, reports), false;
  const std::lock_guard<Lock> lock(mutex_);
  reason_.clear();
  if (active_) limit_ = active_.data() + active_.size();
  if (needed && !next_segment(reports)) return false;
  told_ = false;
  if (files_.gap) put_gap(*files_.gap);
  files_.gap.reset();
  if (dropped_ != dropped_before_) {
    put_gap({0, 0, dropped_ - dropped_before_, event::GapReason::kUnwritable});
    reports.emplace_back(Event::kWritable,
                         std::to_string(dropped_ - dropped_before_) + " appends were dropped");
    dropped_before_ = dropped_;
  }
  sleeper_ = false;
  signalled_ = next_seq_ - 1;
  signal();
  return true;
}

bool Writer::prepare(bool even_unwritable, Error& error) {
  Reports reports;
  std::vector<uint64_t> victims;
  bool made = true;
  {
    std::unique_lock<Lock> lock(mutex_);
    if (!reason_.empty() && !even_unwritable) return true;
    const std::lock_guard<std::mutex> lock_prepare(prepare_mutex_);
    if (prepared_) return true;
    victims = over_cap(reports);
    prepared_number_ = next_number_;
    lock.unlock();
    for (const uint64_t victim : victims) ::unlinkat(dir(), segment_name(victim).c_str(), 0);
    prepared_ = create(prepared_number_, true, error);
    made = static_cast<bool>(prepared_);
  }
  if (made) {
    const std::lock_guard<Lock> lock(mutex_);
    total_bytes_ += options_.segment_bytes;
  }
  tell(reports);
  return made;
}

void Writer::unmap_retired() {
  std::vector<Mapping> retired;
  const std::lock_guard<Lock> lock(mutex_);
  retired.swap(retired_);
}

void Writer::free_passed(uint64_t seq) {
  std::vector<uint64_t> passed;
  {
    const std::lock_guard<Lock> lock(mutex_);
    slowest_ = seq;
    while (segments_.size() > 1 && segments_[1].first_seq - 1 <= seq) {
      passed.push_back(segments_.front().number);
      total_bytes_ -= segments_.front().bytes;
      segments_.pop_front();
    }
  }
  for (const uint64_t number : passed) ::unlinkat(dir(), segment_name(number).c_str(), 0);
}

uint64_t Writer::bytes_after(uint64_t seq) {
  const std::lock_guard<Lock> lock(mutex_);
  uint64_t bytes = 0;
  for (size_t i = segments_.size(); i-- > 0;) {
    const SegmentInfo& info = segments_[i];
    const bool last = i + 1 == segments_.size();
    const uint64_t used = last && active_ ? static_cast<uint64_t>(at_ - active_.data()) : info.bytes;
    const uint64_t end = last ? next_seq_ : segments_[i + 1].first_seq;
    if (seq < info.first_seq) {
      bytes += used;
    } else if (seq + 1 < end) {
      // Within a segment by proportion: where a record stands is not kept.
      const double share = static_cast<double>(end - 1 - seq) / static_cast<double>(end - info.first_seq);
      bytes += static_cast<uint64_t>(static_cast<double>(used) * share);
    }
  }
  return bytes;
}

void Writer::fill(Status& status) {
  const std::lock_guard<Lock> lock(mutex_);
  status.writable = reason_.empty();
  status.reason = reason_;
  status.id = files_.dir ? hex(files_.id) : "";
  status.head = next_seq_ == 0 ? 0 : next_seq_ - 1;
  status.oldest = segments_.empty() ? 0 : segments_.front().first_seq;
  status.segments = segments_.size();
  status.bytes = total_bytes_;
  status.dropped = dropped_;
}

void Writer::close() {
  const std::lock_guard<Lock> lock(mutex_);
  if (!files_.dir) return;
  files_.meta.clean = 1;
  files_.meta.head = next_seq_ - 1;
  Error ignored;
  write_meta(files_.dir.get(), files_.meta, ignored);
}

}  // namespace nnoe::journal
