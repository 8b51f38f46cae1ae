// SPDX-License-Identifier: MPL-2.0
// What the tests of client tables share: random addresses, and the simplest way to find what they are.
#pragma once

#include <arpa/inet.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "shm/tables/client_store.h"
#include "shm/tables/test/aligned.h"

namespace nnoe::tables::test {

using Random = std::mt19937_64;
constexpr Limits kLimits{kMaxRoleSets, kMaxLists, kMaxActions};

struct Address {
  uint64_t high;
  uint64_t low;
};

// `bytes` in network order.
inline void to_bytes(Address address, uint8_t bytes[16]) noexcept {
  const uint64_t words[2] = {__builtin_bswap64(address.high), __builtin_bswap64(address.low)};
  std::memcpy(bytes, words, sizeof words);
}

template <class Table>
uint16_t find(const Table& table, Family family, Address address) {
  uint8_t bytes[16];
  to_bytes(address, bytes);
  return family == Family::kV4 ? table.find4(static_cast<uint32_t>(address.high >> 32)) : table.find6(bytes);
}

// Linear scan for the longest prefix; nullptr when none holds the address.
inline const Mapping* scan(const std::vector<Mapping>& prefixes, Address address) {
  const Mapping* best = nullptr;
  for (const Mapping& prefix : prefixes)
    if (covers(prefix, {address.high, address.low, 0, 128}) &&
        (best == nullptr || prefix.length >= best->length))
      best = &prefix;
  return best;
}

// Mostly close to each other, so that prefixes hold each other and addresses meet them.
inline Address random_address(Random& random, Family family) {
  static constexpr uint64_t kNets[] = {0x0a00000000000000, 0x0a01000000000000, 0xc0a8010000000000,
                                       0x20010db800000000, 0x20010db800010000, 0xfd00000000000000};
  Address address{kNets[random() % std::size(kNets)], 0};
  const uint64_t kind = random() % 8;
  if (kind == 0) address.high = random();
  if (kind < 5) address.high ^= random() >> (8 + random() % 48);
  if (random() % 2 == 0) address.low = random() >> (random() % 64);
  if (family == Family::kV4) address = {address.high & 0xffffffff00000000, 0};
  return address;
}

inline Mapping random_prefix(Random& random, Family family) {
  const uint8_t bits = kAddressBits[static_cast<size_t>(family)];
  const Address address = random_address(random, family);
  uint64_t length = random() % (bits + 1u);
  if (random() % 2 == 0) length = bits / 4 + random() % (bits / 2u);
  return prefix_of(address.high, address.low, static_cast<uint8_t>(length),
                   static_cast<uint16_t>(random() % 50));
}

// `count` prefixes at most, in order, each once.
inline std::vector<Mapping> random_prefixes(Random& random, Family family, size_t count) {
  std::vector<Mapping> made;
  for (size_t i = 0; i < count; ++i) made.push_back(random_prefix(random, family));
  std::sort(made.begin(), made.end(), before);
  const auto same = [](const Mapping& a, const Mapping& b) { return !before(a, b); };
  made.erase(std::unique(made.begin(), made.end(), same), made.end());
  return made;
}

// An address near to one of the prefixes: inside, first, last, one before, one behind.
inline Address near(Random& random, Family family, const std::vector<Mapping>& prefixes) {
  if (prefixes.empty() || random() % 4 == 0) return random_address(random, family);
  const Mapping& prefix = prefixes[random() % prefixes.size()];
  Address address{prefix.high | (random() & ~mask_high(prefix.length)),
                  prefix.low | (random() & ~mask_low(prefix.length))};
  if (random() % 2 == 0) address = {prefix.high, prefix.low};
  if (random() % 4 == 0)
    address = {prefix.high | ~mask_high(prefix.length), prefix.low | ~mask_low(prefix.length)};
  if (random() % 4 == 0) address.high += family == Family::kV4 ? 0x100000000 : 1;
  if (random() % 4 == 0) address.high -= family == Family::kV4 ? 0x100000000 : 1;
  if (family == Family::kV4) address = {address.high & 0xffffffff00000000, 0};
  return address;
}

inline ClientRecord record_of(Family family, const Mapping& mapping) {
  ClientRecord record{};
  to_bytes({mapping.high, mapping.low}, record.address);
  record.family = family == Family::kV4 ? 4 : 6;
  record.length = mapping.length;
  record.role_set = mapping.value;
  return record;
}

// "10.0.0.0/8" or "2001:db8::1", which is a host.
inline ClientRecord record(const std::string& text, uint16_t role_set = 0) {
  ClientRecord made{};
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  made.family = text.find(':') == std::string::npos ? 4 : 6;
  if (::inet_pton(made.family == 4 ? AF_INET : AF_INET6, address.c_str(), made.address) != 1) std::abort();
  const int bits = made.family == 4 ? 32 : 128;
  made.length = static_cast<uint8_t>(slash == std::string::npos ? bits : std::atoi(text.c_str() + slash + 1));
  made.role_set = role_set;
  return made;
}

}  // namespace nnoe::tables::test
