// SPDX-License-Identifier: MPL-2.0
// Makes names sections. Everything here may throw std::bad_alloc and std::length_error.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shm/tables/name_key.h"
#include "shm/tables/names_layout.h"

namespace nnoe::tables {

// The lists of one name: `here` of queries for the name itself, `below` of those for anything below it.
struct Membership {
  names::Lists here{};
  names::Lists below{};

  void set(uint32_t list, Listed listed) noexcept {
    const uint64_t bit = uint64_t{1} << list % 64;
    uint64_t& own = here.bits[list / 64];
    uint64_t& deep = below.bits[list / 64];
    own = listed == Listed::kExact || listed == Listed::kSubtree ? own | bit : own & ~bit;
    deep = listed == Listed::kBelow || listed == Listed::kSubtree ? deep | bit : deep & ~bit;
  }
  Listed get(uint32_t list) const noexcept {
    const bool own = (here.bits[list / 64] >> list % 64 & 1) != 0;
    if ((below.bits[list / 64] >> list % 64 & 1) != 0) return own ? Listed::kSubtree : Listed::kBelow;
    return own ? Listed::kExact : Listed::kNo;
  }
  bool empty() const noexcept;
};

// Takes names in the order of their keys, each once, and lays the section out. Memory while building: the
// section and 2 bytes a name.
class NamesWriter {
 public:
  NamesWriter();
  // With that hash secret if it will do, so that a delta shares its base's hashes.
  explicit NamesWriter(const uint64_t* secret);
  // Makes room for so many names of so many bytes in wire form, in all.
  void reserve(uint64_t count, uint64_t bytes);
  // An empty membership is a name that is on no list any more: for deltas.
  void push(const NameKey& key, const Membership& membership);
  std::vector<uint8_t> finish();

 private:
  struct Placing;
  uint16_t intern(const names::Lists& lists);
  uint16_t& id_of(const names::Lists& lists) noexcept;
  void append(const NameKey& key, uint32_t flags, uint16_t here, uint16_t below);
  void set_root(uint32_t flags, uint16_t here, uint16_t below) noexcept;
  bool place();
  void draw() noexcept;

  struct Record {
    uint8_t flags;
    uint8_t common;  // labels in common with the one before
  };
  std::vector<uint8_t> body_;
  std::vector<Record> records_;
  std::vector<names::Lists> lists_;
  std::vector<uint16_t> ids_;  // by hash, open, at most half of it in use: 1 + place in lists_; 0: free
  NameKey last_;
  bool any_ = false;
  uint16_t last_id_ = 0;
  names::Header header_{};
};

// The same for names in any order, kept in memory: for tests and small tables.
class NamesBuilder {
 public:
  // False: not a name in wire form, or no list that there can be. Any letter case.
  bool set(const uint8_t* wire, size_t size, uint32_t list, Listed listed);
  // Deltas: the name has an entry even if it is on no list.
  bool touch(const uint8_t* wire, size_t size);
  std::vector<uint8_t> build(const uint64_t* secret = nullptr) const;
  const std::map<std::string, Membership>& entries() const noexcept { return entries_; }  // by key

 private:
  std::map<std::string, Membership> entries_;
};

}  // namespace nnoe::tables
