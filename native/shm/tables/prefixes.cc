// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/prefixes.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace nnoe::tables {
namespace {

// Where the parts of a body begin, from the counts of its header.
struct Parts {
  size_t root[kFamilies];
  size_t nodes[kFamilies];
  size_t leaves[kFamilies];
  size_t entries[kFamilies];
  size_t end;
};

Parts parts_of(const PrefixesHeader& header) noexcept {
  Parts parts{};
  size_t at = sizeof header;
  const auto place = [&](size_t count, size_t bytes) {
    const size_t begin = at;
    at += aligned(count * bytes);
    return begin;
  };
  for (uint32_t f = 0; f < kFamilies; ++f) {
    const PrefixesFamily& family = header.family[f];
    parts.root[f] = place(size_t{1} << family.root_bits, sizeof(uint32_t));
    parts.nodes[f] = place(family.nodes, sizeof(PoptrieNode));
    parts.leaves[f] = place(family.leaves, sizeof(uint16_t));
  }
  parts.entries[0] = place(header.family[0].entries, sizeof(PrefixEntry4));
  parts.entries[1] = place(header.family[1].entries, sizeof(PrefixEntry6));
  parts.end = at;
  return parts;
}

bool is_root(uint32_t bits) noexcept { return bits == 4 || bits == 10 || bits == 16; }

PrefixEntry6 entry6_of(const Mapping& prefix) noexcept {
  PrefixEntry6 entry{};
  const uint64_t words[2] = {__builtin_bswap64(prefix.high), __builtin_bswap64(prefix.low)};
  std::memcpy(entry.address, words, sizeof words);
  entry.value = prefix.value;
  entry.length = prefix.length;
  return entry;
}

template <class T>
void copy_to(Bytes& body, size_t at, const std::vector<T>& from) noexcept {
  if (!from.empty()) std::memcpy(body.data() + at, from.data(), from.size() * sizeof(T));
}

}  // namespace

bool Prefixes::open(Body body, const Limits& limits, Prefixes& out, std::string& why) {
  PrefixesHeader header{};
  if (body.size < sizeof header) return why = "shorter than its header", false;
  std::memcpy(&header, body.data, sizeof header);
  if (!is_root(header.family[0].root_bits) || !is_root(header.family[1].root_bits) || header.delta > 1)
    return why = "a header that cannot be one", false;
  const Parts parts = parts_of(header);
  if (parts.end != body.size) return why = "its size is not what its header says", false;
  Prefixes made;
  made.delta_ = header.delta != 0;
  for (uint32_t f = 0; f < kFamilies; ++f) {
    Poptrie& trie = made.tries_[f];
    trie.root = reinterpret_cast<const uint32_t*>(body.data + parts.root[f]);
    trie.nodes = reinterpret_cast<const PoptrieNode*>(body.data + parts.nodes[f]);
    trie.leaves = reinterpret_cast<const uint16_t*>(body.data + parts.leaves[f]);
    trie.root_bits = header.family[f].root_bits;
    trie.node_count = header.family[f].nodes;
    trie.leaf_count = header.family[f].leaves;
    made.counts_[f] = header.family[f].entries;
    if (!trie.check(kAddressBits[f], limits, made.delta_, why)) return false;
  }
  made.entries4_ = reinterpret_cast<const PrefixEntry4*>(body.data + parts.entries[0]);
  made.entries6_ = reinterpret_cast<const PrefixEntry6*>(body.data + parts.entries[1]);
  if (!made.check_entries(Family::kV4, limits) || !made.check_entries(Family::kV6, limits))
    return why = "prefixes out of order, or one that cannot be", false;
  made.find4_ = poptrie_find4();
  made.find6_ = poptrie_find6();
  out = made;
  return true;
}

Mapping Prefixes::entry(Family family, size_t number) const noexcept {
  if (family == Family::kV4) {
    const PrefixEntry4& found = entries4_[number];
    return {uint64_t{found.address} << 32, 0, found.value, found.length};
  }
  const PrefixEntry6& found = entries6_[number];
  uint64_t words[2];
  std::memcpy(words, found.address, sizeof words);
  return {__builtin_bswap64(words[0]), __builtin_bswap64(words[1]), found.value, found.length};
}

