// SPDX-License-Identifier: MPL-2.0
// Names and the lists that they are on: exact names and whole subtrees, up to hundreds of millions.
//
// A hash table of suffixes. One bucket is one cache line of 8 slots; a slot is 16 bits of hash, flags, and
// where the name lies, which is compared in full before it counts. Parents of listed names are in the table
// as well, marked interior, so that a walk from the top ends at the first suffix that leads nowhere; an
// interior mark alone is believed by its 16 bits, because a wrong one costs a look into one more bucket and
// nothing else. Top-level names are looked for only if there may be one with lists, since nearly every
// query's top level is somebody's parent.
//
// Memory: wire length + 2 bytes a listed name (4 with different lists for the name and below it), 64 bytes
// for 6 slots, one slot for each listed name and each parent of one below the top level; 32 bytes a set of
// lists. Work of a walk: at most 127 levels of 8 buckets, whatever the name and whatever the table.
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
  QueryName() noexcept {}  // nothing is initialised: of 1.3 kB a query uses some ten bytes
  QueryName(const QueryName&) = delete;
  QueryName& operator=(const QueryName&) = delete;

  // False: not a name in uncompressed wire form, or bytes behind it. Reads `size` bytes.
  [[gnu::always_inline]] bool parse(const uint8_t* wire, size_t size) noexcept {
    if (__builtin_expect(size - 16 <= 16, 1)) {
      std::memset(bytes() + 16, 0, 32);
      kernels::fold_usual(bytes(), wire, size);
    } else if (!fold_any(wire, size)) {
      return false;
    }
    const uint8_t* const end = bytes() + size;
    const uint8_t* at = bytes();
    const uint8_t** next = labels_;
    // In a name of up to 64 bytes a label of more than 63 goes beyond its end; fold_any() saw to longer ones.
    for (size_t length = *at; length != 0; length = *at) {
      *next++ = at;
      at += length + 1;
      if (__builtin_expect(at >= end, 0)) return false;
    }
    end_ = end;
    behind_ = next;
    return __builtin_expect(at + 1 == end, 1);
  }

  void clear() noexcept { end_ = bytes(); }

  const uint8_t* data() const noexcept { return bytes(); }  // wire form, lower case, then 16 zero bytes
  size_t size() const noexcept {
    return static_cast<size_t>(end_ - bytes());
  }  // 1 to kMaxName; 0: cleared; 0: none
  // 0 (the root) to kMaxLabels
  size_t labels() const noexcept { return static_cast<size_t>(behind_ - labels_); }
  // The label at `depth` below the root, 1 to labels(): its length byte. What follows up to end() is the
  // suffix.
  const uint8_t* label(size_t depth) const noexcept { return *(behind_ - depth); }
  const uint8_t* end() const noexcept { return end_; }

 private:
  friend class Names;
  uint8_t* bytes() noexcept { return room_ + kBefore; }
  const uint8_t* bytes() const noexcept { return room_ + kBefore; }
  // Of any size; false: of none that names have, or with a label that is none.
  [[gnu::noinline]] bool fold_any(const uint8_t* wire, size_t size) noexcept {
    if (size - 1 >= kMaxName) return false;
    for (size_t at = 0; size > kMaxLabel + 1 && at < size && wire[at] != 0; at += size_t{wire[at]} + 1)
      if (wire[at] > kMaxLabel) return false;
    std::memset(room_, 0, kBefore + 48);
    std::memset(bytes() + size, 0, 16);
    kernels::fold(bytes(), wire, size);
    return true;
  }

  static constexpr uint8_t kMaxLabel = 63;

  // Before the name and behind it may be read so far: what is before it for its last 8 bytes, where it has
  // fewer; there are zeros then.
  static constexpr size_t kBefore = 16;
  static constexpr size_t kBehind = 33;

  alignas(16) uint8_t room_[kBefore + kMaxName + kBehind];
  const uint8_t* labels_[kMaxLabels + 1];
  const uint8_t** behind_;
  const uint8_t* end_;
};

