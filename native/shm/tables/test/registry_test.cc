// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/registry.h"

#include <doctest/doctest.h>

#include "shm/tables/test/client_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

bool opens(const Bytes& bytes, std::string& why) {
  Registry registry;
  return Registry::open(AlignedBody(bytes).body(), kLimits, registry, why);
}

}  // namespace

TEST_CASE("a registry gives one number to one set of roles, in any order, and keeps it over a restart") {
  RegistryBuilder builder;
  std::string why;
  const uint16_t staff = builder.role_set({"staff", "vpn"}, why);
  const uint16_t guest = builder.role_set({"guest"}, why);
  CHECK(builder.role_set({"vpn", "staff", "vpn"}, why) == staff);
  CHECK(staff != guest);
  const uint16_t ads = builder.list("ads", why);
  const AlignedBody body(builder.build());
  Registry registry;
  REQUIRE(Registry::open(body.body(), kLimits, registry, why));
  CHECK(registry.role_sets() == 3);
  CHECK(registry.roles(kDefaultRoleSet) == std::vector<std::string_view>{"default"});
  CHECK(registry.roles(staff) == std::vector<std::string_view>{"staff", "vpn"});
  CHECK(registry.roles(3).empty());
  CHECK(registry.list(ads) == "ads");
  CHECK(registry.list(1).empty());
  RegistryBuilder again(registry);
  CHECK(again.role_set({"guest"}, why) == guest);
  CHECK(again.role_set({"new"}, why) == 3);
  CHECK(again.list("ads", why) == ads);
  CHECK(again.list("malware", why) == 1);
}

TEST_CASE(
    "a mapping to the default's roles has a number of its own, and keeps them when the default changes") {
  RegistryBuilder builder;
  std::string why;
  const uint16_t mapped = builder.role_set({"default"}, why);
  CHECK(mapped != kDefaultRoleSet);
  REQUIRE(builder.set_default({"guest"}, why));
  const AlignedBody body(builder.build());
  Registry registry;
  REQUIRE(Registry::open(body.body(), kLimits, registry, why));
  CHECK(registry.roles(kDefaultRoleSet) == std::vector<std::string_view>{"guest"});
  CHECK(registry.roles(mapped) == std::vector<std::string_view>{"default"});
}

TEST_CASE("roles and lists that cannot be are refused with the reason") {
  RegistryBuilder builder;
  std::string why;
  CHECK(builder.role_set({}, why) == kAbsent);
  CHECK(why == "0 roles in one set, expected 1 to 64");
  CHECK(builder.role_set({"a\nb"}, why) == kAbsent);
  CHECK(builder.role_set({std::string(256, 'x')}, why) == kAbsent);
  CHECK(builder.list("", why) == kAbsent);
  CHECK_FALSE(builder.set_default({""}, why));
  for (uint32_t i = 1; i < kMaxRoleSets; ++i) REQUIRE(builder.role_set({"r" + std::to_string(i)}, why) == i);
  CHECK(builder.role_set({"one more"}, why) == kAbsent);
  CHECK(why == "all 4096 role sets of this tables directory are in use");
  CHECK(builder.role_set({"r7"}, why) == 7);
  for (uint32_t i = 0; i < kMaxLists; ++i) REQUIRE(builder.list("l" + std::to_string(i), why) == i);
  CHECK(builder.list("one more", why) == kAbsent);
  CHECK(opens(builder.build(), why));
}

TEST_CASE("a registry that is cut short or wrong is refused") {
  RegistryBuilder builder;
  std::string why;
  builder.role_set({"guest", "iot"}, why);
  builder.list("ads", why);
  const Bytes good = builder.build();
  REQUIRE(opens(good, why));
  for (size_t bytes = 0; bytes < good.size(); ++bytes)
    CHECK_FALSE(opens(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bytes)), why));
  const auto with = [&](size_t at, uint32_t value) {
    Bytes changed = good;
    std::memcpy(changed.data() + at, &value, sizeof value);
    return changed;
  };
  CHECK_FALSE(opens(with(0, 0), why));
  CHECK(why == "more role sets or lists than are allowed, or none");
  CHECK_FALSE(opens(with(0, 5000), why));
  CHECK_FALSE(opens(with(20, 7), why));
  CHECK(why == "offsets out of order");
  CHECK_FALSE(opens(with(good.size() - 4, 0), why));
  CHECK(why == "a name that cannot be one");
}
