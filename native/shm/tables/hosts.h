// SPDX-License-Identifier: MPL-2.0
// Single addresses to role sets: an exact hash, one cache line a probe. Used for what has a mapping of its
// own (leases, /32, /128); subnets stand in prefixes.h, where 100,000 single addresses would cost ten times
// the memory. The whole address is always compared.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <cstring>
#include <string>
#include <vector>

#include "shm/tables/bytes.h"
#include "shm/tables/mapping.h"
#include "shm/tables/registry.h"

namespace nnoe::tables {

constexpr size_t kHosts4 = 10;  // slots of a bucket
constexpr size_t kHosts6 = 3;
constexpr uint32_t kHostsReach = 15;  // an entry lies at most that many buckets behind its own

// First bytes of the body; then buckets4 + kHostsReach buckets of IPv4, then buckets6 + kHostsReach of IPv6.
struct HostsHeader {
  uint64_t secret[4];  // of the hash: two words for IPv4, two for IPv6; drawn for every table
  uint32_t entries4;
  uint32_t buckets4;  // at least 1
  uint32_t entries6;
  uint32_t buckets6;
  uint32_t delta;  // 1: kRemoved may occur
  uint32_t zero[3];
};
static_assert(sizeof(HostsHeader) == 64);

// Slots are filled from the first; an empty one is all zeros with the value kAbsent, so that its address,
// when it is asked for, has no entry here.
struct alignas(64) HostBucket4 {
  uint32_t address[kHosts4];
  uint16_t value[kHosts4];
  uint32_t reach;  // how many buckets further an entry may lie whose hash leads here; 0..kHostsReach
};
struct alignas(64) HostBucket6 {
  uint64_t address[kHosts6][2];  // as it stands on the wire
  uint16_t value[kHosts6];
  uint16_t zero;
  uint32_t reach;
  uint32_t zero2;
};
static_assert(sizeof(HostBucket4) == 64 && sizeof(HostBucket6) == 64);

class Hosts {
 public:
  // One that was not opened is empty, for find4() too.
  static bool open(Body body, const Limits& limits, Hosts& out, std::string& why);

  // Role set, kAbsent, or in a delta kRemoved. `address` in the machine's order; 16 bytes in network order.
  uint16_t find4(uint32_t address) const noexcept {
    return static_cast<uint16_t>(find4(home4(address), address));
  }
  // The same in two steps: the first asks the memory for what the second reads.
  const HostBucket4* begin4(uint32_t address) const noexcept {
    const HostBucket4* bucket = home4(address);
    __builtin_prefetch(bucket);
    return bucket;
  }
  static uint32_t find4(const HostBucket4* bucket, uint32_t address) noexcept {
    const uint32_t slots = match4(*bucket, address);
    if (__builtin_expect(slots != 0, 1)) return bucket->value[static_cast<uint32_t>(__builtin_ctz(slots))];
    return __builtin_expect(bucket->reach == 0, 1) ? kAbsent : further4(bucket, address);
  }
  uint16_t find6(const uint8_t* address) const noexcept {
    uint64_t words[2];
    std::memcpy(words, address, sizeof words);
    const HostBucket6* bucket = home6(words);
    const uint32_t slot = match6(*bucket, words);
    if (slot < kHosts6) return bucket->value[slot];
    return __builtin_expect(bucket->reach == 0, 1) ? kAbsent : further6(bucket, words);
  }
  void prefetch6(const uint8_t* address) const noexcept {
    uint64_t words[2];
    std::memcpy(words, address, sizeof words);
    __builtin_prefetch(home6(words));
  }

  size_t size4() const noexcept { return entries4_; }
  size_t size6() const noexcept { return entries6_; }
  bool is_delta() const noexcept { return delta_; }
  // All entries of a family, in no order.
  std::vector<Mapping> entries(Family family) const;

 private:
  __extension__ using Wide = unsigned __int128;

  static uint64_t fold(uint64_t a, uint64_t b) noexcept {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  static size_t below(uint64_t hash, uint64_t count) noexcept {
    return static_cast<size_t>((hash & 0xffffffffu) * count >> 32);
  }
  const HostBucket4* home4(uint32_t address) const noexcept {
    return buckets4_ + below(fold(address ^ secret_[0], secret_[1]), count4_);
  }
  const HostBucket6* home6(const uint64_t* words) const noexcept {
    return buckets6_ + below(fold(words[0] ^ secret_[2], words[1] ^ secret_[3]), count6_);
  }
  static uint32_t match4(const HostBucket4& bucket, uint32_t address) noexcept;       // a bit a slot
  static uint32_t match6(const HostBucket6& bucket, const uint64_t* words) noexcept;  // the slot, or kHosts6
  static uint16_t further4(const HostBucket4* bucket, uint32_t address) noexcept;
  static uint16_t further6(const HostBucket6* bucket, const uint64_t* words) noexcept;

  friend class HostsBuilder;

  uint64_t secret_[4] = {};
  static constexpr HostBucket4 kNone4{
      {}, {kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}, 0};

  const HostBucket4* buckets4_ = &kNone4;
  const HostBucket6* buckets6_ = nullptr;
  uint64_t count4_ = 0;  // of buckets, below 2^32
  uint64_t count6_ = 0;
  uint32_t entries4_ = 0;
  uint32_t entries6_ = 0;
  bool delta_ = false;
};

// A section's body. Every address once; their lengths are not looked at. With `delta`, values may be
// kRemoved. About 11 bytes an IPv4 host and 39 an IPv6 host. `draw` gives the secret: fixed ones are for
// measurements alone.
Bytes build_hosts(const std::vector<Mapping>& v4, const std::vector<Mapping>& v6, bool delta,
                  SecretSource draw = draw_secret);

inline uint32_t Hosts::match4(const HostBucket4& bucket, uint32_t address) noexcept {
#if defined(__SSE2__)
  // Twelve words, of which the last two are values: the mask takes them away.
  const auto* lines = reinterpret_cast<const __m128i*>(&bucket);
  const __m128i key = _mm_set1_epi32(static_cast<int>(address));
  const __m128i first = _mm_cmpeq_epi32(key, _mm_load_si128(lines));
  const __m128i second = _mm_cmpeq_epi32(key, _mm_load_si128(lines + 1));
  const __m128i third = _mm_cmpeq_epi32(key, _mm_load_si128(lines + 2));
  const __m128i packed = _mm_packs_epi16(_mm_packs_epi32(first, second), _mm_packs_epi32(third, third));
  return static_cast<uint32_t>(_mm_movemask_epi8(packed)) & ((1u << kHosts4) - 1);
#else
  uint32_t slots = 0;
  for (uint32_t i = 0; i < kHosts4; ++i) slots |= static_cast<uint32_t>(bucket.address[i] == address) << i;
  return slots;
#endif
}

inline uint32_t Hosts::match6(const HostBucket6& bucket, const uint64_t* words) noexcept {
  // The second half tells the hosts of one network apart.
  for (uint32_t i = 0; i < kHosts6; ++i)
    if (bucket.address[i][1] == words[1] && bucket.address[i][0] == words[0]) return i;
  return kHosts6;
}

}  // namespace nnoe::tables
