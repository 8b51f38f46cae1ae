// SPDX-License-Identifier: MPL-2.0
// An address or a subnet, and the role set of the clients in it: how the host holds them while it builds
// tables.
#pragma once

#include <cstdint>
#include <tuple>

#include "shm/tables/layout.h"

namespace nnoe::tables {

enum class Family : uint8_t { kV4 = 0, kV6 = 1 };
constexpr uint32_t kFamilies = 2;
constexpr uint8_t kAddressBits[kFamilies] = {32, 128};

// An address is 128 bits, most significant first; that of IPv4 is their first 32, the others are 0.
struct Mapping {
  uint64_t high;
  uint64_t low;
  uint16_t value;  // role set, or kRemoved
  uint8_t length;  // of the prefix, bits; those behind it are 0
};

// Order of all vectors of mappings: a subnet stands before everything inside it, and nothing else between.
inline bool before(const Mapping& a, const Mapping& b) noexcept {
  return std::tie(a.high, a.low, a.length) < std::tie(b.high, b.low, b.length);
}

inline uint64_t mask_high(uint8_t length) noexcept {
  return length == 0 ? 0 : length >= 64 ? ~uint64_t{0} : ~(~uint64_t{0} >> length);
}
inline uint64_t mask_low(uint8_t length) noexcept {
  return length <= 64 ? 0 : mask_high(static_cast<uint8_t>(length - 64));
}

// The first `length` bits of an address, as a prefix.
inline Mapping prefix_of(uint64_t high, uint64_t low, uint8_t length, uint16_t value = kAbsent) noexcept {
  return {high & mask_high(length), low & mask_low(length), value, length};
}

inline bool covers(const Mapping& prefix, const Mapping& other) noexcept {
  return prefix.length <= other.length && (other.high & mask_high(prefix.length)) == prefix.high &&
         (other.low & mask_low(prefix.length)) == prefix.low;
}

}  // namespace nnoe::tables
