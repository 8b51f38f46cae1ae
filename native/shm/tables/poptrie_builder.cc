// SPDX-License-Identifier: MPL-2.0
#include <algorithm>
#include <stdexcept>

#include "shm/tables/poptrie.h"

namespace nnoe::tables {
namespace {

// A root of 16 bits saves a node on the way and costs 256 KiB; it is taken from so many prefixes on.
constexpr size_t kLargeRoot = 2048;
constexpr uint32_t kSlots = 1u << kStride;
constexpr uint32_t kMostNodes = kRootLeaf - 1;

class Builder {
 public:
  explicit Builder(const std::vector<Mapping>& prefixes) : prefixes_(prefixes) {
    made_.root_bits = prefixes.empty() ? 4 : prefixes.size() < kLargeRoot ? 10 : 16;
  }

  PoptrieArrays build() {
    const uint32_t slots = 1u << made_.root_bits;
    std::vector<Slot> parts(slots, Slot{kAbsent, 0, 0});
    spread(0, prefixes_.size(), 0, made_.root_bits, parts.data());
    made_.root.resize(slots);
    for (uint32_t i = 0; i < slots; ++i) {
      if (parts[i].begin == parts[i].end) {
        made_.root[i] = kRootLeaf | parts[i].value;
        continue;
      }
      const auto node = static_cast<uint32_t>(made_.nodes.size());
      made_.root[i] = node;
      made_.nodes.emplace_back();
      fill(node, parts[i], made_.root_bits);
    }
    return std::move(made_);
  }

 private:
  // One slot of a node: what its addresses get from shorter prefixes, and the longer ones inside it.
  struct Slot {
    uint16_t value;
    size_t begin;
    size_t end;
  };

  static uint64_t bits_at(const Mapping& prefix, uint32_t depth, uint32_t count) noexcept {
    return depth < 64 ? prefix.high << depth >> (64 - count) : prefix.low << (depth - 64) >> (64 - count);
  }

  // Deals prefixes [begin, end) out to the slots of a node that looks at `count` bits from `depth` on. A
  // prefix comes before those inside it, so that later ones rightly paint over earlier ones.
  void spread(size_t begin, size_t end, uint32_t depth, uint32_t count, Slot* slots) const {
    for (size_t i = begin; i < end; ++i) {
      const Mapping& prefix = prefixes_[i];
      const uint64_t slot = bits_at(prefix, depth, count);
      if (prefix.length > depth + count) {
        if (slots[slot].begin == slots[slot].end) slots[slot].begin = i;
        slots[slot].end = i + 1;
        continue;
      }
      const uint64_t width = uint64_t{1} << (depth + count - prefix.length);
      for (uint64_t s = slot; s < slot + width; ++s) slots[s].value = prefix.value;
    }
  }

  void fill(uint32_t number, const Slot& from, uint32_t depth) {
    Slot slots[kSlots];
    std::fill_n(slots, kSlots, Slot{from.value, 0, 0});
    spread(from.begin, from.end, depth, kStride, slots);
    PoptrieNode node{0, 0, 0, static_cast<uint32_t>(made_.leaves.size())};
    for (uint32_t i = 0; i < kSlots; ++i) {
      if (slots[i].begin != slots[i].end) {
        node.children |= uint64_t{1} << i;
      } else if (node.leaves == 0 || made_.leaves.back() != slots[i].value) {
        node.leaves |= uint64_t{1} << i;
        made_.leaves.push_back(slots[i].value);
      }
    }
    const auto children = static_cast<uint32_t>(__builtin_popcountll(node.children));
    node.first_child = children == 0 ? 0 : static_cast<uint32_t>(made_.nodes.size());
    if (made_.nodes.size() + children > kMostNodes)
      throw std::length_error("too many prefixes for one table");
    made_.nodes.resize(made_.nodes.size() + children);
    made_.nodes[number] = node;
    uint32_t child = node.first_child;
    for (const Slot& slot : slots)
      if (slot.begin != slot.end) fill(child++, slot, depth + kStride);
  }

  const std::vector<Mapping>& prefixes_;
  PoptrieArrays made_;
};

}  // namespace

PoptrieArrays build_poptrie(const std::vector<Mapping>& prefixes) { return Builder(prefixes).build(); }

}  // namespace nnoe::tables
