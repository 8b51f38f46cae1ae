// SPDX-License-Identifier: MPL-2.0
// What came of many records, in memory that does not grow with them.
#pragma once

#include <vector>

#include "shm/tables/decisions.h"
#include "shm/tables/heavy.h"

namespace nnoe::tables {

// Whether the client did not get what it asked for. A truncated answer has it ask again over TCP, a pool is
// another server.
constexpr bool blocks(Act act) noexcept {
  return act == Act::kDrop || act == Act::kNxdomain || act == Act::kRefused || act == Act::kNodata ||
         act == Act::kRedirect;
}

// A uniform sample of records (reservoir), each as in a ring.
class RecordSample {
 public:
  static constexpr size_t kMost = 1024;

  void add(const uint8_t* record, size_t bytes, uint64_t random);
  void clear() noexcept;
  uint64_t seen() const noexcept { return seen_; }
  size_t size() const noexcept { return count_; }
  const uint8_t* operator[](size_t i) const noexcept { return bytes_.data() + i * kMaxRecord; }

 private:
  std::vector<uint8_t> bytes_;
  size_t count_ = 0;
  uint64_t seen_ = 0;
};

struct Gathered {
  explicit Gathered(uint64_t secret);

  // `bytes` of whole records as DecisionReader gives them. What is older than `since_us` is passed over.
  // `weight`: decisions that each stands for.
  void take(const uint8_t* records, size_t bytes, uint32_t weight, uint64_t since_us);
  void clear() noexcept;

  uint64_t records = 0;  // that were read
  uint64_t lost = 0;     // overwritten before they were read
  uint64_t damaged = 0;  // places whose rest was no record
  HeavyHitters names;    // in wire form, lower case
  HeavyHitters clients;  // 4 or 16 bytes
  HeavyHitters blocked_names;
  HeavyHitters blocked_clients;
  RecordSample all;
  RecordSample blocked;

 private:
  uint64_t random() noexcept;
  uint64_t random_;
};

}  // namespace nnoe::tables
