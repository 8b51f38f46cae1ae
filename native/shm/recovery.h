// SPDX-License-Identifier: MPL-2.0
// Opens a journal directory for writing: takes the lock, finds where writing goes on, repairs what a killed
// process or a damaged disk left. Nothing read from the directory is trusted.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shm/files.h"
#include "shm/gap.h"
#include "shm/producer.h"
#include "shm/segment.h"

namespace nnoe::journal {

struct SegmentInfo {
  uint64_t number = 0;
  uint64_t first_seq = 0;  // its last is the next segment's first - 1
  uint64_t bytes = 0;
};

struct Opened {
  Fd dir, lock, wake, bell;
  Id id{};
  layout::Meta meta{};
  uint64_t next_seq = 0;
  std::deque<SegmentInfo> segments;  // ascending; the last is the active one when `active` is set
  Mapping active;                    // none: `next_number` is to be created
  uint64_t offset = 0;               // in `active`
  uint64_t next_number = 1;
  std::optional<Gap> gap;  // to be written before anything else
  std::vector<std::pair<Event, std::string>> reports;
};

// Empty, with `error`, when the journal cannot be written now.
std::optional<Opened> open_journal(const Options& options, Error& error);

}  // namespace nnoe::journal