namespace names {

constexpr uint32_t kSlots = 8;         // of a bucket
constexpr uint32_t kMaxDisplaced = 7;  // buckets between the one that a hash names and the slot
constexpr uint32_t kTopBits = 1024;
constexpr size_t kTail = 320;  // zero bytes after the names: comparing reads up to 271 past the start of one

// Flags of a slot, the low byte of its word.
constexpr uint32_t kHere = 1;   // lists for the name itself
constexpr uint32_t kBelow = 2;  // lists for what is below; never without kHere, whose set may be empty
constexpr uint32_t kTwo = 4;    // they differ: the id for the name stands before the one for what is below
constexpr uint32_t kGone = 8;   // in a delta: on no list any more
constexpr uint32_t kInterior = 16;        // something below is in the table
constexpr uint32_t kOwn = kHere | kGone;  // there is a name to compare
// How many buckets behind its own an entry stands, in the bits that are left: what placing goes by.
constexpr uint32_t kPassedShift = 5;
static_assert(kMaxDisplaced << kPassedShift <= 0xff);

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
  uint16_t tags[kSlots];   // lowest bits of the hash
  uint8_t flags[kSlots];   // 0: free
  uint64_t further;        // bit hash % 64: something with such a hash passed by, for want of a slot
  uint32_t names[kSlots];  // offset in the blob, of entries with kOwn
};
static_assert(sizeof(Bucket) == 64);

struct Lists {
  uint64_t bits[kMaxLists / 64];
  friend bool operator==(const Lists& a, const Lists& b) noexcept {
    return std::memcmp(a.bits, b.bits, sizeof a.bits) == 0;
  }
};

inline uint64_t folded(uint64_t a, uint64_t b) noexcept {
#if defined(__x86_64__)
  // Compilers keep the halves of a 128-bit product in memory.
  uint64_t high = 0;
  asm("mulq %2" : "+a"(a), "=d"(high) : "r"(b) : "cc");
  return a ^ high;
#else
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
#endif
}

// Hash of a suffix from that of its parent, by pieces of 16 bytes that cover its first label. What a piece
// holds of the labels behind is part of the suffix as well; behind the root label 16 zero bytes have to
// follow. The root's hash is secret[0].
inline uint64_t hash_label(uint64_t secret, uint64_t parent, const uint8_t* label) noexcept {
  if (__builtin_expect(label[0] > 15, 0)) {
    const uint8_t* end = label + label[0] + 1;
    for (; end - label > 16; label += 16)
      parent = folded(kernels::load64(label) ^ parent, kernels::load64(label + 8) ^ secret);
  }
  return folded(kernels::load64(label) ^ parent, kernels::load64(label + 8) ^ secret);
}

// Hash of a suffix of two labels, all of it by pieces of 16 bytes: a walk begins with one, and has no use for
// that of the top level alone. `end` is behind the root label; 16 zero bytes have to follow.
inline uint64_t hash_two(uint64_t secret, uint64_t root, const uint8_t* label, const uint8_t* end) noexcept {
  for (; __builtin_expect(end - label > 16, 0); label += 16)
    root = folded(kernels::load64(label) ^ root, kernels::load64(label + 8) ^ secret);
  return folded(kernels::load64(label) ^ root, kernels::load64(label + 8) ^ secret);
}

inline uint64_t bucket_of(uint64_t hash, uint64_t buckets) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(hash) * buckets >> 64);
}
inline uint16_t tag_of(uint64_t hash) noexcept { return static_cast<uint16_t>(hash); }
inline bool is_further(const Bucket& bucket, uint64_t hash) noexcept {
  return (bucket.further >> hash % 64 & 1) != 0;
}

inline uint16_t load_id(const uint8_t* from) noexcept {
  uint16_t id = 0;
  std::memcpy(&id, from, sizeof id);
  return id;
}

}  // namespace names

class Names;

// Base and delta together: at every level the delta's entry for a name stands in the place of the base's.
// Calls visit(depth, listset, in_delta): the set is one of the delta's or one of the base's. Either may be
// null.
template <class Visit>
void walk(const Names* base, const Names* delta, const QueryName& name, Visit&& visit) noexcept;

