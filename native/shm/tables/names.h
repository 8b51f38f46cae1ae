// SPDX-License-Identifier: MPL-2.0
// Names and the lists that they are on: exact names and whole subtrees, up to hundreds of millions.
//
// A hash table of suffixes. One bucket is one cache line of 8 slots; a slot is 24 bits of hash, flags, and
// where the name lies, which is compared in full before it counts. Parents of listed names are in the table
// as well, marked interior, so that a walk from the top ends at the first suffix that leads nowhere; an
// interior mark alone is believed by its 24 bits, because a wrong one costs a look into one more bucket and
// nothing else.
//
// Memory: wire length + 2 bytes a listed name (4 with different lists for the name and below it), 64 bytes
// for 6.5 slots, one slot for each listed name and each parent of one below the top level; 32 bytes a set of
// lists. Work of a walk: at most 127 levels of 17 buckets, whatever the name and whatever the table.
//
// Immutable: any number of threads may look names up. TABLES.md has the format.
#pragma once

#include <string>

#include "shm/tables/layout.h"
#include "shm/tables/names_simd.h"
#include "shm/tables/registry.h"

namespace nnoe::tables {

// A query's name: lower case, with the places of its labels. Lives on the stack of one query.
class QueryName {
 public:
  // False: not a name in uncompressed wire form, or bytes behind it. Reads `size` bytes.
  bool parse(const uint8_t* wire, size_t size) noexcept {
    if (size == 0 || size > kMaxName) return false;
    size_t at = 0;
    size_t labels = 0;
    for (uint8_t length = wire[0]; length != 0; length = wire[at]) {
      starts_[labels++] = static_cast<uint8_t>(at);
      at += length + 1u;
      if (length > 63 || at >= size) return false;
    }
    if (at + 1 != size) return false;
    labels_ = static_cast<uint32_t>(labels);
    size_ = static_cast<uint32_t>(size);
    kernels::fold(bytes_, wire, size);
    std::memset(bytes_ + size, 0, 16);
    return true;
  }

  const uint8_t* data() const noexcept { return bytes_; }  // wire form, lower case, `size` bytes
  size_t size() const noexcept { return size_; }           // 1 to kMaxName
  size_t labels() const noexcept { return labels_; }       // 0 (the root) to kMaxLabels
  // The label at `depth` below the root, 1 to labels(): its length byte. What follows up to the end is the
  // suffix.
  const uint8_t* label(size_t depth) const noexcept { return bytes_ + starts_[labels_ - depth]; }
  size_t suffix_size(size_t depth) const noexcept { return size_ - starts_[labels_ - depth]; }

