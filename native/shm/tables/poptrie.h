// SPDX-License-Identifier: MPL-2.0
// Longest-prefix match by a poptrie (Asai and Ohara, SIGCOMM 2015): a direct root of 4, 10 or 16 bits, then 6
// bits a node. Prefixes are pushed down to leaves, so that the deepest leaf is the answer and nothing is
// remembered on the way. Good for thousands of subnets; single addresses belong into hosts.h.
#pragma once

#include <string>
#include <vector>

#include "shm/tables/bytes.h"
#include "shm/tables/mapping.h"
#include "shm/tables/registry.h"

namespace nnoe::tables {

constexpr uint32_t kStride = 6;
constexpr uint32_t kRootLeaf = 0x80000000u;  // in a root entry: the low 16 bits are the answer

// Slot s of 64 is a child when bit s of `children` is set, else a leaf. Children stand one after the other.
// Of leaves that repeat the leaf before them only the first is kept: bit s of `leaves` marks those that are.
struct PoptrieNode {
  uint64_t children;
  uint64_t leaves;
  uint32_t first_child;
  uint32_t first_leaf;
};
static_assert(sizeof(PoptrieNode) == 24);

// One family's trie, as it lies in a section.
struct Poptrie {
  const uint32_t* root = nullptr;  // 1 << root_bits entries: kRootLeaf | value, or number of a node
  const PoptrieNode* nodes = nullptr;
  const uint16_t* leaves = nullptr;
  uint32_t root_bits = 0;  // 4, 10 or 16, so that no 6 bits lie across two words of an address
  uint32_t node_count = 0;
  uint32_t leaf_count = 0;

  // Whether no lookup can leave the arrays, loop, or give a value that is neither a role set nor kAbsent
  // (nor, in a delta, kRemoved). Children stand behind their parents, and none is deeper than `address_bits`
  // need.
  bool check(uint32_t address_bits, const Limits& limits, bool delta, std::string& why) const;
};

using PoptrieFind = uint16_t (*)(const Poptrie& trie, uint64_t high, uint64_t low) noexcept;

// The lookups for this processor; the first looks at 32 bits of `high` alone.
PoptrieFind poptrie_find4() noexcept;
PoptrieFind poptrie_find6() noexcept;
// What other processors run, for comparison.
uint16_t poptrie_find6_portable(const Poptrie& trie, uint64_t high, uint64_t low) noexcept;

struct PoptrieArrays {
  uint32_t root_bits = 4;
  std::vector<uint32_t> root;
  std::vector<PoptrieNode> nodes;
  std::vector<uint16_t> leaves;
};

// `prefixes` in the order of `before`, each once.
PoptrieArrays build_poptrie(const std::vector<Mapping>& prefixes);

}  // namespace nnoe::tables
