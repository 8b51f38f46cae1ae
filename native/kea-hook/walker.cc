// SPDX-License-Identifier: MPL-2.0
#include "walker.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lease_fields.h"
#include "log.h"

namespace nnoe::hook {

using namespace std::chrono_literals;

namespace {

constexpr size_t kPageLeases = 100;
constexpr auto kPageInterval = 2ms;
constexpr auto kPauseInterval = 50ms;    // the producer looks at the cursors as often
constexpr auto kRetryInterval = 1000ms;  // journal not writable, database not readable
constexpr size_t kMaxWaiting = 64;       // more subnets than that are walked as one
constexpr uint32_t kInfinite = 0xffffffff;

bool has_expired(const LeaseFields& lease) {
  return lease.valid_lft != kInfinite && lease.cltt + lease.valid_lft <= time(nullptr);
}

}  // namespace

Walker::Walker(const Context& context)
    : context_(context), source_(context.family), pacer_([this] { step(); }) {
  pacer_.ask(0us);
}

Walker::~Walker() {
  if (current_) end(false);
  if (!decided_ || owed_ || !context_.parking.owed()) return;
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    owed_ = true;
    save();
  } catch (...) {
    caught(context_.counters, Callout::kWalk);
  }
}

void Walker::request(WalkRange range) noexcept {
  try {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (enqueue(range) && decided_) save();
    }
    pacer_.ask(0us);
  } catch (...) {
    caught(context_.counters, Callout::kWalk);
  }
}

void Walker::look_soon() noexcept {
  try {
    pacer_.ask(Parking::kLook);
  } catch (...) {
    caught(context_.counters, Callout::kWalk);
  }
}

// A walk that has not begun covers every later request for its range.
bool Walker::enqueue(WalkRange range) {
  const auto covers = [&](const WalkRange& waiting) {
    return waiting.subnet_id == 0 || waiting.subnet_id == range.subnet_id;
  };
  if (std::any_of(queue_.begin(), queue_.end(), covers)) return false;
  if (range.subnet_id == 0 || queue_.size() >= kMaxWaiting) {
    queue_.clear();
    range.subnet_id = 0;
  }
  queue_.push_back(range);
  return true;
}

std::vector<WalkRange> Walker::outstanding() const {
  std::vector<WalkRange> ranges(queue_.begin(), queue_.end());
  if (current_) ranges.insert(ranges.begin(), current_->range);
  if (owed_) ranges.push_back({event::WalkCause::kGap, 0});
  return ranges;
}

void Walker::save() {
  mark_.pending = outstanding();
  if (write_mark(context_.params.journal_directory, mark_)) {
    mark_failed_ = false;
  } else if (!mark_failed_) {
    mark_failed_ = true;
    log_mark_failed(context_.params.journal_directory + "/walks", std::strerror(errno));
  }
}

void Walker::step() noexcept {
  try {
    if (const auto delay = advance()) pacer_.ask(*delay);
  } catch (...) {
    caught(context_.counters, Callout::kWalk);
    pacer_.ask(kRetryInterval);
  }
}

std::optional<std::chrono::microseconds> Walker::advance() {
  if (!LeaseSource::ready()) return kPauseInterval;
  if (!decided_) decide_start();
  watch_parking();
  if (!current_ && !begin()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    return kRetryInterval;
  }
  paused_ = !journal_has_room();
  if (paused_) return kPauseInterval;
  if (!write_page()) end(true);
  return kPageInterval;
}

void Walker::decide_start() {
  const WalkMark before = read_mark(context_.params.journal_directory);
  const std::lock_guard<std::mutex> lock(mutex_);
  mark_ = mark_of_this_process(LeaseSource::database());
  decided_ = true;
  const bool same_process = before.pid == mark_.pid && before.start_time == mark_.start_time;
  const bool other_database = before.pid != 0 && before.database != mark_.database;
  if (other_database || (!same_process && context_.params.snapshot_on_start)) {
    enqueue({event::WalkCause::kStart, 0});
  }
  for (const WalkRange& range : before.pending) enqueue(range);
  save();
}

