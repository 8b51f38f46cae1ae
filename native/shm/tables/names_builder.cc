// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/names_builder.h"

#include <sys/random.h>

#include <array>
#include <stdexcept>

namespace nnoe::tables {

using namespace names;

bool Membership::empty() const noexcept { return here == Lists{} && below == Lists{}; }

bool make_key(const uint8_t* wire, size_t size, NameKey& key) noexcept {
  QueryName name;
  if (!name.parse(wire, size)) return false;
  reverse_labels(name.data(), size, key.bytes);
  key.size = size;
  return true;
}

// Drawn after the names are known to whoever made them: nobody can choose names that meet in one bucket.
void NamesWriter::draw() noexcept {
  size_t done = 0;
  auto* bytes = reinterpret_cast<uint8_t*>(header_.secret);
  while (done < sizeof header_.secret) {
    const ssize_t n = ::getrandom(bytes + done, sizeof header_.secret - done, 0);
    if (n > 0) done += static_cast<size_t>(n);
  }
}

NamesWriter::NamesWriter() : body_(sizeof(Header) + kBlobStart) { draw(); }

NamesWriter::NamesWriter(const uint64_t* secret) : body_(sizeof(Header) + kBlobStart) {
  std::copy(secret, secret + 2, header_.secret);
}

void NamesWriter::reserve(uint64_t count, uint64_t bytes) {
  // More than that is touched only if it is needed, but the address space may be bounded.
  constexpr uint64_t kMost = uint64_t{4} << 30;
  body_.reserve(std::min(kMost, sizeof(Header) + bytes + count * 20 + 65536));
  records_.reserve(count);
}

// Where a set's number is, or belongs.
uint16_t& NamesWriter::id_of(const Lists& lists) noexcept {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (const uint64_t word : lists.bits) hash = folded(hash ^ word, 0xd6e8feb86659fd93);
  size_t at = hash & (ids_.size() - 1);
  while (ids_[at] != 0 && !(lists_[ids_[at] - 1u] == lists)) at = (at + 1) & (ids_.size() - 1);
  return ids_[at];
}

uint16_t NamesWriter::intern(const Lists& lists) {
  if (last_id_ < lists_.size() && lists_[last_id_] == lists) return last_id_;
  if (lists_.size() * 2 >= ids_.size()) {
    ids_.assign(std::max<size_t>(16, ids_.size() * 2), 0);
    for (size_t i = 0; i < lists_.size(); ++i) id_of(lists_[i]) = static_cast<uint16_t>(i + 1);
  }
  uint16_t& id = id_of(lists);
  if (id == 0) {
    if (lists_.size() == kMaxListsets)
      throw std::length_error("names are on more than 65535 different combinations of lists");
    lists_.push_back(lists);
    id = static_cast<uint16_t>(lists_.size());
  }
  last_id_ = static_cast<uint16_t>(id - 1);
  return last_id_;
}

// A name behind the ids of its lists.
void NamesWriter::append(const NameKey& key, uint32_t flags, uint16_t here, uint16_t below) {
  uint8_t bytes[2 * sizeof(uint16_t) + kMaxName];
  size_t size = 0;
  const auto id = [&](uint16_t number) {
    bytes[size++] = static_cast<uint8_t>(number);
    bytes[size++] = static_cast<uint8_t>(number >> 8);
  };
  if ((flags & kTwo) != 0) id(here);
  if ((flags & kHere) != 0) id((flags & kBelow) != 0 ? below : here);
  reverse_labels(key.bytes, key.size, bytes + size);
  body_.insert(body_.end(), bytes, bytes + size + key.size);
  if (body_.size() - sizeof(Header) > UINT32_MAX - kTail)
    throw std::length_error("names take more than 4 GiB");
}

void NamesWriter::set_root(uint32_t flags, uint16_t here, uint16_t below) noexcept {
  header_.root_flags = flags;
  header_.root_here = here;
  header_.root_below = below;
}

void NamesWriter::push(const NameKey& key, const Membership& membership) {
  const size_t same = any_ ? common_bytes(last_, key) : 0;
  if (any_ && (same == key.size || last_.bytes[same] > key.bytes[same]))
    throw std::length_error("names come out of order");
  uint32_t flags = kGone;
  uint16_t here = 0;
  uint16_t below = 0;
  if (!membership.empty()) {
    here = intern(membership.here);  // also of no lists, where only what is below is listed
    flags = kHere;
    if (membership.below == membership.here) {
      below = here;
      flags |= kBelow;
    } else if (!(membership.below == Lists{})) {
      below = intern(membership.below);
      flags |= kBelow | kTwo;
    }
  }
  ++header_.names;
  if (key.size == 1) {
    set_root(flags, here, below);
  } else {
    size_t labels = 0;
    size_t common = 0;
    for (size_t at = 0; key.bytes[at] != 0; ++labels) {
      at += key.bytes[at] + 1u;
      common += at <= same ? 1 : 0;
    }
    // Its own slot and those of parents that are new, but for one of a single label.
    header_.slots += labels - std::max<size_t>(common, std::min<size_t>(labels - 1, 1));
    records_.push_back({static_cast<uint8_t>(flags), static_cast<uint8_t>(common)});
    append(key, flags, here, below);
  }
  std::memcpy(last_.bytes + same, key.bytes + same, key.size - same);
  last_.size = key.size;
  any_ = true;
}

// One attempt to give every suffix its slot. Where a bucket is full, the entry goes on that is the least far
// from its own, so that none gets far: the distances are as short as if the entries came in the order of
// their buckets.
struct NamesWriter::Placing {
  struct Item {
    uint64_t hash;
    uint32_t flags;
    uint32_t offset;
  };
  // An entry without its hash, of which its tag says enough for the way on.
  struct Entry {
    uint32_t offset;
    uint16_t tag;
    uint8_t flags;
    uint8_t passed;
  };
  static constexpr size_t kFetched = 32;  // items whose buckets are on their way from memory

