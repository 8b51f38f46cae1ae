// SPDX-License-Identifier: MPL-2.0
// The lookups of names.h, which includes it: templates, so that what is done with a hit becomes part of the
// walk.
#pragma once

#include <algorithm>

#include "shm/tables/names.h"

namespace nnoe::tables {

namespace names {
inline uint16_t id_here(const uint8_t* name, uint32_t flags) noexcept {
  static_assert(kTwo == 4, "half of it is the size of an id");
  return load_id(name - sizeof(uint16_t) - (flags & kTwo) / 2);
}
inline uint16_t id_below(const uint8_t* name) noexcept { return load_id(name - sizeof(uint16_t)); }
}  // namespace names

// Looks for one suffix, up to `end`. Only entries with a flag of `own` are compared with it; of the others
// the interior mark counts.
[[gnu::always_inline]] inline Names::Level Names::level(const Place& place, const uint8_t* suffix,
                                                        const uint8_t* end, uint32_t own) const noexcept {
  const names::Bucket* bucket = place.bucket;
  uint32_t interior = 0;
  for (;;) {
    for (uint32_t found = kernels::match(bucket->tags, names::tag_of(place.hash)); found != 0;
         found &= found - 1) {
      const auto slot = static_cast<uint32_t>(__builtin_ctz(found));
      const uint32_t flags = bucket->flags[slot];
      if ((flags & own) != 0) {
        const uint8_t* entry = blob_ + bucket->names[slot];
        if (kernels::equal(suffix, entry, static_cast<size_t>(end - suffix)))
          return {entry, flags, flags & names::kInterior};
      }
      if (bucket->more[slot] == names::more_of(place.hash)) interior |= flags & names::kInterior;
    }
    const bool full = (bucket->flags[names::kSlots - 1] & names::kMore) != 0;
    if (__builtin_expect(!full, 1) || bucket == place.bucket + names::kMaxDisplaced)
      return {nullptr, 0, interior};
    ++bucket;
  }
}

// One level of a walk. False: nothing below is in the table.
template <class Visit>
[[gnu::always_inline]] inline bool Names::step(const Place& place, const uint8_t* suffix,
                                               const QueryName& name, size_t depth,
                                               Visit& visit) const noexcept {
  const bool whole = depth == name.labels();
  const Level found = level(place, suffix, name.end(), whole ? names::kHere : names::kBelow);
  if (found.name != nullptr)
    visit(depth, whole ? names::id_here(found.name, found.flags) : names::id_below(found.name));
  return found.interior != 0;
}

template <class Visit>
inline void Names::walk(const QueryName& name, Visit&& visit) const noexcept {
  const size_t labels = name.labels();
  if (__builtin_expect(root_flags_ != 0, 0)) {
    if (labels == 0 && (root_flags_ & names::kHere) != 0) visit(size_t{0}, header_->root_here);
    if (labels != 0 && (root_flags_ & names::kBelow) != 0) visit(size_t{0}, header_->root_below);
  }
  if (labels == 0) return;
  Place places[kAhead + 1];
  const size_t ahead = __builtin_expect(labels > kAhead, 0) ? kAhead : labels;
  uint64_t hash = names::hash_label(secret_[1], secret_[0], name.label(1));
  const uint64_t top = hash;
  for (size_t depth = 2; depth <= ahead; ++depth) {
    const Place found = place(hash, name.label(depth));
    __builtin_prefetch(found.bucket);
    places[depth] = found;
    hash = found.hash;
  }
  size_t depth = 2;
  if (__builtin_expect(is_top(top), 0)) {
    places[1] = {top, buckets_ + names::bucket_of(top, count_)};
    depth = 1;
  }
  for (; depth <= ahead; ++depth) {
    if (!step(places[depth], name.label(depth), name, depth, visit) && depth > 1) return;
  }
  if (__builtin_expect(labels > kAhead, 0)) walk_deep(name, hash, visit);
}

template <class Visit>
[[gnu::noinline]] void Names::walk_deep(const QueryName& name, uint64_t hash, Visit& visit) const noexcept {
  for (size_t depth = kAhead + 1; depth <= name.labels(); ++depth) {
    const Place found = place(hash, name.label(depth));
    if (!step(found, name.label(depth), name, depth, visit)) return;
    hash = found.hash;
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

  const bool same = std::equal(base->secret_, base->secret_ + 2, delta->secret_);
  Names::Place in_base[Names::kAhead];
  Names::Place in_delta[Names::kAhead];
  uint64_t hashes[2] = {base->secret_[0], delta->secret_[0]};
  bool base_goes_on = true;
  bool delta_goes_on = true;
  for (size_t from = 1; from <= labels; from += Names::kAhead) {
    const size_t until = std::min(labels, from + Names::kAhead - 1);
    for (size_t depth = from; depth <= until; ++depth) {
      const uint8_t* label = name.label(depth);
      Names::Place& one = in_base[depth - from] = base->place(hashes[0], label);
      Names::Place& other = in_delta[depth - from];
      if (same)
        other = {one.hash, delta->buckets_ + bucket_of(one.hash, delta->count_)};
      else
        other = delta->place(hashes[1], label);
      __builtin_prefetch(one.bucket);
      __builtin_prefetch(other.bucket);
      hashes[0] = one.hash;
      hashes[1] = other.hash;
    }
    for (size_t depth = from; depth <= until; ++depth) {
      const Names::Place& one = in_base[depth - from];
      const Names::Place& other = in_delta[depth - from];
      const uint32_t wanted = depth == labels ? kHere : kBelow;
      Names::Level over{nullptr, 0, 0};
      if (delta_goes_on && (depth > 1 || delta->is_top(other.hash))) {
        over = delta->level(other, name.label(depth), name.end(), kOwn);
        delta_goes_on = over.interior != 0 || depth == 1;
      }
      Names::Level found = over;
      if (base_goes_on && (depth > 1 || base->is_top(one.hash))) {
        const Names::Level below =
            base->level(one, name.label(depth), name.end(), over.name != nullptr ? 0 : wanted);
        base_goes_on = below.interior != 0 || depth == 1;
        if (over.name == nullptr) found = below;
      }
      if (found.name != nullptr && (found.flags & wanted) != 0)
        visit(depth, depth == labels ? id_here(found.name, found.flags) : id_below(found.name),
              over.name != nullptr);
      if (!base_goes_on && !delta_goes_on) return;
    }
  }
}

}  // namespace nnoe::tables
