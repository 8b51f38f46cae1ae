// SPDX-License-Identifier: MPL-2.0
// The host's end of decisions.h: copies by pread(2), never maps, and believes nothing that it reads. One
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/tables/bytes.h"
#include "shm/tables/decisions.h"

namespace nnoe::tables {

struct DecisionStatus {
  DecisionsHeader process;
  DecisionsStatus tables;  // `threads` at most kMaxSlots
};

class DecisionReader {
 public:
  // Files of a directory, by name: those of live processes and those that dead ones left.
  static bool list(const std::string& directory, std::vector<std::string>& names, std::string& why);
  // nullptr with the reason in `why` when it is not such a file.
  static std::unique_ptr<DecisionReader> open(const std::string& path, std::string& why);

  // Whether the process still holds its lock. Of a dead one: read() until it gives 0, then unlink().
  bool alive() const;
  void unlink() const;

  // The last state of the status page that was complete; false when there is none to be had (yet).
  bool status(DecisionStatus& out) const;
  // Adds up all slots: kCounters numbers in the order of decisions.h. They only grow while a process lives.
  bool counters(std::vector<uint64_t>& sums) const;

  // Records as they lie in the ring (DecisionRecord, address, name, zeros), one behind the other, each
  // checked. Up to `capacity` bytes, at least kRingBlock; returns how many. 0: nothing new. From one slot at
  // a time, in order; turns to the next with every call.
  size_t read(uint8_t* out, size_t capacity);

  uint64_t delivered() const noexcept { return delivered_; }  // records
  uint64_t lost() const noexcept { return lost_; }            // overwritten before they were read
  uint64_t damaged() const noexcept { return damaged_; }      // blocks whose rest was no record

 private:
  struct Place {
    uint64_t tail = 0;    // next byte to read
    uint64_t number = 0;  // of the record there
  };

  DecisionReader(journal::Fd fd, std::string path, const DecisionsHeader& header);
  uint64_t slot_at(size_t slot) const noexcept { return kPage + slot * header_.slot_bytes; }
  bool head(size_t slot, uint64_t& head) const noexcept;
  size_t read_slot(size_t slot, uint8_t* out, size_t capacity);
  size_t take(Place& place, size_t bytes, uint8_t* out);

  const journal::Fd fd_;
  const std::string path_;
  const DecisionsHeader header_;
  std::vector<Place> places_;
  Bytes block_;
  size_t next_ = 0;  // slot whose turn it is
  uint64_t delivered_ = 0;
  uint64_t lost_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace nnoe::tables
