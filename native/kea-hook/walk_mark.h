// SPDX-License-Identifier: MPL-2.0
// The file `walks` in the journal directory: which process walked which lease database, and which walks were
// asked for but have not ended. A reconfigure replaces this library within one process: it reads there that
// nothing needs to be walked again, or what does. A walk that a command needs outlives a killed process, too.
//
//   nnoe-walks 1
//   process <pid> <start time, clock ticks since boot>
//   database <hash of Kea's lease database string>
//   pending <cause> <subnet>        (any number of times)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shm/gen/event_fields.h"

namespace nnoe::hook {

struct WalkRange {
  event::WalkCause cause;
  uint32_t subnet_id;  // 0: every subnet
};

struct WalkMark {
  uint64_t pid = 0;
  uint64_t start_time = 0;
  uint64_t database = 0;
  std::vector<WalkRange> pending;
};

// A file that is absent, damaged or of another version gives the empty mark.
WalkMark read_mark(const std::string& directory);
// Replaces the file as a whole. False when it could not be written; errno says why.
bool write_mark(const std::string& directory, const WalkMark& mark);

// This process and `database`, nothing pending.
WalkMark mark_of_this_process(const std::string& database);

}  // namespace nnoe::hook
