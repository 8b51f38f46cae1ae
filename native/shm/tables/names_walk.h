// SPDX-License-Identifier: MPL-2.0
// The lookups of names.h, which includes it: templates, so that what is done with a hit becomes part of the
// walk.
#pragma once

#include <algorithm>

#include "shm/tables/names.h"

namespace nnoe::tables {

// Looks for one suffix. Only entries with a flag of `own` are compared with it; of the others the interior
// mark counts.
inline Names::Level Names::level(uint64_t hash, const uint8_t* suffix, size_t size,
                                 uint32_t own) const noexcept {
  const names::Bucket* bucket = buckets_ + names::bucket_of(hash, count_);
  const uint32_t word = names::word_of(hash);
  uint32_t interior = 0;
  for (uint32_t left = names::kMaxDisplaced;; --left, ++bucket) {
    for (uint32_t found = kernels::match(bucket->words, word); found != 0; found &= found - 1) {
      const auto slot = static_cast<uint32_t>(__builtin_ctz(found));
      const uint32_t flags = bucket->words[slot];
      if ((flags & own) != 0) {
        const uint8_t* name = blob_ + bucket->names[slot];
        if (kernels::equal(suffix, name, size)) return {name, flags, flags & names::kInterior};
      }
      interior |= flags & names::kInterior;
    }
    if ((bucket->words[names::kSlots - 1] & names::kMore) == 0 || left == 0) return {nullptr, 0, interior};
  }
}

namespace names {
inline uint16_t id_here(const uint8_t* name, uint32_t flags) noexcept {
  static_assert(kTwo == 4, "half of it is the size of an id");
  return load_id(name - sizeof(uint16_t) - (flags & kTwo) / 2);
}
inline uint16_t id_below(const uint8_t* name) noexcept { return load_id(name - sizeof(uint16_t)); }
}  // namespace names

template <class Visit>
void Names::walk(const QueryName& name, Visit&& visit) const noexcept {
  using namespace names;
  const size_t labels = name.labels();
  if (header_->root_flags != 0) {
    if (labels == 0 && (header_->root_flags & kHere) != 0) visit(size_t{0}, header_->root_here);
    if (labels != 0 && (header_->root_flags & kBelow) != 0) visit(size_t{0}, header_->root_below);
  }
  uint64_t hashes[kAhead];
  uint64_t parent = 0;
  for (size_t from = 1; from <= labels; from += kAhead) {
    const size_t until = std::min(labels, from + kAhead - 1);
    for (size_t depth = from; depth <= until; ++depth) {
      parent = hash(name, parent, depth);
      hashes[depth - from] = parent;
    }
    for (size_t depth = from; depth <= until; ++depth) {
      const uint64_t value = hashes[depth - from];
      if (depth == 1 && !is_top(value)) continue;
      const Level found =
          level(value, name.label(depth), name.suffix_size(depth), depth == labels ? kHere : kBelow);
      if (found.name != nullptr)
        visit(depth, depth == labels ? id_here(found.name, found.flags) : id_below(found.name));
      if (found.interior == 0 && depth > 1) return;
    }
  }
}

// The same with a delta in front. What is above a name in the delta is marked there like in a base, so that
// each of the two walks ends for itself.
template <class Visit>
void walk(const Names* base, const Names* delta, const QueryName& name, Visit&& visit) noexcept {
  using namespace names;
  if (delta == nullptr || base == nullptr) {
    const bool in_delta = base == nullptr;
    const Names* one = in_delta ? delta : base;
    if (one != nullptr) one->walk(name, [&](size_t depth, uint16_t id) { visit(depth, id, in_delta); });
    return;
  }
  const size_t labels = name.labels();
  const Header& changed = *delta->header_;
  const Header& root = changed.root_flags != 0 ? changed : *base->header_;
  if (labels == 0 && (root.root_flags & kHere) != 0) visit(size_t{0}, root.root_here, &root == &changed);
  if (labels != 0 && (root.root_flags & kBelow) != 0) visit(size_t{0}, root.root_below, &root == &changed);

  const bool same = std::equal(base->secret(), base->secret() + 2, delta->secret());
  uint64_t hashes[Names::kAhead][2];
  uint64_t parents[2] = {0, 0};
  bool in_base = true;
  bool in_delta = true;
  for (size_t from = 1; from <= labels; from += Names::kAhead) {
    const size_t until = std::min(labels, from + Names::kAhead - 1);
    for (size_t depth = from; depth <= until; ++depth) {
      parents[0] = base->hash(name, parents[0], depth);
      parents[1] = same ? parents[0] : delta->hash(name, parents[1], depth);
      if (same) __builtin_prefetch(delta->buckets_ + bucket_of(parents[1], delta->count_));
      hashes[depth - from][0] = parents[0];
      hashes[depth - from][1] = parents[1];
    }
    for (size_t depth = from; depth <= until; ++depth) {
      const uint64_t* values = hashes[depth - from];
      const uint8_t* suffix = name.label(depth);
      const size_t size = name.suffix_size(depth);
      Names::Level over{nullptr, 0, 0};
      if (in_delta && (depth > 1 || delta->is_top(values[1]))) {
        over = delta->level(values[1], suffix, size, kOwn);
        in_delta = over.interior != 0 || depth == 1;
      }
      Names::Level found = over;
      const uint32_t wanted = depth == labels ? kHere : kBelow;
      if (in_base && (depth > 1 || base->is_top(values[0]))) {
        const Names::Level below = base->level(values[0], suffix, size, over.name != nullptr ? 0 : wanted);
        in_base = below.interior != 0 || depth == 1;
        if (over.name == nullptr) found = below;
      }
      if (found.name != nullptr && (found.flags & wanted) != 0)
        visit(depth, depth == labels ? id_here(found.name, found.flags) : id_below(found.name),
              over.name != nullptr);
      if (!in_base && !in_delta) return;
    }
  }
}

}  // namespace nnoe::tables
