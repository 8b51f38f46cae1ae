// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/prefixes.h"

#include <doctest/doctest.h>

#include "shm/tables/test/client_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

constexpr Family kBoth[] = {Family::kV4, Family::kV6};

Bytes base(const std::vector<Mapping>& v4, const std::vector<Mapping>& v6) {
  return build_prefixes({v4, v4}, {v6, v6}, false);
}

void hold_against_scan(const Prefixes& table, Family family, const std::vector<Mapping>& prefixes,
                       Random& random, int queries) {
  const size_t bytes = family == Family::kV4 ? 4 : 16;
  for (int i = 0; i < queries; ++i) {
    const Address address = near(random, family, prefixes);
    const Mapping* wanted = scan(prefixes, address);
    REQUIRE(find(table, family, address) == (wanted == nullptr ? kAbsent : wanted->value));
    uint8_t text[16];
    to_bytes(address, text);
    Match match{};
    REQUIRE(table.longest(text, bytes, match) == (wanted != nullptr));
    if (wanted == nullptr) continue;
    REQUIRE(match.length == wanted->length);
    REQUIRE(match.role_set == wanted->value);
  }
}

}  // namespace

TEST_CASE("the longest prefix is found, in tables of many sizes") {
  Random random(3);
  for (const size_t count : {0, 1, 2, 20, 300, 3000}) {
    const auto v4 = random_prefixes(random, Family::kV4, count);
    const auto v6 = random_prefixes(random, Family::kV6, count);
    const AlignedBody body(base(v4, v6));
    Prefixes table;
    std::string why;
    REQUIRE_MESSAGE(Prefixes::open(body.body(), kLimits, table, why), why);
    CHECK(table.size(Family::kV4) == v4.size());
    hold_against_scan(table, Family::kV4, v4, random, count == 3000 ? 2000 : 4000);
    hold_against_scan(table, Family::kV6, v6, random, count == 3000 ? 2000 : 4000);
  }
}

TEST_CASE("both lookups of this processor and of any processor give the same") {
  Random random(4);
  const auto prefixes = random_prefixes(random, Family::kV6, 3000);
  const PoptrieArrays made = build_poptrie(prefixes);
  const Poptrie trie{made.root.data(),
                     made.nodes.data(),
                     made.leaves.data(),
                     made.root_bits,
                     static_cast<uint32_t>(made.nodes.size()),
                     static_cast<uint32_t>(made.leaves.size())};
  for (int i = 0; i < 20000; ++i) {
    const Address address = near(random, Family::kV6, prefixes);
    REQUIRE(poptrie_find6()(trie, address.high, address.low) ==
            poptrie_find6_portable(trie, address.high, address.low));
  }
}

TEST_CASE("prefixes of every length, each inside the one before, and the whole address space") {
  for (const Family family : kBoth) {
    const uint8_t bits = kAddressBits[static_cast<size_t>(family)];
    std::vector<Mapping> prefixes;
    for (int length = 0; length <= bits; ++length)
      prefixes.push_back(prefix_of(0xc0a8010203040506, 0x0708090a0b0c0d0e, static_cast<uint8_t>(length),
                                   static_cast<uint16_t>(length)));
    if (family == Family::kV4)
      for (Mapping& prefix : prefixes) prefix = prefix_of(prefix.high, 0, prefix.length, prefix.value);
    std::sort(prefixes.begin(), prefixes.end(), before);
    const std::vector<Mapping> none;
    const AlignedBody body(family == Family::kV4 ? base(prefixes, none) : base(none, prefixes));
    Prefixes table;
    std::string why;
    REQUIRE_MESSAGE(Prefixes::open(body.body(), kLimits, table, why), why);
    for (const Mapping& prefix : prefixes) {
      // Differs from the next longer one in its first bit.
      Address address{prefix.high, prefix.low};
      if (prefix.length < bits) {
        const uint64_t bit = uint64_t{1} << (63 - prefix.length % 64);
        uint64_t& word = prefix.length < 64 ? address.high : address.low;
        word |= ~(prefix.length < 64 ? prefixes.back().high : prefixes.back().low) & bit;
      }
      CHECK(find(table, family, address) == scan(prefixes, address)->value);
      CHECK(scan(prefixes, address)->length == prefix.length);
    }
  }
}

TEST_CASE("a table of prefixes that is cut short or wrong is refused") {
  Random random(5);
  const auto v4 = random_prefixes(random, Family::kV4, 30);
  const auto v6 = random_prefixes(random, Family::kV6, 30);
  const Bytes good = base(v4, v6);
  Prefixes table;
  std::string why;
  REQUIRE(Prefixes::open(AlignedBody(good).body(), kLimits, table, why));
  CHECK_FALSE(Prefixes::open(AlignedBody(good).body(), {10, 0, 0}, table, why));
  CHECK(why == "a role set that the registry does not have");
  for (size_t bytes = 0; bytes < good.size(); bytes += 61)
    CHECK_FALSE(Prefixes::open(
        AlignedBody(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes))).body(), kLimits,
        table, why));
}

namespace {

bool checks(const std::vector<PoptrieNode>& nodes, uint32_t address_bits, std::string& why) {
  std::vector<uint32_t> root(16, kRootLeaf | kAbsent);
  root[3] = 0;
  const uint16_t leaves[2] = {1, 2};
  const Poptrie trie{root.data(), nodes.data(), leaves, 4, static_cast<uint32_t>(nodes.size()), 2};
  return trie.check(address_bits, kLimits, false, why);
}

}  // namespace

TEST_CASE("a trie that would lead a lookup astray is refused") {
  std::string why;
  CHECK(checks({{0, 1, 0, 0}}, 32, why));
  // Leaves outside, and a leaf that no kept one stands for.
  CHECK_FALSE(checks({{0, 3, 0, 1}}, 32, why));
  CHECK_FALSE(checks({{0, 2, 0, 0}}, 32, why));
  CHECK_FALSE(checks({{0, 0, 0, 0}}, 32, why));
  CHECK(checks({{1, 2, 1, 0}, {0, 1, 0, 0}}, 32, why));
  // Children that are not there, or lead back.
  CHECK_FALSE(checks({{1, 2, 1, 0}}, 32, why));
  CHECK_FALSE(checks({{1, 2, 0, 0}}, 32, why));
  CHECK(why == "a node that points outside or back");
  // A chain: 28 bits behind the root are 5 nodes.
  std::vector<PoptrieNode> chain;
  for (uint32_t i = 1; i < 5; ++i) chain.push_back({1, 2, i, 0});
  chain.push_back({0, 1, 0, 0});
  CHECK(checks(chain, 32, why));
  chain.back() = {1, 2, 5, 0};
  chain.push_back({0, 1, 0, 0});
  CHECK_FALSE(checks(chain, 32, why));
  CHECK(why == "deeper than an address is long");
  CHECK(checks(chain, 128, why));
  CHECK_FALSE(checks({}, 32, why));
  CHECK(why == "a root entry without a node");
}
