// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/hosts.h"

#include <algorithm>
#include <stdexcept>

namespace nnoe::tables {
namespace {

// Of all slots, how many are used: fewer, and one probe nearly always answers; more, and memory is saved.
constexpr double kFill4 = 0.6;
constexpr double kFill6 = 0.55;
constexpr int kDraws = 8;  // of a secret before the table is made larger

struct Slot4 {
  using Bucket = HostBucket4;
  static constexpr size_t kSlots = kHosts4;
  static constexpr double kFill = kFill4;
  static void put(Bucket& bucket, size_t slot, const Mapping& host) noexcept {
    bucket.address[slot] = static_cast<uint32_t>(host.high >> 32);
  }
};

struct Slot6 {
  using Bucket = HostBucket6;
  static constexpr size_t kSlots = kHosts6;
  static constexpr double kFill = kFill6;
  static void put(Bucket& bucket, size_t slot, const Mapping& host) noexcept {
    bucket.address[slot][0] = __builtin_bswap64(host.high);
    bucket.address[slot][1] = __builtin_bswap64(host.low);
  }
};

template <class Slot>
typename Slot::Bucket empty_bucket() noexcept {
  typename Slot::Bucket bucket{};
  std::fill_n(bucket.value, Slot::kSlots, kAbsent);
  return bucket;
}

// Whether every value is one that may be there; counts the entries.
template <class Bucket>
bool check(const Bucket* buckets, size_t count, size_t slots, const Limits& limits, bool delta,
           uint32_t& entries) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (buckets[i].reach > kHostsReach) return false;
    for (size_t slot = 0; slot < slots; ++slot) {
      const uint16_t value = buckets[i].value[slot];
      if (value == kAbsent) continue;
      if (value >= limits.role_sets && !(delta && value == kRemoved)) return false;
      ++entries;
    }
  }
  return true;
}

}  // namespace

bool Hosts::open(Body body, const Limits& limits, Hosts& out, std::string& why) {
  HostsHeader header{};
  if (body.size < sizeof header) return why = "shorter than its header", false;
  std::memcpy(&header, body.data, sizeof header);
  const uint64_t count4 = uint64_t{header.buckets4} + kHostsReach;
  const uint64_t count6 = uint64_t{header.buckets6} + kHostsReach;
  if (header.buckets4 == 0 || header.buckets6 == 0 || header.delta > 1)
    return why = "a header that cannot be one", false;
  if (body.size != sizeof header + count4 * sizeof(HostBucket4) + count6 * sizeof(HostBucket6))
    return why = "its size is not what its header says", false;
  Hosts made;
  std::memcpy(made.secret_, header.secret, sizeof made.secret_);
  made.buckets4_ = reinterpret_cast<const HostBucket4*>(body.data + sizeof header);
  made.buckets6_ = reinterpret_cast<const HostBucket6*>(made.buckets4_ + count4);
  made.count4_ = header.buckets4;
  made.count6_ = header.buckets6;
  made.delta_ = header.delta != 0;
  // A lookup goes up to kHostsReach buckets past one of the first `buckets`: no further than the last.
  if (!check(made.buckets4_, count4, kHosts4, limits, made.delta_, made.entries4_) ||
      !check(made.buckets6_, count6, kHosts6, limits, made.delta_, made.entries6_))
    return why = "a role set that the registry does not have, or a probe that is too long", false;
  if (made.entries4_ != header.entries4 || made.entries6_ != header.entries6)
    return why = "not as many entries as its header says", false;
  out = made;
  return true;
}

uint16_t Hosts::further4(const HostBucket4* bucket, uint32_t address) noexcept {
  const HostBucket4* const last = bucket + bucket->reach;
  while (bucket++ != last) {
    const uint32_t slots = match4(*bucket, address);
    if (slots != 0) return bucket->value[__builtin_ctz(slots)];
  }
  return kAbsent;
}

uint16_t Hosts::further6(const HostBucket6* bucket, const uint64_t* words) noexcept {
  const HostBucket6* const last = bucket + bucket->reach;
  while (bucket++ != last) {
    const uint32_t slot = match6(*bucket, words);
    if (slot < kHosts6) return bucket->value[slot];
  }
  return kAbsent;
}