// What is owed is in the mark as well: it outlives a reconfigure and a killed process.
void Walker::watch_parking() {
  const Parking::Look look = context_.parking.look(Parking::Clock::now());
  if (look.first) log_parking_lot_full(context_.parking.limit());
  if (look.again) pacer_.ask(*look.again);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (look.walk) enqueue({event::WalkCause::kGap, 0});
  if (!look.walk && look.owed == owed_) return;
  owed_ = look.owed;
  save();
}

bool Walker::begin() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (queue_.empty()) return false;
  WalkFields walk;
  walk.cause = queue_.front().cause;
  walk.subnet_id = queue_.front().subnet_id;
  uint8_t record[kMaxWalk];
  const uint64_t id = context_.producer.append(journal::Kind::kWalkBegin, 0, record, encode(walk, record));
  if (id == 0) return false;
  current_ = Current{queue_.front(), id, 0};
  queue_.pop_front();
  source_.rewind();
  log_walk_begin(current_->range, id);
  return true;
}

bool Walker::journal_has_room() const {
  return context_.producer.backlog_bytes() <= context_.params.journal_cap / 2;
}

bool Walker::write_page() {
  std::vector<journal::Producer::Item> items;
  items.reserve(kPageLeases);
  arena_.clear();
  const uint64_t at = context_.producer.head();
  const uint64_t observed_us = wall_clock_us();
  const size_t read = source_.page(kPageLeases, [&](LeaseFields& lease) {
    if (current_->range.subnet_id != 0 && lease.subnet_id != current_->range.subnet_id) return;
    if (is_memory_only(lease.state, lease.valid_lft)) return;
    const uint64_t key = address_key(lease.address, lease.address_size);
    if (has_expired(lease) && context_.expiring.holds(key)) return;
    context_.owners.learn(key, Owners::owner(lease));
    lease.operation = event::Operation::kSnapshot;
    lease.origin = event::Origin::kWalk;
    lease.observed_us = observed_us;
    lease.read_at = at;
    uint8_t record[kMaxLeaseEvent];
    const size_t size = encode(lease, record);
    items.push_back({key, nullptr, size});
    arena_.insert(arena_.end(), record, record + size);
  });
  const uint8_t* next = arena_.data();
  for (auto& item : items) {
    item.payload = next;
    next += item.size;
  }
  const int written = items.empty() ? 0 : context_.producer.append_page(at, items.data(), items.size());
  if (written < 0) return true;  // too much happened meanwhile: the same page again
  if (written == 0 && !items.empty() && !context_.producer.status().writable) {
    const WalkRange range = current_->range;
    end(false);
    request(range);
    return true;
  }
  source_.advance();
  const std::lock_guard<std::mutex> lock(mutex_);
  current_->leases += static_cast<uint64_t>(written);
  for (int i = 0; i < written; ++i) context_.counters.count(event::Operation::kSnapshot);
  return read == kPageLeases;
}

void Walker::end(bool complete) {
  const std::lock_guard<std::mutex> lock(mutex_);
  WalkFields walk;
  walk.id = current_->id;
  walk.cause = current_->range.cause;
  walk.subnet_id = current_->range.subnet_id;
  walk.leases = current_->leases;
  walk.complete = complete;
  uint8_t record[kMaxWalk];
  const bool ended = context_.producer.append(journal::Kind::kWalkEnd, 0, record, encode(walk, record)) != 0;
  log_walk_end(current_->range, current_->leases, complete && ended);
  if (complete && ended) {
    ++completed_;
    current_.reset();
    save();
  } else if (complete) {
    const WalkRange range = current_->range;
    current_.reset();
    enqueue(range);
  } else {
    current_.reset();  // the mark still has it
  }
}

Walker::View Walker::view() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  View view;
  view.active = current_.has_value();
  if (current_) {
    view.range = current_->range;
    view.id = current_->id;
    view.leases = current_->leases;
  }
  view.paused = view.active && paused_;
  view.waiting = queue_.size();
  view.completed = completed_;
  return view;
}

}  // namespace nnoe::hook
