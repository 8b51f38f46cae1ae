// SPDX-License-Identifier: MPL-2.0
// What a base and a delta over it say together is held against a scan of all mappings.
#include "shm/tables/client_store.h"

#include <doctest/doctest.h>

#include <optional>
#include <thread>

#include "shm/tables/test/client_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

// Sections as a bridge would have them.
struct Published {
  std::optional<AlignedBody> hosts, prefixes, hosts_delta, prefixes_delta;

  void base(const ClientStore::Base& made) {
    hosts.emplace(made.hosts);
    prefixes.emplace(made.prefixes);
  }
  void delta(const ClientStore::Delta& made) {
    hosts_delta.reset();
    prefixes_delta.reset();
    if (!made.hosts.empty()) hosts_delta.emplace(made.hosts);
    if (!made.prefixes.empty()) prefixes_delta.emplace(made.prefixes);
  }
};

template <class Table>
Table opened(const std::optional<AlignedBody>& body) {
  Table table;
  std::string why;
  REQUIRE_MESSAGE(Table::open(body->body(), kLimits, table, why), why);
  return table;
}

class Lookup {
 public:
  explicit Lookup(const Published& published)
      : hosts_(opened<Hosts>(published.hosts)), prefixes_(opened<Prefixes>(published.prefixes)) {
    if (published.hosts_delta) hosts_delta_ = opened<Hosts>(published.hosts_delta);
    if (published.prefixes_delta) prefixes_delta_ = opened<Prefixes>(published.prefixes_delta);
  }
  // Delta before base, hosts before prefixes.
  uint16_t role_set(Family family, Address address) const {
    uint16_t value = hosts_delta_ ? find(*hosts_delta_, family, address) : kAbsent;
    if (value == kAbsent) value = find(hosts_, family, address);
    if (value != kAbsent && value != kRemoved) return value;
    value = prefixes_delta_ ? find(*prefixes_delta_, family, address) : kAbsent;
    if (value == kAbsent) value = find(prefixes_, family, address);
    return value == kRemoved ? kAbsent : value;
  }
  bool longest(Family family, Address address, Match& match) const {
    uint8_t bytes[16];
    to_bytes(address, bytes);
    const size_t size = family == Family::kV4 ? 4 : 16;
    if (!prefixes_delta_ || find(*prefixes_delta_, family, address) == kAbsent)
      return prefixes_.longest(bytes, size, match);
    return prefixes_delta_->longest(bytes, size, match);
  }

 private:
  Hosts hosts_;
  Prefixes prefixes_;
  std::optional<Hosts> hosts_delta_;
  std::optional<Prefixes> prefixes_delta_;
};

using All = ClientStore::Changes;

void hold_against_scan(const Lookup& lookup, Family family, const All& all, Random& random, int queries) {
  std::vector<Mapping> hosts;
  std::vector<Mapping> prefixes;
  for (const auto& [key, value] : all)
    (key.length == kAddressBits[static_cast<size_t>(family)] ? hosts : prefixes)
        .push_back({key.high, key.low, value, key.length});
  for (int i = 0; i < queries; ++i) {
    const Address address = near(random, family, random() % 2 == 0 ? prefixes : hosts);
    const Mapping* prefix = scan(prefixes, address);
    const Mapping* host = scan(hosts, address);
    if (family == Family::kV4 && host == nullptr)
      for (const Mapping& one : hosts)
        if (one.high == address.high) host = &one;
    const uint16_t wanted = host != nullptr ? host->value : prefix != nullptr ? prefix->value : kAbsent;
    REQUIRE(lookup.role_set(family, address) == wanted);
    Match match{};
    REQUIRE(lookup.longest(family, address, match) == (prefix != nullptr));
    if (prefix == nullptr) continue;
    REQUIRE(match.length == prefix->length);
    REQUIRE(match.role_set == prefix->value);
  }
}

void change(Random& random, Family family, ClientStore& store, All& all, int count) {
  std::string why;
  for (int i = 0; i < count; ++i) {
    Mapping mapping = random_prefix(random, family);
    if (!all.empty() && random() % 2 == 0) {
      auto some = all.lower_bound(mapping);
      mapping = some == all.end() ? all.begin()->first : some->first;
    }
    mapping.value = static_cast<uint16_t>(random() % 50);
    if (random() % 3 == 0) {
      REQUIRE(store.erase(record_of(family, mapping), why));
      all.erase(mapping);
    } else {
      REQUIRE(store.set(record_of(family, mapping), why));
      all[mapping] = mapping.value;
    }
  }
}

}  // namespace