std::vector<Mapping> Hosts::entries(Family family) const {
  std::vector<Mapping> found;
  if (family == Family::kV4) {
    found.reserve(entries4_);
    for (size_t i = 0; i < size_t{count4_} + kHostsReach; ++i)
      for (size_t slot = 0; slot < kHosts4; ++slot)
        if (buckets4_[i].value[slot] != kAbsent)
          found.push_back({uint64_t{buckets4_[i].address[slot]} << 32, 0, buckets4_[i].value[slot], 32});
    return found;
  }
  found.reserve(entries6_);
  for (size_t i = 0; i < size_t{count6_} + kHostsReach; ++i)
    for (size_t slot = 0; slot < kHosts6; ++slot) {
      if (buckets6_[i].value[slot] == kAbsent) continue;
      const uint64_t* const words = buckets6_[i].address[slot];
      found.push_back(
          {__builtin_bswap64(words[0]), __builtin_bswap64(words[1]), buckets6_[i].value[slot], 128});
    }
  return found;
}

class HostsBuilder {
 public:
  // Buckets of one family, and in `secret` the two words with which every entry found its place.
  template <class Slot, class Home>
  static std::vector<typename Slot::Bucket> fill(const std::vector<Mapping>& hosts, uint64_t* secret,
                                                 uint32_t& count, Home home, SecretSource draw_words) {
    auto wanted = static_cast<uint64_t>(static_cast<double>(hosts.size()) / (Slot::kFill * Slot::kSlots)) + 1;
    for (;; wanted += wanted / 4 + 1) {
      if (wanted > UINT32_MAX) throw std::length_error("too many hosts for one table");
      count = static_cast<uint32_t>(wanted);
      for (int draw = 0; draw < kDraws; ++draw) {
        draw_words(secret, 2);
        std::vector<typename Slot::Bucket> buckets(count + kHostsReach, empty_bucket<Slot>());
        if (place<Slot>(hosts, buckets, home)) return buckets;
      }
    }
  }

  static size_t home4(const Mapping& host, const uint64_t* secret, uint32_t count) noexcept {
    return Hosts::below(Hosts::fold((host.high >> 32) ^ secret[0], secret[1]), count);
  }
  static size_t home6(const Mapping& host, const uint64_t* secret, uint32_t count) noexcept {
    return Hosts::below(
        Hosts::fold(__builtin_bswap64(host.high) ^ secret[0], __builtin_bswap64(host.low) ^ secret[1]),
        count);
  }

 private:
  template <class Slot, class Home>
  static bool place(const std::vector<Mapping>& hosts, std::vector<typename Slot::Bucket>& buckets,
                    Home home) {
    for (const Mapping& host : hosts) {
      const size_t first = home(host);
      uint32_t reach = 0;
      while (reach <= kHostsReach && buckets[first + reach].value[Slot::kSlots - 1] != kAbsent) ++reach;
      if (reach > kHostsReach) return false;
      auto& bucket = buckets[first + reach];
      const auto* free = std::find(bucket.value, bucket.value + Slot::kSlots, kAbsent);
      const auto slot = static_cast<size_t>(free - bucket.value);
      Slot::put(bucket, slot, host);
      bucket.value[slot] = host.value;
      buckets[first].reach = std::max(buckets[first].reach, reach);
    }
    return true;
  }
};

Bytes build_hosts(const std::vector<Mapping>& v4, const std::vector<Mapping>& v6, bool delta,
                  SecretSource draw) {
  HostsHeader header{};
  header.entries4 = static_cast<uint32_t>(v4.size());
  header.entries6 = static_cast<uint32_t>(v6.size());
  header.delta = delta ? 1 : 0;
  const auto buckets4 = HostsBuilder::fill<Slot4>(
      v4, header.secret, header.buckets4,
      [&](const Mapping& host) { return HostsBuilder::home4(host, header.secret, header.buckets4); }, draw);
  const auto buckets6 = HostsBuilder::fill<Slot6>(
      v6, header.secret + 2, header.buckets6,
      [&](const Mapping& host) { return HostsBuilder::home6(host, header.secret + 2, header.buckets6); },
      draw);
  const size_t bytes4 = buckets4.size() * sizeof(HostBucket4);
  const size_t bytes6 = buckets6.size() * sizeof(HostBucket6);
  Bytes body(sizeof header + bytes4 + bytes6);
  std::memcpy(body.data(), &header, sizeof header);
  std::memcpy(body.data() + sizeof header, buckets4.data(), bytes4);
  std::memcpy(body.data() + sizeof header + bytes4, buckets6.data(), bytes6);
  return body;
}

}  // namespace nnoe::tables
