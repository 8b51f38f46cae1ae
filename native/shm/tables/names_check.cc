// SPDX-License-Identifier: MPL-2.0
// What has to hold before a names section may be looked into.
#include <algorithm>

#include "shm/tables/names.h"
#include "shm/tables/names_layout.h"

namespace nnoe::tables {
namespace {

using namespace names;

// Calls `visit(slot)` for those with a name of their own.
template <class Visit>
inline void each_own(const Bucket& bucket, Visit&& visit) {
  static_assert(kSlots == 8 && kOwn == (1 | 8));
  uint64_t flags = 0;
  std::memcpy(&flags, bucket.flags, sizeof flags);
  constexpr uint64_t kLowest = 0x0101010101010101;
  for (uint64_t own = (flags | flags >> 3) & kLowest; own != 0; own &= own - 1)
    visit(static_cast<uint32_t>(__builtin_ctzll(own)) / 8);
}

// Offsets and ids of all entries, whose flags may be any. Names lie anywhere: they are fetched some buckets
// ahead.
bool entries_hold(const Header& header, const Bucket* buckets, const uint8_t* blob) {
  constexpr size_t kFetched = 4;
  const size_t count = size_t{header.buckets} + kMaxDisplaced;
  bool good = true;
  for (size_t i = 0; i < count && good; ++i) {
    if (i + kFetched < count) {
      const Bucket& later = buckets[i + kFetched];
      each_own(later,
               [&](uint32_t slot) { __builtin_prefetch(blob + std::min(later.names[slot], header.blob)); });
    }
    each_own(buckets[i], [&](uint32_t slot) {
      const uint32_t flags = buckets[i].flags[slot];
      const uint32_t offset = buckets[i].names[slot];
      if (offset - kBlobStart >= header.blob - kBlobStart) {
        good = false;
        return;
      }
      // What no flag asks for counts as 0.
      const uint8_t* const name = blob + offset;
      const uint32_t here = (flags & kHere) != 0 ? id_here(name, flags) : 0u;
      const uint32_t below = (flags & kBelow) != 0 ? id_below(name) : 0u;
      good &= (flags & (kHere | kBelow)) == 0 || std::max(here, below) < header.listsets;
    });
  }
  return good;
}

bool listsets_hold(const Lists* lists, uint32_t count, uint32_t limit) {
  Lists allowed{};
  for (uint32_t id = 0; id < std::min<uint32_t>(limit, kMaxLists); ++id)
    allowed.bits[id / 64] |= uint64_t{1} << id % 64;
  return std::all_of(lists, lists + count, [&](const Lists& one) {
    return std::equal(one.bits, one.bits + kMaxLists / 64, allowed.bits,
                      [](uint64_t a, uint64_t b) { return (a & ~b) == 0; });
  });
}

bool root_holds(const Header& header) {
  const uint32_t flags = header.root_flags;
  return ((flags & kHere) == 0 || header.root_here < header.listsets) &&
         ((flags & kBelow) == 0 || header.root_below < header.listsets);
}

}  // namespace

bool Names::open(Body body, const Limits& limits, Names& out, std::string& why) {
  const auto fails = [&](const char* clause) {
    why = clause;
    return false;
  };
  if (body.size < sizeof(Header)) return fails("names: shorter than its header");
  const auto* header = reinterpret_cast<const Header*>(body.data);
  if (header->buckets == 0 || header->listsets > kMaxListsets || header->blob < kBlobStart)
    return fails("names: impossible counts in its header");
  const Places places = places_of(*header);
  if (places.end != body.size) return fails("names: its size is not what its header says");
  const auto* buckets = reinterpret_cast<const Bucket*>(body.data + places.buckets);
  const auto* lists = reinterpret_cast<const Lists*>(body.data + places.lists);
  const uint8_t* blob = body.data + sizeof(Header);
  if (!listsets_hold(lists, header->listsets, limits.lists))
    return fails("names: a list that is not registered");
  if (!root_holds(*header)) return fails("names: the root's lists are out of range");
  if (!entries_hold(*header, buckets, blob)) return fails("names: an entry points out of range");
  std::copy(header->secret, header->secret + 2, out.secret_);
  out.root_flags_ = header->root_flags;
  out.has_tops_ =
      std::any_of(std::begin(header->tops), std::end(header->tops), [](uint64_t word) { return word != 0; });
  out.header_ = header;
  out.buckets_ = buckets;
  out.blob_ = blob;
  out.lists_ = lists;
  out.count_ = header->buckets;
  return true;
}

Names::Entry Names::find(const QueryName& name) const noexcept {
  const auto entry = [&](uint32_t flags, uint16_t here, uint16_t below) {
    return Entry{(flags & kOwn) != 0, (flags & kHere) != 0 ? lists(here) : nullptr,
                 (flags & kBelow) != 0 ? lists(below) : nullptr};
  };
  if (name.labels() == 0) return entry(header_->root_flags, header_->root_here, header_->root_below);
  Place at{secret_[0], nullptr};
  for (size_t depth = 1; depth <= name.labels(); ++depth) at = place_at(name, depth, at.hash);
  const Level found = level(at, name.data(), name.end(), kOwn);
  if (found.name == nullptr) return {};
  const uint16_t here = (found.flags & kHere) != 0 ? id_here(found.name, found.flags) : uint16_t{0};
  const uint16_t below = (found.flags & kBelow) != 0 ? id_below(found.name) : uint16_t{0};
  return entry(found.flags, here, below);
}

}  // namespace nnoe::tables
