// SPDX-License-Identifier: MPL-2.0
// The order in which names are stored and merged: by their labels from the top down, so that everything below
// a name follows right behind it. A key is the wire form with its labels in reverse: `www.example.com` is
// 3com7example3www0; bytes are compared as they are.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "shm/tables/layout.h"

namespace nnoe::tables {

// How a name stands on one list. A subtree holds its own top, too; kBelow is one without.
enum class Listed : uint8_t { kNo = 0, kExact = 1, kSubtree = 2, kBelow = 3 };

struct NameKey {
  uint8_t bytes[kMaxName];
  size_t size = 0;

  int compare(const NameKey& other) const noexcept {
    // The root label ends each, and no label begins with its 0: neither can be the beginning of the other.
    return std::memcmp(bytes, other.bytes, std::min(size, other.size));
  }
  std::string text() const { return {reinterpret_cast<const char*>(bytes), size}; }
};

inline void copy_key(NameKey& to, const NameKey& from) noexcept {
  std::memcpy(to.bytes, from.bytes, from.size);
  to.size = from.size;
}

// Turns wire form into a key, or a key into wire form. `from` is well-formed; `to` takes as many bytes.
inline void reverse_labels(const uint8_t* from, size_t size, uint8_t* to) noexcept {
  uint8_t* end = to + size - 1;
  *end = 0;
  for (const uint8_t* label = from; *label != 0; label += *label + 1) {
    end -= *label + 1;
    std::memcpy(end, label, *label + 1u);
  }
}

// False: not a name in wire form. Folds case.
bool make_key(const uint8_t* wire, size_t size, NameKey& key) noexcept;

// Whether labels and root label fill the key exactly.
inline bool is_key(const NameKey& key) noexcept {
  size_t at = 0;
  while (at < key.size && key.bytes[at] != 0) {
    if (key.bytes[at] > 63) return false;
    at += key.bytes[at] + 1u;
  }
  return at + 1 == key.size;
}

// Bytes that two keys have in common from the start; all of both when they are the same.
inline size_t common_bytes(const NameKey& a, const NameKey& b) noexcept {
  const size_t most = std::min(a.size, b.size);
  size_t at = 0;
  for (uint64_t words[2]; at + sizeof *words <= most; at += sizeof *words) {
    std::memcpy(words, a.bytes + at, sizeof *words);
    std::memcpy(words + 1, b.bytes + at, sizeof *words);
    if (words[0] != words[1]) return at + static_cast<size_t>(__builtin_ctzll(words[0] ^ words[1])) / 8;
  }
  while (at < most && a.bytes[at] == b.bytes[at]) ++at;
  return at;
}

}  // namespace nnoe::tables