bool Prefixes::check_entries(Family family, const Limits& limits) const noexcept {
  Mapping last{};
  for (size_t i = 0; i < size(family); ++i) {
    const Mapping found = entry(family, i);
    if (found.length > kAddressBits[static_cast<size_t>(family)] || found.value >= limits.role_sets)
      return false;
    const Mapping whole = prefix_of(found.high, found.low, found.length);
    if (whole.high != found.high || whole.low != found.low) return false;
    if (i > 0 && !before(last, found)) return false;
    last = found;
  }
  return true;
}

bool Prefixes::longest(const uint8_t* address, size_t bytes, Match& match) const noexcept {
  if (bytes != 4 && bytes != 16) return false;
  const Family family = bytes == 4 ? Family::kV4 : Family::kV6;
  uint64_t words[2] = {0, 0};
  std::memcpy(words, address, bytes);
  const uint64_t high = __builtin_bswap64(words[0]);
  const uint64_t low = __builtin_bswap64(words[1]);
  const uint16_t answer = family == Family::kV4 ? find4(static_cast<uint32_t>(high >> 32)) : find6(address);
  if (answer == kAbsent || answer == kRemoved) return false;
  for (int length = kAddressBits[static_cast<size_t>(family)]; length >= 0; --length) {
    const Mapping wanted = prefix_of(high, low, static_cast<uint8_t>(length));
    size_t begin = 0;
    for (size_t end = size(family); begin < end;) {
      const size_t middle = begin + (end - begin) / 2;
      if (before(entry(family, middle), wanted))
        begin = middle + 1;
      else
        end = middle;
    }
    if (begin == size(family)) continue;
    const Mapping found = entry(family, begin);
    if (before(wanted, found)) continue;
    match = {found.length, found.value};
    return true;
  }
  return false;
}

std::vector<Mapping> Prefixes::entries(Family family) const {
  std::vector<Mapping> found(size(family));
  for (size_t i = 0; i < found.size(); ++i) found[i] = entry(family, i);
  return found;
}

Bytes build_prefixes(const PrefixesInput& v4, const PrefixesInput& v6, bool delta) {
  PrefixesHeader header{};
  const PrefixesInput* inputs[kFamilies] = {&v4, &v6};
  PoptrieArrays tries[kFamilies];
  for (uint32_t f = 0; f < kFamilies; ++f) {
    tries[f] = build_poptrie(inputs[f]->painted);
    header.family[f] = {tries[f].root_bits, static_cast<uint32_t>(tries[f].nodes.size()),
                        static_cast<uint32_t>(tries[f].leaves.size()),
                        static_cast<uint32_t>(inputs[f]->listed.size())};
  }
  header.delta = delta ? 1 : 0;
  const Parts parts = parts_of(header);
  Bytes body(parts.end);
  std::memcpy(body.data(), &header, sizeof header);
  for (uint32_t f = 0; f < kFamilies; ++f) {
    copy_to(body, parts.root[f], tries[f].root);
    copy_to(body, parts.nodes[f], tries[f].nodes);
    copy_to(body, parts.leaves[f], tries[f].leaves);
  }
  for (size_t i = 0; i < v4.listed.size(); ++i) {
    const Mapping& prefix = v4.listed[i];
    const PrefixEntry4 entry{static_cast<uint32_t>(prefix.high >> 32), prefix.value, prefix.length, 0};
    std::memcpy(body.data() + parts.entries[0] + i * sizeof entry, &entry, sizeof entry);
  }
  for (size_t i = 0; i < v6.listed.size(); ++i) {
    const PrefixEntry6 entry = entry6_of(v6.listed[i]);
    std::memcpy(body.data() + parts.entries[1] + i * sizeof entry, &entry, sizeof entry);
  }
  return body;
}

}  // namespace nnoe::tables