 private:
  uint8_t bytes_[kMaxName + 33];  // so far behind the end may be read
  uint8_t starts_[kMaxLabels + 1];
  uint32_t labels_;
  uint32_t size_;
};

namespace names {

constexpr uint32_t kSlots = 8;          // of a bucket
constexpr uint32_t kMaxDisplaced = 16;  // buckets between the one that a hash names and the slot
constexpr uint32_t kTopBits = 1024;
constexpr size_t kTail = 320;  // zero bytes after the names: comparing reads up to 271 past the start of one

// Flags of a slot, the low byte of its word.
constexpr uint32_t kHere = 1;   // lists for the name itself
constexpr uint32_t kBelow = 2;  // lists for what is below; never without kHere
constexpr uint32_t kTwo = 4;    // they differ: the id for the name stands before the one for what is below
constexpr uint32_t kGone = 8;   // in a delta: on no list any more
constexpr uint32_t kInterior = 16;  // something below is in the table
constexpr uint32_t kMore = 128;     // in the last slot of a bucket: something that belongs here is further on
constexpr uint32_t kOwn = kHere | kGone;  // there is a name to compare

struct Header {
  uint64_t secret[2];
  uint64_t tops[kTopBits / 64];  // bit of hash % 1024: a name of one label with an entry
  uint64_t names;                // entries, parents not counted
  uint64_t slots;                // in use
  uint32_t buckets;              // that a hash may name; kMaxDisplaced more follow
  uint32_t listsets;
  uint32_t blob;        // bytes of names with their ids, the tail not counted
  uint16_t root_here;   // lists of the root itself
  uint16_t root_below;  // of everything
  uint32_t root_flags;
  uint32_t zero[19];
};
static_assert(sizeof(Header) == 256);

struct alignas(64) Bucket {
  uint32_t words[kSlots];  // hash << 8 | flags; 0: free
  uint32_t names[kSlots];  // offset in the blob, of entries with kOwn
};

struct Lists {
  uint64_t bits[kMaxLists / 64];
  friend bool operator==(const Lists& a, const Lists& b) noexcept {
    return std::memcmp(a.bits, b.bits, sizeof a.bits) == 0;
  }
};

// 16 bytes of ones, 16 of zeros: loading at 16 - n gives a mask for the first n bytes.
alignas(32) inline constexpr uint8_t kMask[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                  255, 255, 255, 255, 255, 255, 255, 255};

inline uint64_t folded(uint64_t a, uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Hash of a suffix from that of its parent and its first label, whose length byte is part of it; reads up to
// 16 bytes past it. The root's is 0.
inline uint64_t hash_label(const uint64_t* secret, uint64_t parent, const uint8_t* label) noexcept {
  size_t left = label[0] + 1u;
  for (; left > 16; left -= 16, label += 16)
    parent = folded(kernels::load64(label) ^ parent ^ secret[0], kernels::load64(label + 8) ^ secret[1]);
  const uint8_t* mask = kMask + 16 - left;
  return folded((kernels::load64(label) & kernels::load64(mask)) ^ parent ^ secret[0],
                (kernels::load64(label + 8) & kernels::load64(mask + 8)) ^ secret[1]);
}

inline uint64_t bucket_of(uint64_t hash, uint32_t buckets) noexcept { return (hash >> 32) * buckets >> 32; }
inline uint32_t word_of(uint64_t hash) noexcept { return static_cast<uint32_t>(hash) << 8; }

inline uint16_t load_id(const uint8_t* from) noexcept {
  uint16_t id = 0;
  std::memcpy(&id, from, sizeof id);
  return id;
}

}  // namespace names

class Names {
 public:
  // Checks everything that lookups rely on. False: `why` says in one clause what is wrong.
  static bool open(Body body, const Limits& limits, Names& out, std::string& why);

  // Calls visit(depth, listset) for every level that has lists for this name, from the root (depth 0) down:
  // lists of whole subtrees above it, then those of the name itself, exact entries and its own subtree in
  // one.
  template <class Visit>
  void walk(const QueryName& name, Visit&& visit) const noexcept;

  uint64_t size() const noexcept { return header_ == nullptr ? 0 : header_->names; }
  uint32_t listsets() const noexcept { return header_ == nullptr ? 0 : header_->listsets; }
  const uint64_t* lists(uint16_t listset) const noexcept { return lists_[listset].bits; }  // kMaxLists bits
  const uint64_t* secret() const noexcept { return header_->secret; }

  // What the table says of a name itself; for builders and explanations.
  struct Entry {
    bool found = false;               // there is one; in a delta it may say that the name is on no list
    const uint64_t* here = nullptr;   // null: none
    const uint64_t* below = nullptr;  // likewise
  };
  Entry find(const QueryName& name) const noexcept;

 private:
  template <class Visit>
  friend void walk(const Names*, const Names*, const QueryName&, Visit&&) noexcept;
  static constexpr size_t kAhead = 8;  // levels whose buckets are fetched before the first is looked at

  struct Level {
    const uint8_t* name;  // null: no entry
    uint32_t flags;       // of it
    uint32_t interior;    // not 0: go on
  };
  Level level(uint64_t hash, const uint8_t* suffix, size_t size, uint32_t own) const noexcept;
  bool is_top(uint64_t hash) const noexcept {
    return (header_->tops[hash / 64 % (names::kTopBits / 64)] >> (hash % 64) & 1) != 0;
  }
  uint64_t hash(const QueryName& name, uint64_t parent, size_t depth) const noexcept {
    const uint64_t value = names::hash_label(header_->secret, parent, name.label(depth));
    __builtin_prefetch(buckets_ + names::bucket_of(value, count_));
    return value;
  }

  const names::Header* header_ = nullptr;
  const names::Bucket* buckets_ = nullptr;
  const uint8_t* blob_ = nullptr;
  const names::Lists* lists_ = nullptr;
  uint32_t count_ = 0;  // of buckets
};

// Base and delta together: at every level the delta's entry for a name stands in the place of the base's.
// Calls visit(depth, listset, in_delta): the set is one of the delta's or one of the base's. Either may be
// null.
template <class Visit>
void walk(const Names* base, const Names* delta, const QueryName& name, Visit&& visit) noexcept;

}  // namespace nnoe::tables

#include "shm/tables/names_walk.h"
