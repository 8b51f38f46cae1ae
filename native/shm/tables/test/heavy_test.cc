// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/heavy.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>

using namespace nnoe::tables;

namespace {

constexpr uint64_t kSecret = 0x1234567890abcdef;

}  // namespace

TEST_CASE("few keys are counted exactly, by their whole text") {
  HeavyHitters heavy(kSecret);
  for (int i = 0; i < 10; ++i) heavy.add("a", 1);
  heavy.add(std::string_view("a\0", 2), 3);
  heavy.add("", 2);
  const auto top = heavy.top(10);
  REQUIRE(top.size() == 3);
  CHECK((top[0].key == "a" && top[0].count == 10));
  CHECK((top[1].key == std::string_view("a\0", 2) && top[1].count == 3));
  CHECK((top[2].key.empty() && top[2].count == 2));
  CHECK(heavy.error() == 0);
  CHECK(heavy.top(1).size() == 1);
  heavy.clear();
  CHECK(heavy.top(10).empty());
}

TEST_CASE("no count is more than the truth, or less by more than error(), in any stream") {
  for (const double skew : {0.0, 0.6, 1.1}) {
    std::mt19937_64 random(7);
    HeavyHitters heavy(kSecret);
    std::map<std::string, uint64_t> truth;
    uint64_t total = 0;
    for (int i = 0; i < 200000; ++i) {
      const double at = std::generate_canonical<double, 53>(random);
      const auto key = std::to_string(
          static_cast<uint64_t>(skew == 0 ? at * 1e9 : std::pow(50000.0, std::pow(at, 1 + skew))));
      const uint64_t weight = 1 + random() % 3;
      heavy.add(key, weight);
      truth[key] += weight;
      total += weight;
    }
    CHECK(heavy.error() <= total / 1000);
    CHECK(heavy.size() <= HeavyHitters::kMost);
    std::map<std::string, uint64_t> shown;
    for (const auto& [key, count] : heavy.top(HeavyHitters::kMost)) shown[std::string(key)] = count;
    for (const auto& [key, count] : truth) {
      const uint64_t said = shown.count(key) == 0 ? 0 : shown[key];
      REQUIRE(said <= count);
      REQUIRE(said + heavy.error() >= count);
    }
  }
}
