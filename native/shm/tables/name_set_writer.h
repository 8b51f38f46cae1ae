// SPDX-License-Identifier: MPL-2.0
// Makes a set file of names that come in any order, and more than once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/tables/name_merge.h"
#include "shm/tables/name_set.h"

namespace nnoe::tables {

// Sorts in memory, and beyond `memory` bytes on disk: what it takes does not grow with the list. One thread.
// About 0.4 us a name.
class NameSetWriter {
 public:
  static constexpr size_t kMemory = size_t{64} << 20;  // bytes: names and 16 for each

  // Files are made beside `path` and removed again; `path` itself comes last, complete.
  explicit NameSetWriter(std::string path, size_t memory = kMemory);
  ~NameSetWriter();
  NameSetWriter(const NameSetWriter&) = delete;
  NameSetWriter& operator=(const NameSetWriter&) = delete;

  // Any letter case. Of one name a subtree holds more than an exact entry; kNo takes the name off, whatever
  // else is said of it before or after. False: not a name in wire form, nothing is added. A full disk is told
  // by finish().
  bool add(const uint8_t* wire, size_t size, Listed listed);
  uint64_t added() const noexcept { return added_; }  // with repetitions
  // Null: `error` says why.
  std::shared_ptr<const NameSetFile> finish(Error& error);

 private:
  struct Item {
    uint64_t window;  // 8 bytes of the key, the first one highest
    uint32_t offset;
    uint8_t size;
    Listed listed;
  };
  static_assert(sizeof(Item) == 16);
  class Sorted;

  void sort(Item* begin, Item* end, size_t depth);
  void sort_all();
  bool spill();
  bool write(NameMerge& merge, const std::string& path, bool last, std::shared_ptr<const NameSetFile>& file);

  std::string path_;
  size_t memory_;
  std::vector<uint8_t> keys_;
  std::vector<Item> items_;
  std::vector<std::shared_ptr<const NameSetFile>> runs_;
  uint64_t added_ = 0;
  Error error_;
  bool failed_ = false;
};

}  // namespace nnoe::tables
