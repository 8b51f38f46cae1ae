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

size_t NamesWriter::ListsHash::operator()(const Lists& lists) const noexcept {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (const uint64_t word : lists.bits) hash = folded(hash ^ word, 0xd6e8feb86659fd93);
  return hash;
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

uint16_t NamesWriter::intern(const Lists& lists) {
  if (last_id_ < lists_.size() && lists_[last_id_] == lists) return last_id_;
  const auto [at, added] = ids_.emplace(lists, static_cast<uint16_t>(lists_.size()));
  if (added) {
    if (lists_.size() == kMaxListsets)
      throw std::length_error("names are on more than 65535 different combinations of lists");
    lists_.push_back(lists);
  }
  last_id_ = at->second;
  return last_id_;
}

void NamesWriter::append_id(uint16_t id) {
  body_.push_back(static_cast<uint8_t>(id));
  body_.push_back(static_cast<uint8_t>(id >> 8));
}

void NamesWriter::set_root(uint32_t flags, uint16_t here, uint16_t below) noexcept {
  header_.root_flags = flags;
  header_.root_here = here;
  header_.root_below = below;
}

void NamesWriter::push(const NameKey& key, const Membership& membership) {
  if (any_ && last_.compare(key) >= 0) throw std::length_error("names come out of order");
  uint32_t flags = kGone;
  uint16_t here = 0;
  uint16_t below = 0;
  if (!membership.empty()) {
    here = intern(membership.here);  // also of no lists, where only what is below is listed
    flags = kHere;
    if (!(membership.below == Lists{})) {
      below = intern(membership.below);
      flags |= kBelow | (here == below ? 0 : kTwo);
    }
  }
  ++header_.names;
  if (key.size == 1) {
    set_root(flags, here, below);
    copy_key(last_, key);
    any_ = true;
    return;
  }
  const size_t common = any_ ? common_labels(last_.bytes, key.bytes) : 0;
  const size_t labels = count_labels(key.bytes);
  // Its own slot and those of parents that are new, but for one of a single label.
  header_.slots += labels - std::max<size_t>(common, std::min<size_t>(labels - 1, 1));
  records_.push_back({static_cast<uint8_t>(flags), static_cast<uint8_t>(common)});
  if ((flags & kTwo) != 0) append_id(here);
  if ((flags & kHere) != 0) append_id((flags & kBelow) != 0 ? below : here);
  const size_t at = body_.size();
  body_.resize(at + key.size);
  reverse_labels(key.bytes, key.size, body_.data() + at);
  if (body_.size() - sizeof(Header) > UINT32_MAX - kTail)
    throw std::length_error("names take more than 4 GiB");
  copy_key(last_, key);
  any_ = true;
}

// One attempt to give every suffix its slot.
struct NamesWriter::Placing {
  struct Item {
    uint64_t hash;
    uint32_t flags;
    uint32_t offset;
  };
  static constexpr size_t kFetched = 32;  // items whose buckets are on their way from memory

  uint8_t* buckets;
  uint32_t count;
  std::vector<uint8_t> used;  // slots, by bucket
  std::array<Item, kFetched> items{};
  size_t waiting = 0;

  Placing(uint8_t* at, uint32_t buckets_count)
      : buckets(at), count(buckets_count), used(size_t{buckets_count} + kMaxDisplaced) {}

  bool put(const Item& item) {
    const size_t home = bucket_of(item.hash, count);
    size_t at = home;
    for (; used[at] == kSlots; ++at) {
      if (at == home + kMaxDisplaced) return false;
      uint8_t* passed = buckets + at * sizeof(Bucket) + offsetof(Bucket, further);
      uint64_t further = 0;
      std::memcpy(&further, passed, sizeof further);
      further |= further_of(item.hash);
      std::memcpy(passed, &further, sizeof further);
    }
    const size_t slot = used[at]++;
    uint8_t* bucket = buckets + at * sizeof(Bucket);
    const uint16_t tag = tag_of(item.hash);
    std::memcpy(bucket + slot * sizeof tag, &tag, sizeof tag);
    bucket[offsetof(Bucket, flags) + slot] = static_cast<uint8_t>(item.flags);
    std::memcpy(bucket + offsetof(Bucket, names) + slot * sizeof item.offset, &item.offset,
                sizeof item.offset);
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
  std::memset(body_.data() + places.buckets, 0, places.lists - places.buckets);
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
  constexpr uint64_t kLoad = 22;  // quarters of slots in use of a bucket's 8, on average
  constexpr int kTries = 32;
  header_.blob = static_cast<uint32_t>(body_.size() - sizeof(Header));
  header_.listsets = static_cast<uint32_t>(lists_.size());
  uint64_t buckets = header_.slots * 4 / kLoad + 1;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (buckets > UINT32_MAX) throw std::length_error("names need more than 2^32 buckets");
    header_.buckets = static_cast<uint32_t>(buckets);
    const Places places = places_of(header_);
    body_.resize(places.end);
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
