// SPDX-License-Identifier: MPL-2.0
// Which keys come most often in a stream, in bounded memory whatever the keys are: counters for some keys;
// when there are too many, as many as half of them have is taken from all, and those left with nothing go
// (Misra and Gries, in the batches of Anderson et al., IMC 2017). Choose it for rankings; it misses no key
// whose weight is above error().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nnoe::tables {

class HeavyHitters {
 public:
  static constexpr size_t kSlots = 4096;  // a power of 2
  static constexpr size_t kMost = kSlots * 3 / 4;
  static constexpr size_t kMaxKey = 255;  // bytes

  // Of a key with what was added for it: at least `count`, at most error() more.
  struct Entry {
    std::string_view key;  // into the object; until it is changed
    uint64_t count;
  };

  // `secret`: nobody who sends keys may know it, or all of them could be made to collide.
  explicit HeavyHitters(uint64_t secret);

  // Up to kMaxKey bytes; longer keys count by their beginning. Amortized constant time.
  void add(std::string_view key, uint64_t weight);
  void clear() noexcept;

  size_t size() const noexcept { return entries_.size(); }
  uint64_t error() const noexcept { return error_; }
  // Those with the largest counts, largest first; among equals in the order of their bytes.
  std::vector<Entry> top(size_t most) const;

 private:
  struct Counted {
    uint64_t hash;
    uint64_t count;
    uint32_t at;  // of the key in text_
    uint8_t size;
  };

  uint64_t hash(std::string_view key) const noexcept;
  std::string_view key(const Counted& entry) const noexcept;
  void purge();
  void place(uint32_t entry) noexcept;

  const uint64_t secret_;
  uint64_t error_ = 0;
  std::vector<uint16_t> slots_;  // number of an entry + 1; 0: free. Linear probing
  std::vector<Counted> entries_;
  std::vector<char> text_;
};

}  // namespace nnoe::tables
