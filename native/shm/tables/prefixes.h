// SPDX-License-Identifier: MPL-2.0
// Subnets to role sets: the longest prefix that holds an address decides. A trie (poptrie.h) for the query
// path, and the prefixes themselves in order, for people who ask why.
#pragma once

#include "shm/tables/poptrie.h"

namespace nnoe::tables {

struct PrefixesFamily {
  uint32_t root_bits;
  uint32_t nodes;
  uint32_t leaves;
  uint32_t entries;
};

// First bytes of the body. Then, each at the next multiple of 64: root, nodes and leaves of IPv4, the same of
// IPv6, the entries of IPv4, those of IPv6; the body ends at a multiple of 64.
struct PrefixesHeader {
  PrefixesFamily family[kFamilies];
  uint32_t delta;  // 1: kRemoved may occur
  uint32_t zero[7];
};
static_assert(sizeof(PrefixesHeader) == 64);

// Entries stand in order of address and length, each once; bits behind the length are 0.
struct PrefixEntry4 {
  uint32_t address;
  uint16_t value;
  uint8_t length;
  uint8_t zero;
};
struct PrefixEntry6 {
  uint8_t address[16];
  uint16_t value;
  uint8_t length;
  uint8_t zero;
};
static_assert(sizeof(PrefixEntry4) == 8 && sizeof(PrefixEntry6) == 20);

struct Match {
  uint8_t length;
  uint16_t role_set;
};

class Prefixes {
 public:
  static bool open(Body body, const Limits& limits, Prefixes& out, std::string& why);

  // Role set, or kAbsent. What a delta finds is final: it holds the whole of each changed prefix, and
  // kRemoved where no prefix is left. `address` in the machine's order; 16 bytes in network order.
  uint16_t find4(uint32_t address) const noexcept { return find4_(tries_[0], uint64_t{address} << 32, 0); }
  uint16_t find6(const uint8_t* address) const noexcept {
    uint64_t words[2];
    __builtin_memcpy(words, address, sizeof words);
    return find6_(tries_[1], __builtin_bswap64(words[0]), __builtin_bswap64(words[1]));
  }
  void prefetch4(uint32_t address) const noexcept {
    __builtin_prefetch(tries_[0].root + (address >> (32 - tries_[0].root_bits)));
  }

  // The prefix that gives find4 or find6 its answer; false when that is none (also: kRemoved). Slow, a binary
  // search for every length. `bytes` is 4 or 16, in network order.
  bool longest(const uint8_t* address, size_t bytes, Match& match) const noexcept;

  size_t size(Family family) const noexcept { return counts_[static_cast<size_t>(family)]; }
  bool is_delta() const noexcept { return delta_; }
  std::vector<Mapping> entries(Family family) const;  // in order

 private:
  Mapping entry(Family family, size_t number) const noexcept;
  bool check_entries(Family family, const Limits& limits) const noexcept;

  Poptrie tries_[kFamilies];
  PoptrieFind find4_ = nullptr;
  PoptrieFind find6_ = nullptr;
  const PrefixEntry4* entries4_ = nullptr;
  const PrefixEntry6* entries6_ = nullptr;
  uint32_t counts_[kFamilies] = {};
  bool delta_ = false;
};

// One family of a section. Both in the order of `before`, each prefix once.
struct PrefixesInput {
  const std::vector<Mapping>& painted;  // into the trie; in a delta kRemoved where no prefix is left
  const std::vector<Mapping>& listed;   // for longest(); a base's are those that it paints
};

// A section's body.
Bytes build_prefixes(const PrefixesInput& v4, const PrefixesInput& v6, bool delta);

}  // namespace nnoe::tables
