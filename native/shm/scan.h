// SPDX-License-Identifier: MPL-2.0
// Walks the records of one segment file. The one parser of that format: recovery, readers and the fuzzer use
// it. It reads the file instead of mapping it, so that a file cut short under it is an answer, not a SIGBUS,
// and checks every record on its own copy.
#pragma once

#include <cstdint>
#include <vector>

#include "shm/files.h"
#include "shm/layout.h"

namespace nnoe::journal {

enum class Found {
  kRecord,
  kEnd,      // nothing further will come in this segment
  kNothing,  // commit word 0: not written yet
  kDamaged,
};

// `payload` is valid until the next call.
struct Record {
  uint64_t seq = 0;
  const uint8_t* payload = nullptr;
  uint32_t size = 0;
  uint8_t kind = 0;
  uint64_t offset = 0;
  uint64_t next = 0;
};

class Scan {
 public:
  explicit Scan(Fd fd);
  Scan(Scan&&) = default;
  Scan& operator=(Scan&&) = default;

  int fd() const noexcept { return fd_.get(); }
  uint64_t size() const noexcept { return size_; }

  // What stands at `offset` (a multiple of kAlign) now: anything but a record is read twice, since the
  // producer may be writing it.
  Found at(uint64_t offset, Record& record);

  // The first valid record at or after `from` with min_seq <= seq <= max_seq. Bounded: after checksumming a
  // few times the segment's size in vain it gives up, which only a segment made for that purpose reaches.
  bool find(uint64_t from, uint64_t min_seq, uint64_t max_seq, Record& record);

  // Whether every byte from `from` on is zero.
  bool zero_from(uint64_t from);

 private:
  bool holds(uint64_t offset, uint64_t bytes) const noexcept {
    return offset >= start_ && offset + bytes <= start_ + filled_;
  }
  void fill(uint64_t offset, uint64_t bytes);
  uint64_t word(uint64_t offset) const noexcept;
  Found parse(uint64_t offset, Record& record);

  Fd fd_;
  uint64_t size_ = 0;
  std::vector<uint8_t> window_;  // bytes start_ .. start_ + filled_ of the file
  uint64_t start_ = 0;
  uint64_t filled_ = 0;
  uint64_t chunk_;  // how much to read at once: little at the live end, much while catching up
};

}  // namespace nnoe::journal