TEST_CASE(
    "base and delta say what all mappings say, after any changes, also some made while a base is built") {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed);
    const Family family = seed % 2 == 0 ? Family::kV4 : Family::kV6;
    ClientStore store;
    All all;
    Published published;
    change(random, family, store, all, 200);
    CHECK(store.build_delta().needs_base);
    for (int round = 0; round < 6; ++round) {
      const ClientStore::Base base = store.build_base();
      change(random, family, store, all, round % 2 == 0 ? 20 : 0);
      store.adopt(base);
      published.base(base);
      for (int step = 0; step < 4; ++step) {
        const ClientStore::Delta delta = store.build_delta();
        REQUIRE_FALSE(delta.needs_base);
        published.delta(delta);
        CHECK(store.size() == all.size());
        hold_against_scan(Lookup(published), family, all, random, 150);
        change(random, family, store, all, 1 << (2 * step));
      }
    }
  }
}

TEST_CASE("a change that is taken back leaves nothing in the delta") {
  ClientStore store;
  std::string why;
  REQUIRE(store.set(record("10.0.0.0/8", 1), why));
  REQUIRE(store.set(record("10.0.0.1", 2), why));
  store.adopt(store.build_base());
  CHECK(store.changes() == 0);
  REQUIRE(store.set(record("10.0.0.0/8", 3), why));
  REQUIRE(store.erase(record("10.0.0.1"), why));
  CHECK(store.changes() == 2);
  const ClientStore::Base base = store.build_base();
  REQUIRE(store.set(record("10.0.0.0/8", 1), why));
  REQUIRE(store.set(record("10.0.0.1", 2), why));
  CHECK(store.changes() == 0);
  CHECK(store.build_delta().prefixes.empty());
  // The new base was built of what is no longer so.
  store.adopt(base);
  CHECK(store.changes() == 2);
  CHECK(store.size() == 2);
}

