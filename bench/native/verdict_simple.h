// SPDX-License-Identifier: MPL-2.0
// The other way to decide about the site of verdict_data.h: a map of addresses, a binary tree of subnets, a
// map of listed suffixes, and the policy written out. It counts as a bridge does, and records nothing.
#pragma once

#include <cstring>
#include <string_view>
#include <unordered_map>

#include "dnsdist-bridge/nnoe.h"
#include "shm/tables/subscriptions.h"
#include "shm/tables/verdict.h"
#include "verdict_data.h"

namespace nnoe::bench {

class Simple {
 public:
  explicit Simple(const Sizes& sizes) : counters_(size_t{1} << 16) {
    hosts_.reserve(sizes.hosts);
    for (uint64_t i = 0; i < sizes.hosts; ++i) hosts_[host_address(i)] = role_set_of_host(i);
    for (uint64_t i = 0; i < sizes.subnets; ++i) add_subnet(subnet(i));
    const Domains domains(kSite);
    entries_.reserve(sizes.names);
    for (uint64_t i = 0; i < sizes.names; ++i) {
      const uint32_t lists = domains.lists(i);
      entries_[domains.entry(i)] |= lists | (domains.exact(i) ? 0 : lists << 16);
    }
  }

  nnoe_verdict decide(const Queries::View& query) noexcept {
    uint32_t address = 0;
    std::memcpy(&address, query.address, sizeof address);
    nnoe_verdict verdict{0,
                         static_cast<uint8_t>(tables::Reason::kPolicy),
                         kAllowed,
                         role_set_of(__builtin_bswap32(address)),
                         tables::kNoList,
                         0};
    char name[256];
    for (uint32_t i = 0; i < query.name_bytes; ++i) {
      const uint8_t byte = query.name[i];
      name[i] = static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    const std::string_view whole(name, query.name_bytes);
    uint32_t lists = 0;
    if (look_up(whole, verdict, lists)) {
      verdict.reason = static_cast<uint8_t>(tables::Reason::kBlockList);
      verdict.action = action_of(verdict.role_set);
    } else {
      verdict.action = policy(whole, query.type, lists, verdict.role_set);
    }
    static constexpr tables::Act kActOf[] = {tables::Act::kAllow, tables::Act::kNxdomain,
                                             tables::Act::kRefused, tables::Act::kNodata};
    verdict.act = static_cast<uint8_t>(kActOf[verdict.action]);
    ++counters_[size_t{verdict.role_set} * 8 + verdict.act];
    ++counters_[4096 + size_t{verdict.reason} * 8 + verdict.act];
    if (verdict.list != tables::kNoList) ++counters_[8192 + size_t{verdict.list} * 8 + verdict.act];
    return verdict;
  }

 private:
  struct Node {
    uint32_t child[2] = {0, 0};
    uint16_t role_set = tables::kAbsent;
  };

  void add_subnet(const tables::Mapping& prefix) {
    uint32_t at = 0;
    for (uint8_t bit = 0; bit < prefix.length; ++bit) {
      const size_t side = prefix.high >> (63 - bit) & 1;
      if (nodes_[at].child[side] == 0) {
        nodes_[at].child[side] = static_cast<uint32_t>(nodes_.size());
        nodes_.emplace_back();
      }
      at = nodes_[at].child[side];
    }
    nodes_[at].role_set = prefix.value;
  }

  uint16_t role_set_of(uint32_t address) const noexcept {
    const auto host = hosts_.find(address);
    if (host != hosts_.end()) return host->second;
    uint16_t found = tables::kDefaultRoleSet;
    uint32_t at = 0;
    for (uint32_t bits = address;; bits <<= 1) {
      if (nodes_[at].role_set != tables::kAbsent) found = nodes_[at].role_set;
      at = nodes_[at].child[bits >> 31];
      if (at == 0) return found;
    }
  }

  // Whether a block list decides; `lists` are those of all levels.
  bool look_up(std::string_view name, nnoe_verdict& verdict, uint32_t& lists) const noexcept {
    size_t starts[128];
    size_t depth = 0;
    for (size_t at = 0; name[at] != 0; at += static_cast<uint8_t>(name[at]) + 1u) starts[depth++] = at;
    bool blocks = false;
    for (size_t i = depth; i > 0; --i) {
      key_.assign(name.substr(starts[i - 1]));
      const auto found = entries_.find(key_);
      if (found == entries_.end()) continue;
      const uint32_t here = i == 1 ? found->second & 0xffff : found->second >> 16;
      lists |= here;
      uint32_t taken = 0;
      for (uint32_t rest = here; rest != 0; rest &= rest - 1) {
        const auto list = static_cast<uint32_t>(__builtin_ctz(rest));
        if (takes(verdict.role_set, list)) taken |= 1u << list;
      }
      if (taken == 0) continue;
      blocks = (taken >> kAllowList & 1) == 0;
      verdict.list = static_cast<uint16_t>(blocks ? __builtin_ctz(taken) : kAllowList);
    }
    return blocks;
  }

  static uint16_t policy(std::string_view name, uint16_t type, uint32_t lists, uint16_t role_set) noexcept {
    bool known = false;
    for (const uint16_t one : kTypes) known = known || one == type;
    if (!known) return kRefused;
    static constexpr std::string_view kBelow("\10internal\7example", 18);  // with its final zero
    const bool internal = name.size() > kBelow.size() && name.substr(name.size() - kBelow.size()) == kBelow;
    if (internal) return sees_internal(role_set) ? kAllowed : kNxdomain;
    return (lists >> kPolicyList & 3) != 0 ? kNodata : kAllowed;
  }

  std::unordered_map<uint32_t, uint16_t> hosts_;
  std::vector<Node> nodes_{1};
  // Lists of the name in the lower half, of what is below in the upper.
  std::unordered_map<std::string, uint32_t> entries_;
  mutable std::string key_;
  std::vector<uint64_t> counters_;
};

}  // namespace nnoe::bench
