// SPDX-License-Identifier: MPL-2.0
#include "shm/reader.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "shm/layout.h"
#include "shm/producer.h"

namespace nnoe::journal {

using event::GapReason;

namespace {
constexpr int kAttempts = 16;
}

Reader::Reader(Fd dir, const layout::Meta& meta, uint64_t after) : dir_(std::move(dir)) {
  std::copy(std::begin(meta.id), std::end(meta.id), id_.begin());
  generation_ = meta.generation;
  base_ = meta.base;
  position_ = std::max(after, base_);
}

bool Reader::peek(Record& record) {
  for (;;) {
    if (!scan_ && !locate()) return false;
    switch (step(record)) {
      case Step::kRecord:
        return true;
      case Step::kCaughtUp:
        return false;
      case Step::kAgain:
        break;
    }
  }
}

void Reader::consume() {
  position_ = pending_position_;
  offset_ = pending_offset_;
}

Reader::Step Reader::step(Record& record) {
  Record found;
  switch (scan_->at(offset_, found)) {
    case Found::kRecord:
      return deliver(found, record);
    case Found::kEnd:
      return advance() ? Step::kAgain : at_nothing(record);
    case Found::kNothing:
      return at_nothing(record);
    case Found::kDamaged:
      break;
  }
  return at_damage(record);
}

Reader::Step Reader::deliver(const Record& found, Record& record) {
  seen_ = std::max(seen_, found.seq);
  if (found.seq <= position_) {
    offset_ = found.next;
    return Step::kAgain;
  }
  // A Gap record that the producer wrote tells what is missing before it.
  if (found.seq != position_ + 1 && found.kind != static_cast<uint8_t>(Kind::kGap)) {
    const Gap gap{position_ + 1, found.seq - 1, found.seq - 1 - position_, why_};
    pending_offset_ = offset_;
    return make_gap(gap, found.seq - 1, record) ? Step::kRecord : Step::kCaughtUp;
  }
  record = found;
  pending_position_ = found.seq;
  pending_offset_ = found.next;
  why_ = GapReason::kDamaged;
  return Step::kRecord;
}

bool Reader::make_gap(const Gap& gap, uint64_t seq, Record& record) {
  gap_ = encode(gap);
  record = Record();
  record.seq = seq;
  record.kind = static_cast<uint8_t>(Kind::kGap);
  record.payload = gap_.bytes.data();
  record.size = static_cast<uint32_t>(gap_.size);
  pending_position_ = seq;
  return true;
}

// Nothing stands at offset_. Usually that is the live end.
Reader::Step Reader::at_nothing(Record& record) {
  if (looked_.changed(dir_.get()) && look()) return Step::kAgain;
  if (following_written()) {
    // The segment is complete, though without an end marker; look once more, it may just have become so.
    Record found;
    if (scan_->at(offset_, found) == Found::kRecord) return Step::kAgain;
    if (scan_->find(offset_, seen_ + 1, layout::kMaxSeq, found)) {
      offset_ = found.offset;
      return Step::kAgain;
    }
    return advance() ? Step::kAgain : Step::kCaughtUp;
  }
  if (seen_ != 0 && seen_ < position_) {
    // The consumer is ahead of the journal: records were lost with the machine's power.
    pending_offset_ = offset_;
    make_gap({seen_ + 1, position_, position_ - seen_, GapReason::kDamaged}, seen_, record);
    return Step::kRecord;
  }
  return Step::kCaughtUp;
}

Reader::Step Reader::at_damage(Record& record) {
  Record found;
  if (scan_->find(offset_ + layout::kAlign, seen_ + 1, layout::kMaxSeq, found)) {
    offset_ = found.offset;
    return Step::kAgain;
  }
  return at_nothing(record);
}

uint64_t Reader::first_of(uint64_t number) const {
  Scan scan(open_below(dir_.get(), segment_name(number), O_RDONLY | O_NONBLOCK));
  Record record;
  if (scan.at(layout::kFirstRecord, record) == Found::kRecord) return record.seq;
  return scan.find(layout::kFirstRecord, 1, layout::kMaxSeq, record) ? record.seq : 0;
}

bool Reader::locate() {
  // Again when the producer frees the very segment that was to be opened.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::vector<uint64_t> numbers;
    Error ignored;
    if (!list_segments(dir_.get(), numbers, ignored) || numbers.empty()) return false;
    seen_ = 0;
    // From the newest down: a consumer is seldom far behind.
    for (size_t i = numbers.size(); i-- > 0;) {
      const uint64_t first = first_of(numbers[i]);
      if (first == 0 || first > position_ + 1 || !open_segment(numbers[i])) continue;
      why_ = GapReason::kDamaged;
      return true;
    }
    why_ = GapReason::kOverrun;
    if (open_segment(numbers[0])) return true;
  }
  return false;
}

bool Reader::open_segment(uint64_t number) {
  Fd fd = open_below(dir_.get(), segment_name(number), O_RDONLY | O_NONBLOCK);
  if (!fd || regular_size(fd.get()) < 0) return false;
  scan_.emplace(std::move(fd));
  looked_.forget();
  number_ = number;
  offset_ = layout::kFirstRecord;
  return true;
}

std::optional<uint64_t> Reader::following() {
  const Fd next = open_below(dir_.get(), segment_name(number_ + 1), O_RDONLY | O_NONBLOCK);
  if (next) return number_ + 1;
  std::vector<uint64_t> numbers;
  Error ignored;
  if (!list_segments(dir_.get(), numbers, ignored)) return looked_.forget(), std::nullopt;
  const auto at = std::upper_bound(numbers.begin(), numbers.end(), number_);
  return at == numbers.end() ? std::nullopt : std::optional<uint64_t>(*at);
}

bool Reader::look() {
  if (producer_changed()) return true;
  following_.reset();
  if (const std::optional<uint64_t> number = following())
    if (!(following_ = open_below(dir_.get(), segment_name(*number), O_RDONLY | O_NONBLOCK)))
      looked_.forget();
  return false;
}

bool Reader::following_written() {
  uint64_t word = 0;
  return following_ && read_at(following_.get(), &word, sizeof word, layout::kFirstRecord) == sizeof word &&
         word != 0;
}

bool Reader::advance() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<uint64_t> number = following();
    if (!number) return false;
    const bool missing = *number != number_ + 1;
    if (!open_segment(*number)) continue;
    if (missing) why_ = GapReason::kOverrun;
    return true;
  }
  return false;
}

bool Reader::producer_changed() {
  layout::Meta meta{};
  Error ignored;
  if (read_meta(dir_.get(), meta, ignored) != Check::kGood) return looked_.forget(), false;
  Id id{};
  std::copy(std::begin(meta.id), std::end(meta.id), id.begin());
  if (id == id_ && meta.generation == generation_) return false;
  generation_ = meta.generation;
  if (id != id_) {
    // Sequences of a new journal begin above all of the one before.
    id_ = id;
    base_ = meta.base;
    position_ = std::max(position_, base_);
  }
  scan_.reset();
  return true;
}

}  // namespace nnoe::journal
