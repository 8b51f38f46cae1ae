// SPDX-License-Identifier: MPL-2.0
// The site that the cases `verdict` and `swap` ask about: clients, lists and policies that are always the
// same, and what is asked.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "domains.h"
#include "shm/tables/mapping.h"

namespace nnoe::bench {

constexpr uint64_t kSite = 4;       // seed of everything
constexpr uint16_t kRoleSets = 16;  // the default one included
constexpr uint32_t kLists = 12;
constexpr uint32_t kAllowList = 8;  // it alone allows; those before it block
constexpr uint32_t kPolicyList =
    10;  // this and the next are asked for by policies, nobody subscribes to them

// Numbers of actions.
enum : uint16_t { kAllowed = 0, kNxdomain = 1, kRefused = 2, kNodata = 3 };

// Role sets in three classes: the first takes no list, the second some, the third all up to kPolicyList.
inline bool takes(uint16_t role_set, uint32_t list) {
  const uint32_t of_class = role_set % 3;
  return list < kPolicyList && (of_class == 2 || (of_class == 1 && list % 2 == 0));
}
inline uint16_t action_of(uint16_t role_set) { return role_set % 2 == 0 ? kNxdomain : kRefused; }

// What every role set's policy says: types that resolvers ask for; nothing below this domain but for role
// sets that are multiples of 5; nothing that is on one of the policy's lists.
constexpr uint16_t kTypes[] = {1, 5, 12, 15, 16, 28, 33, 64, 65};
constexpr const char* kInternal = "internal.example";
inline bool sees_internal(uint16_t role_set) { return role_set % 5 == 0; }

// IPv4, host order. Clients side by side, 256 of every /20 in 10.0.0.0/8, up to a million.
inline uint32_t host_address(uint64_t number) {
  return static_cast<uint32_t>(0x0a000000 + number / 256 * 4096 + number % 256);
}
inline uint16_t role_set_of_host(uint64_t number) {
  return static_cast<uint16_t>(1 + Domains::mix(number ^ 0x4057) % (kRoleSets - 1));
}
// /24 in 100.64.0.0/10, and every 16th a /20 around the next.
inline tables::Mapping subnet(uint64_t number) {
  const uint64_t address = (0x64400000 + number % 16384 * 256) << 32;
  const auto role_set = static_cast<uint16_t>(1 + Domains::mix(number ^ 0x5b7e7) % (kRoleSets - 1));
  return tables::prefix_of(address, 0, number % 16 == 0 ? 20 : 24, role_set);
}

struct Sizes {
  uint64_t hosts;
  uint64_t subnets;
  uint64_t names;
};

// Queries one behind the other, as packets lie in a server's buffers: reading one is nothing to wait for.
class Queries {
 public:
  void add(uint32_t address, uint16_t type, const std::string& name) {
    at_.push_back(bytes_.size());
    for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>(address >> shift);
    bytes_ += static_cast<char>(type);
    bytes_ += static_cast<char>(type >> 8);
    bytes_ += static_cast<char>(name.size());
    bytes_ += name;
  }
  size_t size() const noexcept { return at_.size(); }
  struct View {
    const uint8_t* address;
    const uint8_t* name;
    uint32_t name_bytes;
    uint16_t type;
  };
  void add(const View& query) {
    at_.push_back(bytes_.size());
    bytes_.append(reinterpret_cast<const char*>(query.address), size_t{7} + query.name_bytes);
  }
  View operator[](size_t i) const noexcept {
    const auto* at = reinterpret_cast<const uint8_t*>(bytes_.data()) + at_[i];
    return {at, at + 7, at[6], static_cast<uint16_t>(at[4] | at[5] << 8)};
  }

 private:
  std::string bytes_;
  std::vector<size_t> at_;
};

inline size_t labels_of(const std::string& name) {
  size_t labels = 0;
  for (size_t at = 0; name[at] != 0; at += static_cast<uint8_t>(name[at]) + 1u) ++labels;
  return labels;
}

// A name of three labels: on no list (`miss`), below a listed one (`above`), listed (`itself`); `mixed` is
// what a busy resolver of such clients may see: of 8 queries one `above`, one `itself`.
inline std::string name_of(const std::string& kind, uint64_t names, uint64_t i) {
  const Domains domains(kSite);
  const uint64_t bits = Domains::mix(i ^ 0x9a3e);
  const std::string sort = kind != "mixed" ? kind
                           : bits % 8 == 0 ? "above"
                           : bits % 8 == 1 ? "itself"
                                           : "miss";
  for (uint64_t tried = 0;; ++tried) {
    const uint64_t number = Domains::mix(bits + tried * 0x9e37) % names;
    const std::string entry = domains.entry(number);
    std::string name;
    if (sort == "miss") name = domains.below(domains.domain(names * 2 + number), i);
    if (sort == "above" && labels_of(entry) == 2 && !domains.exact(number)) name = domains.below(entry, i);
    if (sort == "itself") name = entry;
    if (name.empty() || labels_of(name) != 3) continue;
    for (size_t at = 1; at < name.size(); ++at)
      if (name[at] >= 'a' && name[at] <= 'z' && Domains::mix(i * 256 + at) % 3 == 0)
        name[at] = static_cast<char>(name[at] - 32);
    return name;
  }
}

// Ranks of `count` draws out of `distinct`, the one of rank r with a chance of 1 / (r + 1) to that of rank 0:
// Zipf's law with exponent 1, which what a resolver is asked comes near to. Always the same ones.
inline std::vector<uint32_t> zipf_ranks(size_t count, size_t distinct) {
  std::vector<double> up_to(distinct);
  double sum = 0;
  for (size_t rank = 0; rank < distinct; ++rank) up_to[rank] = sum += 1.0 / static_cast<double>(rank + 1);
  std::vector<uint32_t> ranks(count);
  for (size_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(Domains::mix(i ^ 0x21bf) >> 11) * 0x1p-53;
    const auto found = std::upper_bound(up_to.begin(), up_to.end(), share * sum);
    const auto rank = static_cast<size_t>(found - up_to.begin());
    ranks[i] = static_cast<uint32_t>(std::min(rank, distinct - 1));
  }
  return ranks;
}

// All of clients with an address of their own, except for `everybody`: those in subnets and in none, types
// that are refused, and names that policies look at, as well.
inline Queries queries_of(const std::string& kind, const Sizes& sizes, size_t count) {
  Queries made;
  const bool everybody = kind == "everybody";
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bits = Domains::mix(i ^ 0xc11e);
    uint32_t address = host_address(bits % sizes.hosts);
    uint16_t type = kTypes[bits >> 20 & 1 ? 5 : 0];
    std::string name = name_of(everybody ? "mixed" : kind, sizes.names, i);
    if (everybody && bits >> 24 & 1) address = static_cast<uint32_t>(0x64400000 + (bits >> 32) % (1u << 22));
    if (everybody && (bits >> 25 & 7) == 0) address = static_cast<uint32_t>(bits >> 32);
    if (everybody && (bits >> 28 & 7) == 0) type = 10;
    if (everybody && (bits >> 31 & 7) == 0)
      name = std::string("\3wWw\10internal\7example") + std::string(1, '\0');
    made.add(address, type, name);
  }
  return made;
}

// The same ones as often as they are asked for by Zipf's law, in the order in which they arrive.
inline Queries zipf_of(const std::string& kind, const Sizes& sizes, size_t count, size_t distinct) {
  const Queries all = queries_of(kind, sizes, distinct);
  Queries made;
  for (const uint32_t rank : zipf_ranks(count, distinct)) made.add(all[rank]);
  return made;
}

}  // namespace nnoe::bench