  uint8_t* buckets;
  uint32_t count;
  std::vector<uint8_t> used;  // slots, by bucket
  std::array<Item, kFetched> items{};
  size_t waiting = 0;

  Placing(uint8_t* at, uint32_t buckets_count)
      : buckets(at), count(buckets_count), used(size_t{buckets_count} + kMaxDisplaced) {}

  static void write(uint8_t* bucket, size_t slot, const Entry& entry) {
    std::memcpy(bucket + slot * sizeof entry.tag, &entry.tag, sizeof entry.tag);
    bucket[offsetof(Bucket, flags) + slot] = static_cast<uint8_t>(entry.flags | entry.passed << kPassedShift);
    std::memcpy(bucket + offsetof(Bucket, names) + slot * sizeof entry.offset, &entry.offset,
                sizeof entry.offset);
  }

  static Entry read(const uint8_t* bucket, size_t slot) {
    Entry entry{};
    std::memcpy(&entry.tag, bucket + slot * sizeof entry.tag, sizeof entry.tag);
    const uint32_t flags = bucket[offsetof(Bucket, flags) + slot];
    entry.flags = flags & ((1u << kPassedShift) - 1);
    entry.passed = static_cast<uint8_t>(flags >> kPassedShift);
    std::memcpy(&entry.offset, bucket + offsetof(Bucket, names) + slot * sizeof entry.offset,
                sizeof entry.offset);
    return entry;
  }

  // Of a full bucket: `entry` becomes the one that has to leave.
  static void pass(uint8_t* bucket, Entry& entry) {
    const uint8_t* flags = bucket + offsetof(Bucket, flags);
    const auto* nearest = std::min_element(
        flags, flags + kSlots, [](uint8_t a, uint8_t b) { return a >> kPassedShift < b >> kPassedShift; });
    if (*nearest >> kPassedShift < entry.passed) {
      const auto slot = static_cast<size_t>(nearest - flags);
      const Entry leaving = read(bucket, slot);
      write(bucket, slot, entry);
      entry = leaving;
    }
    uint64_t further = 0;
    std::memcpy(&further, bucket + offsetof(Bucket, further), sizeof further);
    further |= uint64_t{1} << entry.tag % 64;
    std::memcpy(bucket + offsetof(Bucket, further), &further, sizeof further);
  }

  bool put(const Item& item) {
    Entry entry{item.offset, tag_of(item.hash), static_cast<uint8_t>(item.flags), 0};
    size_t at = bucket_of(item.hash, count);
    for (; used[at] == kSlots; ++at, ++entry.passed) {
      pass(buckets + at * sizeof(Bucket), entry);
      if (entry.passed == kMaxDisplaced) return false;
    }
    write(buckets + at * sizeof(Bucket), used[at]++, entry);
    return true;
  }

