// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/hosts.h"

#include <doctest/doctest.h>

#include <map>

#include "shm/tables/test/client_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

using Expected = std::map<std::pair<uint64_t, uint64_t>, uint16_t>;

std::vector<Mapping> listed(const Expected& hosts, uint8_t length) {
  std::vector<Mapping> made;
  for (const auto& [address, value] : hosts) made.push_back({address.first, address.second, value, length});
  return made;
}

Expected random_hosts(Random& random, Family family, size_t count) {
  Expected hosts;
  if (count > 0) hosts[{0, 0}] = 7;  // as an empty slot looks
  while (hosts.size() < count) {
    const Address address = random_address(random, family);
    hosts[{address.high, address.low}] = static_cast<uint16_t>(random() % kMaxRoleSets);
  }
  return hosts;
}

void hold_against(const Hosts& table, Family family, const Expected& hosts, Random& random) {
  for (const auto& [address, value] : hosts)
    REQUIRE(find(table, family, {address.first, address.second}) == value);
  for (int i = 0; i < 3000; ++i) {
    const Address address = random_address(random, family);
    const auto found = hosts.find({address.high, address.low});
    REQUIRE(find(table, family, address) == (found == hosts.end() ? kAbsent : found->second));
  }
}

}  // namespace

TEST_CASE("hosts are found, and nothing else, in tables of many sizes") {
  Random random(1);
  for (const size_t count : {0, 1, 2, 9, 10, 11, 100, 5000}) {
    const Expected v4 = random_hosts(random, Family::kV4, count);
    const Expected v6 = random_hosts(random, Family::kV6, count / 2);
    const AlignedBody body(build_hosts(listed(v4, 32), listed(v6, 128), false));
    Hosts table;
    std::string why;
    REQUIRE_MESSAGE(Hosts::open(body.body(), kLimits, table, why), why);
    CHECK(table.size4() == v4.size());
    CHECK(table.size6() == v6.size());
    hold_against(table, Family::kV4, v4, random);
    hold_against(table, Family::kV6, v6, random);
    std::vector<Mapping> back = table.entries(Family::kV6);
    std::sort(back.begin(), back.end(), before);
    Expected again;
    for (const Mapping& host : back) again[{host.high, host.low}] = host.value;
    CHECK(again == v6);
  }
}

TEST_CASE("addresses in a row, as a subnet has them, fill the table as well as any") {
  std::vector<Mapping> hosts;
  for (uint64_t i = 0; i < 50000; ++i)
    hosts.push_back({(0x0a000000 + i) << 32, 0, static_cast<uint16_t>(i % 100), 32});
  const AlignedBody body(build_hosts(hosts, {}, false));
  Hosts table;
  std::string why;
  REQUIRE(Hosts::open(body.body(), kLimits, table, why));
  for (const Mapping& host : hosts)
    REQUIRE(table.find4(static_cast<uint32_t>(host.high >> 32)) == host.value);
  CHECK(table.find4(0x0a000000 + 50000) == kAbsent);
}

TEST_CASE("only a delta may remove, and only role sets of the registry may be given") {
  const std::vector<Mapping> removed{{uint64_t{1} << 32, 0, kRemoved, 32}};
  const std::vector<Mapping> high{{uint64_t{1} << 32, 0, 5, 32}};
  Hosts table;
  std::string why;
  const AlignedBody delta(build_hosts(removed, {}, true));
  REQUIRE(Hosts::open(delta.body(), kLimits, table, why));
  CHECK(table.is_delta());
  CHECK(table.find4(1) == kRemoved);
  CHECK_FALSE(Hosts::open(AlignedBody(build_hosts(removed, {}, false)).body(), kLimits, table, why));
  CHECK_FALSE(Hosts::open(AlignedBody(build_hosts(high, {}, false)).body(), {5, 0, 0}, table, why));
  CHECK(Hosts::open(AlignedBody(build_hosts(high, {}, false)).body(), {6, 0, 0}, table, why));
}

TEST_CASE("a table of hosts that is cut short or wrong is refused") {
  Random random(2);
  const Bytes good = build_hosts(listed(random_hosts(random, Family::kV4, 40), 32), {}, false);
  Hosts table;
  std::string why;
  for (size_t bytes = 0; bytes < good.size(); bytes += 7)
    CHECK_FALSE(Hosts::open(
        AlignedBody(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes))).body(), kLimits,
        table, why));
  Bytes far = good;
  const uint32_t reach = kHostsReach + 1;
  std::memcpy(far.data() + sizeof(HostsHeader) + offsetof(HostBucket4, reach), &reach, sizeof reach);
  CHECK_FALSE(Hosts::open(AlignedBody(far).body(), kLimits, table, why));
  Bytes none = good;
  std::memset(none.data() + offsetof(HostsHeader, buckets4), 0, 4);
  CHECK_FALSE(Hosts::open(AlignedBody(none).body(), kLimits, table, why));
}
