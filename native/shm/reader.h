// SPDX-License-Identifier: MPL-2.0
// The reading side: a position in a journal that moves over segments, damage, overruns and new journals.
// One thread uses a reader; it shares nothing with the producer but the files.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shm/files.h"
#include "shm/gap.h"
#include "shm/scan.h"
#include "shm/segment.h"

namespace nnoe::journal {

class Reader {
 public:
  // `dir`: the journal's directory. `after`: sequence of the last record dealt with, 0 for none.
  Reader(Fd dir, const layout::Meta& meta, uint64_t after);

  // The next record, or a Gap record made here for what is missing; false when caught up. It stays the next
  // one until `consume`; `record` is valid until the call after that.
  bool peek(Record& record);
  void consume();

  uint64_t position() const noexcept { return position_; }
  const Id& journal() const noexcept { return id_; }

 private:
  enum class Step { kRecord, kAgain, kCaughtUp };

  Step step(Record& record);
  Step deliver(const Record& found, Record& record);
  Step at_nothing(Record& record);
  Step at_damage(Record& record);
  bool make_gap(const Gap& gap, uint64_t seq, Record& record);
  bool locate();  // opens the segment that holds position_ + 1
  bool open_segment(uint64_t number);
  bool advance();                       // to the next segment on disk
  std::optional<uint64_t> following();  // its number
  bool look();                          // through the directory: whether to read on there
  bool following_written();             // whether the segment after this one holds a record
  bool producer_changed();              // another producer opened the directory since we looked
  uint64_t first_of(uint64_t number) const;

  const Fd dir_;
  Looked looked_;  // since scan_ was opened
  Fd following_;   // as found then; none: there is none
  Id id_{};
  uint32_t generation_ = 0;
  uint64_t base_ = 0;
  uint64_t position_;
  std::optional<Scan> scan_;  // of segment number_, at offset_
  uint64_t number_ = 0;
  uint64_t offset_ = 0;
  uint64_t seen_ = 0;                                  // highest sequence met, delivered or passed over
  event::GapReason why_ = event::GapReason::kDamaged;  // why the next record may not be the expected one
  uint64_t pending_position_ = 0;                      // what consume() makes of position_ and offset_
  uint64_t pending_offset_ = 0;
  EncodedGap gap_;
};

}  // namespace nnoe::journal
