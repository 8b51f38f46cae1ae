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

// Looks for one suffix, up to `end`, from the bucket after the first `passed` ones on. Only entries with a
// flag of `own` are compared with it; of the others the interior mark counts.
inline Names::Level Names::level(const Place& place, const uint8_t* suffix, const uint8_t* end, uint32_t own,
                                 uint32_t passed, uint32_t interior) const noexcept {
  for (; passed <= names::kMaxDisplaced; ++passed) {
    const names::Bucket& bucket = place.bucket[passed];
    for (uint32_t found = kernels::match(bucket.tags, names::tag_of(place.hash)); found != 0;
         found &= found - 1) {
      const auto slot = static_cast<uint32_t>(__builtin_ctz(found));
      const uint32_t flags = bucket.flags[slot];
      if ((flags & own) != 0) {
        const uint8_t* entry = blob_ + bucket.names[slot];
        if (kernels::equal(suffix, entry, static_cast<size_t>(end - suffix)))
          return {entry, flags, flags & names::kInterior};
      }
      interior |= flags & names::kInterior;
    }
    if (!names::is_further(bucket, place.hash)) break;
  }
  return {nullptr, 0, interior};
}

[[gnu::noinline]] inline Names::Level Names::level_further(const Place& place, const uint8_t* suffix,
                                                           const uint8_t* end, uint32_t own, uint32_t passed,
                                                           uint32_t interior) const noexcept {
  return level(place, suffix, end, own, passed, interior);
}

// The same for what is nearly always so: the first bucket decides, and one slot of it at most.
template <uint32_t kFlag>
[[gnu::always_inline]] inline Names::Level Names::level_near(const Place& place, const uint8_t* suffix,
                                                             const uint8_t* end) const noexcept {
  const names::Bucket* bucket = place.bucket;
  const uint32_t found = kernels::match(bucket->tags, names::tag_of(place.hash));
  uint32_t interior = 0;
  if (found != 0) {
    const auto slot = static_cast<uint32_t>(__builtin_ctz(found));
    const uint32_t flags = bucket->flags[slot];
    interior = flags & names::kInterior;
    if ((flags & kFlag) != 0) {
      const uint8_t* entry = blob_ + bucket->names[slot];
      if (__builtin_expect(kernels::equal(suffix, entry, static_cast<size_t>(end - suffix)), 1))
        return {entry, flags, interior};
    }
    if (__builtin_expect((found & (found - 1)) != 0, 0))
      return level_further(place, suffix, end, kFlag, 0, 0);
  }
  if (__builtin_expect(names::is_further(*bucket, place.hash), 0))
    return level_further(place, suffix, end, kFlag, 1, interior);
  return {nullptr, 0, interior};
}

[[gnu::always_inline]] inline void Names::begin(const QueryName& name, Path& path) const noexcept {
  if (__builtin_expect(root_flags_ != 0, 0)) return;
  if (__builtin_expect(has_tops_, 0) && name.labels() > 0 &&
      is_top(names::hash_label(secret_[1], secret_[0], name.label(1))))
    return;
  begin_usual(name, path);
}

[[gnu::always_inline]] inline bool Names::begin_usual(const QueryName& name, Path& path) const noexcept {
  if (__builtin_expect(name.behind_ < name.labels_ + 2, 0)) return false;
  path.first_ = place(names::hash_two(secret_[1], secret_[0], name.label(2), name.end()));
  __builtin_prefetch(path.first_.bucket);
  return true;
}

[[gnu::always_inline]] inline bool Names::misses(const Path& path) const noexcept {
  const names::Bucket* bucket = path.first_.bucket;
  const uint64_t hash = path.first_.hash;
  if (__builtin_expect(kernels::any(bucket->tags, names::tag_of(hash)), 0)) return false;
  return __builtin_expect(!names::is_further(*bucket, hash), 1) || misses_further(path.first_);
}

// One miss in a hundred comes here, by the bit of something else that went on.
[[gnu::noinline]] inline bool Names::misses_further(Place place) const noexcept {
  const uint16_t tag = names::tag_of(place.hash);
  for (uint32_t passed = 1; passed <= names::kMaxDisplaced; ++passed) {
    const names::Bucket& bucket = place.bucket[passed];
    if (kernels::any(bucket.tags, tag)) return false;
    if (!names::is_further(bucket, place.hash)) break;
  }
  return true;
}

// Most names have no listed parent: a level is hashed when the one above leads to it.
template <class Visit>
[[gnu::always_inline]] inline void Names::finish(const QueryName& name, const Path& path,
                                                 Visit&& visit) const noexcept {
  Place at = path.first_;
  if (__builtin_expect(at.bucket == nullptr, 0)) return walk_any(name, visit);
  const size_t labels = name.labels();
  const uint8_t* const* label = name.labels_ + labels - 2;
  for (size_t depth = 2; label != name.labels_; ++depth) {
    const Level found = level_near<names::kBelow>(at, *label, name.end());
    if (found.name != nullptr) visit(depth, names::id_below(found.name));
    if (__builtin_expect(found.interior == 0, 1)) return;
    at = place(at.hash, *--label);
  }
  const Level found = level_near<names::kHere>(at, name.data(), name.end());
  if (found.name != nullptr) visit(labels, names::id_here(found.name, found.flags));
}

template <class Visit>
inline void Names::walk(const QueryName& name, Visit&& visit) const noexcept {
  Path path;
  begin(name, path);
  finish(name, path, visit);
}

// With lists for the root or top-level names, and of any depth: buckets are fetched kAhead levels at a time.
template <class Visit>
[[gnu::noinline]] void Names::walk_any(const QueryName& name, Visit& visit) const noexcept {
  using namespace names;
  const size_t labels = name.labels();
  if (labels == 0 && (root_flags_ & kHere) != 0) visit(size_t{0}, header_->root_here);
  if (labels != 0 && (root_flags_ & kBelow) != 0) visit(size_t{0}, header_->root_below);
  Place places[kAhead];
  uint64_t hash = secret_[0];
  for (size_t from = 1; from <= labels; from += kAhead) {
    const size_t until = std::min(labels, from + kAhead - 1);
    for (size_t depth = from; depth <= until; ++depth) {
      places[depth - from] = place_at(name, depth, hash);
      hash = places[depth - from].hash;
      __builtin_prefetch(places[depth - from].bucket);
    }
    for (size_t depth = from; depth <= until; ++depth) {
      const Place& one = places[depth - from];
      if (depth == 1 && !is_top(one.hash)) continue;
      const bool whole = depth == labels;
      const Level found = level(one, name.label(depth), name.end(), whole ? kHere : kBelow);
      if (found.name != nullptr)
        visit(depth, whole ? id_here(found.name, found.flags) : id_below(found.name));
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

  const bool same = std::equal(base->secret_, base->secret_ + 2, delta->secret_);
  Names::Place in_base[Names::kAhead];
  Names::Place in_delta[Names::kAhead];
  uint64_t hashes[2] = {base->secret_[0], delta->secret_[0]};
  bool base_goes_on = true;
  bool delta_goes_on = true;
  for (size_t from = 1; from <= labels; from += Names::kAhead) {
    const size_t until = std::min(labels, from + Names::kAhead - 1);
    for (size_t depth = from; depth <= until; ++depth) {
      Names::Place& one = in_base[depth - from] = base->place_at(name, depth, hashes[0]);
      Names::Place& other = in_delta[depth - from];
      if (same)
        other = {one.hash, delta->buckets_ + bucket_of(one.hash, delta->count_)};
      else
        other = delta->place_at(name, depth, hashes[1]);
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
