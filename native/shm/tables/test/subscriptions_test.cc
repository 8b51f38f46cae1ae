// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/subscriptions.h"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

#include "shm/tables/test/names_support.h"

namespace {

using namespace nnoe::test;

const Limits kLimits{kMaxRoleSets, kMaxLists, 40};

SubscriptionsPlan random_plan(std::mt19937_64& random) {
  SubscriptionsPlan plan;
  plan.lists.resize(random() % (kMaxLists + 1));
  for (auto& list : plan.lists)
    list = {random() % 3 == 0 ? ListKind::kAllow : ListKind::kBlock, static_cast<uint16_t>(random() % 9)};
  const auto row = [&] {
    SubscriptionsPlan::Row actions(random() % (plan.lists.size() + 1));
    for (uint16_t& action : actions) action = static_cast<uint16_t>(random() % 2 == 0 ? 0 : random() % 41);
    return actions;
  };
  std::vector<SubscriptionsPlan::Row> few;
  for (size_t i = 0; i < 5; ++i) few.push_back(row());
  for (size_t left = random() % 60; left > 0; --left) plan.role_sets.push_back(few[random() % few.size()]);
  plan.others = row();
  return plan;
}

// By sorting all that speak: allow first, then by rank, then by number.
Outcome expected(const SubscriptionsPlan& plan, const SubscriptionsPlan::Row& row, const uint64_t* listset) {
  std::vector<std::array<uint32_t, 3>> speaking;
  for (uint32_t id = 0; id < std::min(row.size(), plan.lists.size()); ++id) {
    if (row[id] == 0 || (listset[id / 64] >> id % 64 & 1) == 0) continue;
    speaking.push_back({plan.lists[id].kind == ListKind::kAllow ? 0u : 1u, plan.lists[id].rank, id});
  }
  if (speaking.empty()) return {};
  const auto first = *std::min_element(speaking.begin(), speaking.end());
  const auto code = static_cast<uint16_t>(first[0] == 0 ? 1 : 2 + row[first[2]] - 1);
  return {code, static_cast<uint16_t>(first[2])};
}

TEST_CASE("outcomes are those of the plan, for every role set and set of lists") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    const SubscriptionsPlan plan = random_plan(random);
    const AlignedBody body(build_subscriptions(plan));
    Subscriptions subscriptions;
    std::string why;
    REQUIRE_MESSAGE(Subscriptions::open(body.get(), kLimits, subscriptions, why), why);
    CHECK(subscriptions.classes() <= 6);

    NamesBuilder builder;
    for (int i = 0; i < 50; ++i) {
      const std::string name = random_name(random);
      builder.set(reinterpret_cast<const uint8_t*>(name.data()), name.size(),
                  static_cast<uint32_t>(random() % kMaxLists), Listed::kSubtree);
    }
    const AlignedBody names_body(builder.build());
    Names names;
    REQUIRE(Names::open(names_body.get(), kLimits, names, why));
    const SubscriptionMatrix matrix = SubscriptionMatrix::make(subscriptions, names);
    for (uint16_t role_set = 0; role_set < plan.role_sets.size() + 2; ++role_set) {
      const auto& row = role_set < plan.role_sets.size() ? plan.role_sets[role_set] : plan.others;
      for (uint16_t id = 0; id < names.listsets(); ++id) {
        const Outcome found = matrix.at(subscriptions.class_of(role_set), id);
        const Outcome wanted = expected(plan, row, names.lists(id));
        CHECK(found.code == wanted.code);
        CHECK(found.list == wanted.list);
      }
    }
  }
}

TEST_CASE("what is out of range is refused with a reason") {
  SubscriptionsPlan plan;
  plan.lists = {{ListKind::kBlock, 0}, {ListKind::kAllow, 0}};
  plan.role_sets = {{1, 1}, {7}};
  const std::vector<uint8_t> bytes = build_subscriptions(plan);
  Subscriptions out;
  std::string why;
  const auto refused = [&](const AlignedBody& body, Limits limits) {
    why.clear();
    return !Subscriptions::open(body.get(), limits, out, why) && !why.empty();
  };
  const AlignedBody body(bytes);
  CHECK(Subscriptions::open(body.get(), {2, 2, 7}, out, why));
  CHECK(refused(body, {1, 2, 7}));
  CHECK(refused(body, {2, 1, 7}));
  CHECK(refused(body, {2, 2, 6}));
  for (size_t size = 0; size < bytes.size(); size += 7)
    CHECK(refused(AlignedBody({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}), kLimits));
  plan.lists.resize(kMaxLists + 1);
  CHECK_THROWS_AS(build_subscriptions(plan), std::length_error);
}

}  // namespace
