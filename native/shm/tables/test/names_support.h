// SPDX-License-Identifier: MPL-2.0
// What tests about names share: bodies in aligned memory, names from text, a simple table to compare with.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "shm/tables/names_builder.h"

namespace nnoe::test {

using namespace nnoe::tables;

// A copy of a section's body as lookups expect it, with exactly the slack that is promised behind its end.
class AlignedBody {
 public:
  explicit AlignedBody(const std::vector<uint8_t>& bytes)
      : memory_(static_cast<uint8_t*>(std::aligned_alloc(64, (bytes.size() + kBodySlack + 63) / 64 * 64)),
                std::free),
        size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
    std::memset(memory_.get() + size_, 0xee, kBodySlack);
  }
  Body get() const { return {memory_.get(), size_}; }
  uint8_t* data() { return memory_.get(); }

 private:
  std::unique_ptr<uint8_t, void (*)(void*)> memory_;
  size_t size_;
};

// "www.example.com" in wire form; "" is the root. Any bytes but dots may be in labels.
std::string wire(const std::string& text);

// The answer of a walk: depth and lists, from the top down; levels without a list, which a walk may visit,
// left out.
using Levels = std::vector<std::pair<size_t, names::Lists>>;

// Names in a map by wire form, looked up suffix by suffix.
class Reference {
 public:
  void set(const std::string& name, uint32_t list, Listed listed) { entries_[name].set(list, listed); }
  Levels walk(const std::string& name) const;
  const std::map<std::string, Membership>& entries() const { return entries_; }

 private:
  std::map<std::string, Membership> entries_;
};

Levels walk_of(const Names& table, const std::string& name);
Levels walk_of(const Names* base, const Names* delta, const std::string& name);

// A name in wire form of labels from a small alphabet, so that suffixes are often shared; sometimes the
// longest there can be, sometimes with any bytes at all.
std::string random_name(std::mt19937_64& random);
// The same name with letters in other cases.
std::string mixed_case(std::mt19937_64& random, std::string name);

}  // namespace nnoe::test