class Names {
 public:
  // Checks everything that lookups rely on. False: `why` says in one clause what is wrong.
  static bool open(Body body, const Limits& limits, Names& out, std::string& why);

  // Calls visit(depth, listset) for every level that has lists for this name, from the root (depth 0) down:
  // lists of whole subtrees above it, then those of the name itself, exact entries and its own subtree in
  // one.
  template <class Visit>
  void walk(const QueryName& name, Visit&& visit) const noexcept;

  // The same in two steps, for who has something else to do while the memory is asked for what the second one
  // will read. `name` and `path` stay as they are in between.
  class Path;
  void begin(const QueryName& name, Path& path) const noexcept;
  // The same when lists_top() is false; false: the name has one label, or none.
  bool begin_usual(const QueryName& name, Path& path) const noexcept;
  // Whether finish() will find nothing, which is nearly always so; false: it may. After begin_usual().
  bool misses(const Path& path) const noexcept;
  template <class Visit>
  void finish(const QueryName& name, const Path& path, Visit&& visit) const noexcept;

  // Whether the root or a name of one label may have lists.
  bool lists_top() const noexcept { return root_flags_ != 0 || has_tops_; }
  uint64_t size() const noexcept { return header_ == nullptr ? 0 : header_->names; }
  uint32_t listsets() const noexcept { return header_ == nullptr ? 0 : header_->listsets; }
  const uint64_t* lists(uint16_t listset) const noexcept { return lists_[listset].bits; }  // kMaxLists bits
  const uint64_t* secret() const noexcept { return secret_; }

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

  struct Place {
    uint64_t hash;
    const names::Bucket* bucket;
  };
  struct Level {
    const uint8_t* name;  // null: no entry
    uint32_t flags;       // of it
    uint32_t interior;    // not 0: go on
  };
  Place place(uint64_t hash) const noexcept { return {hash, buckets_ + names::bucket_of(hash, count_)}; }
  Place place(uint64_t parent, const uint8_t* label) const noexcept {
    return place(names::hash_label(secret_[1], parent, label));
  }
  // Of any depth, top down; `parent` is the hash of the depth above.
  Place place_at(const QueryName& name, size_t depth, uint64_t parent) const noexcept {
    if (depth == 2) return place(names::hash_two(secret_[1], secret_[0], name.label(2), name.end()));
    return place(parent, name.label(depth));
  }
  Level level(const Place& place, const uint8_t* suffix, const uint8_t* end, uint32_t own,
              uint32_t passed = 0, uint32_t interior = 0) const noexcept;
  Level level_further(const Place& place, const uint8_t* suffix, const uint8_t* end, uint32_t own,
                      uint32_t passed, uint32_t interior) const noexcept;
  bool misses_further(Place place) const noexcept;
  template <uint32_t kFlag>
  Level level_near(const Place& place, const uint8_t* suffix, const uint8_t* end) const noexcept;
  template <class Visit>
  void walk_any(const QueryName& name, Visit& visit) const noexcept;
  bool is_top(uint64_t hash) const noexcept {
    return (header_->tops[hash / 64 % (names::kTopBits / 64)] >> (hash % 64) & 1) != 0;
  }

  uint64_t secret_[2] = {0, 0};
  const names::Bucket* buckets_ = nullptr;
  uint64_t count_ = 0;  // of buckets, below 2^32
  uint32_t root_flags_ = 0;
  bool has_tops_ = false;  // some name of one label has an entry
  const uint8_t* blob_ = nullptr;
  const names::Header* header_ = nullptr;
  const names::Lists* lists_ = nullptr;
};

// Where the level below the top is to be found. Lives on the stack of one query.
class Names::Path {
 public:
  Path() noexcept : first_{0, nullptr} {}

 private:
  friend class Names;
  Place first_;  // no bucket: the long way
};

}  // namespace nnoe::tables

#include "shm/tables/names_walk.h"
