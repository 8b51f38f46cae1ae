// SPDX-License-Identifier: MPL-2.0
// SipHash-2-4 with 128 bits of result (Aumasson, Bernstein): a keyed hash whose results nobody can aim at who
// does not have the key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nnoe::bridge {

struct Hash128 {
  uint64_t low;
  uint64_t high;
  friend bool operator==(const Hash128& a, const Hash128& b) noexcept {
    return a.low == b.low && a.high == b.high;
  }
};

inline Hash128 siphash128(const uint64_t (&key)[2], const void* data, size_t size) noexcept {
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du ^ 0xee,
                   key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
  const auto turned = [](uint64_t word, int bits) { return word << bits | word >> (64 - bits); };
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      v[0] += v[1];
      v[2] += v[3];
      v[1] = turned(v[1], 13) ^ v[0];
      v[3] = turned(v[3], 16) ^ v[2];
      v[0] = turned(v[0], 32) + v[3];
      v[2] += v[1];
      v[1] = turned(v[1], 17) ^ v[2];
      v[3] = turned(v[3], 21) ^ v[0];
      v[2] = turned(v[2], 32);
    }
  };
  const auto mix = [&](uint64_t word) {
    v[3] ^= word;
    rounds(2);
    v[0] ^= word;
  };
  const auto* bytes = static_cast<const uint8_t*>(data);
  const size_t whole = size / 8 * 8;
  uint64_t word;
  for (size_t at = 0; at < whole; at += 8) {
    std::memcpy(&word, bytes + at, sizeof word);
    mix(word);
  }
  word = 0;
  if (size > whole) std::memcpy(&word, bytes + whole, size - whole);
  mix(word | static_cast<uint64_t>(size) << 56);
  v[2] ^= 0xee;
  rounds(4);
  Hash128 hash{v[0] ^ v[1] ^ v[2] ^ v[3], 0};
  v[1] ^= 0xdd;
  rounds(4);
  hash.high = v[0] ^ v[1] ^ v[2] ^ v[3];
  return hash;
}

}  // namespace nnoe::bridge
