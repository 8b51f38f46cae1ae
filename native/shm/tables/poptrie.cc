// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/poptrie.h"

#include <algorithm>

namespace nnoe::tables {
namespace {

// Below the lookups stand once, and are compiled twice: for any processor, and for one that counts bits
// itself.
#define NNOE_INLINE __attribute__((always_inline)) inline

NNOE_INLINE uint32_t ones_below(uint64_t bits, uint64_t slot) noexcept {
  return static_cast<uint32_t>(__builtin_popcountll(bits & ((uint64_t{1} << slot) - 1)));
}

NNOE_INLINE uint16_t leaf_of(const Poptrie& trie, const PoptrieNode& node, uint64_t slot) noexcept {
  // The bit at or below `slot` that stands highest marks the leaf.
  const uint64_t kept = node.leaves << (~slot & 63);
  return trie.leaves[node.first_leaf + static_cast<uint32_t>(__builtin_popcountll(kept)) - 1];
}

// Goes down by the bits of `window`, from the top; when kBounded, `windows` nodes at most. True with the
// answer in `value`, false with the node to go on with in `entry`.
template <bool kBounded>
NNOE_INLINE bool descend(const Poptrie& trie, uint64_t window, uint32_t windows, uint32_t& entry,
                         uint16_t& value) noexcept {
  do {
    const PoptrieNode& node = trie.nodes[entry];
    const uint64_t slot = window >> (64 - kStride);
    window <<= kStride;
    if ((node.children >> slot & 1) == 0) {
      value = leaf_of(trie, node, slot);
      return true;
    }
    entry = node.first_child + ones_below(node.children, slot);
  } while (!kBounded || --windows != 0);
  return false;
}

NNOE_INLINE uint16_t find4(const Poptrie& trie, uint64_t high) noexcept {
  uint32_t entry = trie.root[high >> (64 - trie.root_bits)];
  auto value = static_cast<uint16_t>(entry);
  if ((entry & kRootLeaf) == 0) descend<false>(trie, high << trie.root_bits, 0, entry, value);
  return value;
}

NNOE_INLINE uint16_t find6(const Poptrie& trie, uint64_t high, uint64_t low) noexcept {
  uint32_t entry = trie.root[high >> (64 - trie.root_bits)];
  auto value = static_cast<uint16_t>(entry);
  if ((entry & kRootLeaf) != 0) return value;
  const uint32_t windows = trie.root_bits == 16 ? 8 : (64 - trie.root_bits) / kStride;
  if (!descend<true>(trie, high << trie.root_bits, windows, entry, value))
    descend<false>(trie, low, 0, entry, value);
  return value;
}

uint16_t find4_any(const Poptrie& trie, uint64_t high, uint64_t /*low*/) noexcept {
  return find4(trie, high);
}

#if defined(__x86_64__)
__attribute__((target("popcnt,bmi,bmi2"))) uint16_t find4_bmi(const Poptrie& trie, uint64_t high,
                                                              uint64_t /*low*/) noexcept {
  return find4(trie, high);
}
__attribute__((target("popcnt,bmi,bmi2"))) uint16_t find6_bmi(const Poptrie& trie, uint64_t high,
                                                              uint64_t low) noexcept {
  return find6(trie, high, low);
}
bool counts_bits() noexcept {
  return __builtin_cpu_supports("popcnt") != 0 && __builtin_cpu_supports("bmi") != 0 &&
         __builtin_cpu_supports("bmi2") != 0;
}
#endif

bool good_value(uint16_t value, const Limits& limits, bool delta) noexcept {
  return value < limits.role_sets || value == kAbsent || (delta && value == kRemoved);
}

// One node: what it points to is there, and each slot that is a leaf has one.
bool good_node(const Poptrie& trie, uint32_t number) noexcept {
  const PoptrieNode& node = trie.nodes[number];
  const auto children = static_cast<uint32_t>(__builtin_popcountll(node.children));
  const auto leaves = static_cast<uint32_t>(__builtin_popcountll(node.leaves));
  if (uint64_t{node.first_leaf} + leaves > trie.leaf_count) return false;
  if (children != 0 && node.first_child <= number) return false;
  if (uint64_t{node.first_child} + children > trie.node_count) return false;
  if (node.children == ~uint64_t{0}) return true;
  // The first slot that is a leaf has a kept one at or before it; so have all behind it.
  const auto first = static_cast<uint32_t>(__builtin_ctzll(~node.children));
  return (node.leaves << (63 - first)) != 0;
}

}  // namespace

uint16_t poptrie_find6_portable(const Poptrie& trie, uint64_t high, uint64_t low) noexcept {
  return find6(trie, high, low);
}

PoptrieFind poptrie_find4() noexcept {
#if defined(__x86_64__)
  if (counts_bits()) return find4_bmi;
#endif
  return find4_any;
}

PoptrieFind poptrie_find6() noexcept {
#if defined(__x86_64__)
  if (counts_bits()) return find6_bmi;
#endif
  return poptrie_find6_portable;
}

bool Poptrie::check(uint32_t address_bits, const Limits& limits, bool delta, std::string& why) const {
  for (uint32_t i = 0; i < leaf_count; ++i)
    if (!good_value(leaves[i], limits, delta))
      return why = "a role set that the registry does not have", false;
  // How many nodes lie above each, at most; parents stand before their children.
  const uint32_t deepest = (address_bits - root_bits + kStride - 1) / kStride;
  std::vector<uint8_t> above(node_count, 0);
  for (uint32_t i = 0; i < uint32_t{1} << root_bits; ++i) {
    if ((root[i] & kRootLeaf) == 0 && root[i] >= node_count)
      return why = "a root entry without a node", false;
    if ((root[i] & kRootLeaf) != 0 && !good_value(static_cast<uint16_t>(root[i]), limits, delta))
      return why = "a role set that the registry does not have", false;
  }
  for (uint32_t i = 0; i < node_count; ++i) {
    if (!good_node(*this, i)) return why = "a node that points outside or back", false;
    const auto children = static_cast<uint32_t>(__builtin_popcountll(nodes[i].children));
    if (children == 0) continue;
    if (above[i] + 1u >= deepest) return why = "deeper than an address is long", false;
    for (uint32_t child = nodes[i].first_child; child < nodes[i].first_child + children; ++child)
      above[child] = std::max<uint8_t>(above[child], static_cast<uint8_t>(above[i] + 1));
  }
  return true;
}

}  // namespace nnoe::tables