  bool add(uint64_t hash, uint32_t flags, uint32_t offset) {
    Item& item = items[waiting++ % kFetched];
    if (waiting > kFetched && !put(item)) return false;
    item = {hash, flags, offset};
    const size_t home = bucket_of(hash, count);
    __builtin_prefetch(buckets + home * sizeof(Bucket), 1);
    __builtin_prefetch(used.data() + home, 1);
    return true;
  }

  bool finish() {
    for (size_t i = waiting < kFetched ? 0 : waiting - kFetched; i < waiting; ++i) {
      if (!put(items[i % kFetched])) return false;
    }
    return true;
  }
};

bool NamesWriter::place() {
  const Places places = places_of(header_);
  std::fill(std::begin(header_.tops), std::end(header_.tops), uint64_t{0});
  Placing placing(body_.data() + places.buckets, header_.buckets);
  const uint8_t* blob = body_.data() + sizeof(Header);
  uint64_t hashes[kMaxLabels + 1];
  hashes[0] = header_.secret[0];
  const uint8_t* starts[kMaxLabels + 1];
  uint8_t name[kMaxName + 16];
  size_t at = kBlobStart;
  for (size_t i = 0; i < records_.size(); ++i) {
    const uint32_t own = records_[i].flags;
    at += (own & kHere) / kHere * sizeof(uint16_t) + (own & kTwo) / kTwo * sizeof(uint16_t);
    const auto offset = static_cast<uint32_t>(at);
    // Hashes reach past a name's end, where a query has zeros.
    size_t labels = 0;
    size_t size = 0;
    for (; blob[at + size] != 0; size += blob[at + size] + 1u) starts[labels++] = name + size;
    std::memcpy(name, blob + at, ++size);
    std::memset(name + size, 0, 16);
    at += size;
    const size_t common = records_[i].common;
    for (size_t depth = common + 1; depth <= labels; ++depth) {
      const uint8_t* label = starts[labels - depth];
      hashes[depth] = depth == 2 ? hash_two(header_.secret[1], header_.secret[0], label, name + size)
                                 : hash_label(header_.secret[1], hashes[depth - 1], label);
      if (depth > 1 && depth < labels && !placing.add(hashes[depth], kInterior, 0)) return false;
    }
    if (labels == 1) header_.tops[hashes[1] / 64 % (kTopBits / 64)] |= uint64_t{1} << hashes[1] % 64;
    const bool parent = i + 1 < records_.size() && records_[i + 1].common == labels;
    if (!placing.add(hashes[labels], own | (parent ? kInterior : 0), offset)) return false;
  }
  return placing.finish();
}

std::vector<uint8_t> NamesWriter::finish() {
  constexpr uint64_t kLoad = 24;  // quarters of slots in use of a bucket's 8, on average
  constexpr int kTries = 32;
  header_.blob = static_cast<uint32_t>(body_.size() - sizeof(Header));
  header_.listsets = static_cast<uint32_t>(lists_.size());
  uint64_t buckets = header_.slots * 4 / kLoad + 1;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (buckets > UINT32_MAX) throw std::length_error("names need more than 2^32 buckets");
    header_.buckets = static_cast<uint32_t>(buckets);
    const Places places = places_of(header_);
    body_.resize(places.end);
    if (attempt > 0) std::memset(body_.data() + places.buckets, 0, places.lists - places.buckets);
    if (place()) {
      std::copy(lists_.begin(), lists_.end(), reinterpret_cast<Lists*>(body_.data() + places.lists));
      std::memcpy(body_.data(), &header_, sizeof header_);
      return std::move(body_);
    }
    draw();
    buckets += buckets / 32 + 1;
  }
  throw std::length_error("names do not spread over their buckets");
}

bool NamesBuilder::set(const uint8_t* wire, size_t size, uint32_t list, Listed listed) {
  NameKey key;
  if (list >= kMaxLists || !make_key(wire, size, key)) return false;
  entries_[key.text()].set(list, listed);
  return true;
}

bool NamesBuilder::touch(const uint8_t* wire, size_t size) {
  NameKey key;
  if (!make_key(wire, size, key)) return false;
  entries_[key.text()];
  return true;
}

std::vector<uint8_t> NamesBuilder::build(const uint64_t* secret) const {
  NamesWriter writer = secret == nullptr ? NamesWriter() : NamesWriter(secret);
  NameKey key;
  for (const auto& [text, membership] : entries_) {
    key.size = text.size();
    std::copy(text.begin(), text.end(), key.bytes);
    writer.push(key, membership);
  }
  return writer.finish();
}

}  // namespace nnoe::tables