TEST_CASE("a removed prefix gives its clients to the one around it, or to none") {
  ClientStore store;
  std::string why;
  for (const char* text : {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"})
    REQUIRE(store.set(record(text, 1), why));
  REQUIRE(store.set(record("2001:db8::/32", 4), why));
  REQUIRE(store.set(record("10.1.0.0/16", 2), why));
  Published published;
  const ClientStore::Base base = store.build_base();
  store.adopt(base);
  published.base(base);
  REQUIRE(store.erase(record("10.1.0.0/16"), why));
  REQUIRE(store.erase(record("2001:db8::/32"), why));
  published.delta(store.build_delta());
  const Lookup lookup(published);
  Match match{};
  CHECK(lookup.role_set(Family::kV4, {0x0a01030400000000, 0}) == 1);
  CHECK(lookup.longest(Family::kV4, {0x0a01030400000000, 0}, match));
  CHECK(match.length == 8);
  CHECK(lookup.longest(Family::kV4, {0x0a01020400000000, 0}, match));
  CHECK(match.length == 24);
  CHECK(lookup.role_set(Family::kV6, {0x20010db800000000, 1}) == kAbsent);
  CHECK_FALSE(lookup.longest(Family::kV6, {0x20010db800000000, 1}, match));
}

TEST_CASE("mapped addresses are IPv4, and bits behind the length count for nothing") {
  ClientStore store;
  std::string why;
  REQUIRE(store.set(record("::ffff:10.0.0.1", 1), why));
  REQUIRE(store.set(record("10.0.0.1", 2), why));
  REQUIRE(store.set(record("::ffff:10.9.9.9/104", 3), why));
  REQUIRE(store.set(record("10.1.2.3/8", 4), why));
  CHECK(store.size() == 2);
  REQUIRE(store.set(record("::/0", 5), why));
  Published published;
  const ClientStore::Base base = store.build_base();
  published.base(base);
  const Lookup lookup(published);
  CHECK(lookup.role_set(Family::kV4, {0x0a00000100000000, 0}) == 2);
  CHECK(lookup.role_set(Family::kV4, {0x0a00000200000000, 0}) == 4);
  CHECK(lookup.role_set(Family::kV6, {0, 0}) == 5);
}

TEST_CASE("a snapshot makes a delta of what it changes, a base when that is much, and is refused whole") {
  ClientStore store;
  std::string why;
  const auto flat = [](std::vector<ClientRecord> records) {
    Bytes bytes(records.size() * sizeof(ClientRecord));
    std::memcpy(bytes.data(), records.data(), bytes.size());
    return bytes;
  };
  Bytes first = flat({record("10.0.0.0/8", 1), record("10.0.0.1", 2), record("10.0.0.1", 3)});
  REQUIRE(store.replace(first.data(), first.size(), why));
  CHECK(store.size() == 2);
  store.adopt(store.build_base());
  const Bytes second = flat({record("10.0.0.1", 3), record("10.0.0.2", 3)});
  REQUIRE(store.replace(second.data(), second.size(), why));
  CHECK(store.changes() == 2);
  CHECK_FALSE(store.build_delta().needs_base);
  CHECK_FALSE(store.replace(second.data(), second.size() - 1, why));
  CHECK(why == "half a mapping at the end");
  first[17] = 33;
  CHECK_FALSE(store.replace(first.data(), first.size(), why));
  CHECK(why == "prefix length 33 in an address of family 4");
  CHECK_FALSE(store.set(record("10.0.0.1", kMaxRoleSets), why));
  CHECK(store.size() == 2);
  std::vector<ClientRecord> many;
  for (uint32_t i = 0; i <= kMaxDelta; ++i) {
    many.push_back(record("10.0.0.0", 1));
    const uint32_t address = __builtin_bswap32(0x0b000000 + i);
    std::memcpy(many.back().address, &address, sizeof address);
  }
  const Bytes third = flat(many);
  REQUIRE(store.replace(third.data(), third.size(), why));
  CHECK(store.build_delta().needs_base);
  const ClientStore::Base base = store.build_base();
  REQUIRE(store.erase(record("11.0.0.9"), why));
  store.adopt(base);
  CHECK(store.changes() == 1);
  CHECK_FALSE(store.build_delta().needs_base);
  CHECK(store.size() == kMaxDelta);
}

TEST_CASE("a changed prefix around too many others asks for a base") {
  ClientStore store;
  std::string why;
  ClientRecord one = record("10.0.0.0/31", 1);
  for (uint32_t i = 0; i <= kMaxDelta; ++i) {
    const uint32_t address = __builtin_bswap32(0x0a000000 + 2 * i);
    std::memcpy(one.address, &address, sizeof address);
    REQUIRE(store.set(one, why));
  }
  store.adopt(store.build_base());
  REQUIRE(store.set(record("10.0.0.0/16", 2), why));
  CHECK_FALSE(store.build_delta().needs_base);
  REQUIRE(store.set(record("10.0.0.0/8", 2), why));
  CHECK(store.build_delta().needs_base);
  store.adopt(store.build_base());
  CHECK_FALSE(store.build_delta().needs_base);
}

TEST_CASE("a store goes on from published sections after a restart") {
  Random random(9);
  ClientStore store;
  All all;
  change(random, Family::kV6, store, all, 300);
  const ClientStore::Base base = store.build_base();
  Published published;
  published.base(base);
  ClientStore again;
  REQUIRE(again.restore(opened<Hosts>(published.hosts), opened<Prefixes>(published.prefixes)));
  CHECK(again.size() == all.size());
  change(random, Family::kV6, again, all, 50);
  published.delta(again.build_delta());
  hold_against_scan(Lookup(published), Family::kV6, all, random, 500);
}

TEST_CASE("mappings may be set while a base is built") {
  ClientStore store;
  std::string why;
  std::thread builder([&] {
    for (int i = 0; i < 20; ++i) store.adopt(store.build_base());
  });
  for (uint32_t i = 0; i < 3000; ++i) {
    ClientRecord one = record("10.0.0.0", static_cast<uint16_t>(i % 7));
    std::memcpy(one.address, &i, sizeof i);
    CHECK(store.set(one, why));
  }
  builder.join();
  CHECK(store.size() == 3000);
  store.adopt(store.build_base());
  CHECK(store.changes() == 0);
}
