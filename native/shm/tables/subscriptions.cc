// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/subscriptions.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

namespace nnoe::tables {
namespace {

constexpr size_t aligned(size_t size) { return (size + 63) / 64 * 64; }

struct Places {
  size_t rows;
  size_t actions;
  size_t end;
};

Places places_of(const SubscriptionsHeader& header) {
  Places places{};
  places.rows = sizeof(SubscriptionsHeader) + aligned(header.role_sets * sizeof(uint16_t));
  places.actions = places.rows + aligned(header.lists * sizeof(ListRow));
  places.end = places.actions + aligned(size_t{header.classes} * header.lists * sizeof(uint16_t));
  return places;
}

}  // namespace

bool Subscriptions::open(Body body, const Limits& limits, Subscriptions& out, std::string& why) {
  const auto fails = [&](const char* clause) {
    why = clause;
    return false;
  };
  if (body.size < sizeof(SubscriptionsHeader)) return fails("subscriptions: shorter than its header");
  SubscriptionsHeader header{};
  std::memcpy(&header, body.data, sizeof header);
  if (header.classes == 0 || header.classes > kMaxRoleSets + 1)
    return fails("subscriptions: impossible number of classes");
  if (header.role_sets > std::min(limits.role_sets, kMaxRoleSets))
    return fails("subscriptions: a role set that is not registered");
  if (header.lists > std::min(limits.lists, kMaxLists))
    return fails("subscriptions: a list that is not registered");
  const Places places = places_of(header);
  if (places.end != body.size) return fails("subscriptions: its size is not what its header says");

  Subscriptions it;
  it.class_of_ = reinterpret_cast<const uint16_t*>(body.data + sizeof header);
  it.rows_ = reinterpret_cast<const ListRow*>(body.data + places.rows);
  it.actions_ = reinterpret_cast<const uint16_t*>(body.data + places.actions);
  it.role_sets_ = header.role_sets;
  it.classes_ = header.classes;
  it.lists_ = header.lists;
  if (!std::all_of(it.class_of_, it.class_of_ + header.role_sets,
                   [&](uint16_t one) { return one < header.classes; }))
    return fails("subscriptions: a class out of range");
  if (!std::all_of(it.rows_, it.rows_ + header.lists, [](const ListRow& row) { return row.kind <= 1; }))
    return fails("subscriptions: a list that neither blocks nor allows");
  if (!std::all_of(it.actions_, it.actions_ + size_t{header.classes} * header.lists,
                   [&](uint16_t one) { return one <= limits.actions; }))
    return fails("subscriptions: an action that is not defined");
  out = it;
  return true;
}

Outcome Subscriptions::outcome(uint16_t of_class, const uint64_t* listset) const noexcept {
  Outcome best;
  uint32_t best_rank = UINT32_MAX;
  for (uint32_t word = 0; word < kMaxLists / 64; ++word) {
    for (uint64_t bits = listset[word]; bits != 0; bits &= bits - 1) {
      const uint32_t id = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
      if (id >= lists_) return best;
      const uint16_t cell = action(of_class, id);
      if (cell == 0) continue;
      // Allow lists come before all block lists.
      const bool allows = rows_[id].kind == static_cast<uint8_t>(ListKind::kAllow);
      const uint32_t rank = rows_[id].rank + (allows ? 0u : 0x10000u);
      if (rank >= best_rank) continue;
      best_rank = rank;
      best.code = allows ? Outcome::kAllow : static_cast<uint16_t>(Outcome::kBlock + cell - 1);
      best.list = static_cast<uint16_t>(id);
    }
  }
  return best;
}

SubscriptionMatrix SubscriptionMatrix::make(const Subscriptions& subscriptions, const Names& names) noexcept {
  SubscriptionMatrix matrix;
  matrix.subscriptions_ = subscriptions;
  matrix.names_ = names;
  matrix.listsets_ = names.listsets();
  const size_t cells = subscriptions.classes() * matrix.listsets_;
  if (cells == 0 || cells > kMaxCells) return matrix;
  matrix.cells_.reset(new (std::nothrow) Outcome[cells]);
  if (matrix.cells_ == nullptr) return matrix;
  Outcome* cell = matrix.cells_.get();
  for (uint32_t one = 0; one < subscriptions.classes(); ++one) {
    for (size_t id = 0; id < matrix.listsets_; ++id)
      *cell++ = subscriptions.outcome(static_cast<uint16_t>(one), names.lists(static_cast<uint16_t>(id)));
  }
  return matrix;
}

std::vector<uint8_t> build_subscriptions(const SubscriptionsPlan& plan) {
  if (plan.lists.size() > kMaxLists) throw std::length_error("more than 256 lists");
  if (plan.role_sets.size() > kMaxRoleSets) throw std::length_error("more than 4096 role sets");
  SubscriptionsHeader header{};
  header.role_sets = static_cast<uint32_t>(plan.role_sets.size());
  header.lists = static_cast<uint32_t>(plan.lists.size());

  std::map<SubscriptionsPlan::Row, uint16_t> classes;
  std::vector<uint16_t> class_of;
  std::vector<uint16_t> actions;
  const auto intern = [&](SubscriptionsPlan::Row row) {
    row.resize(plan.lists.size());
    const auto [at, added] = classes.emplace(row, static_cast<uint16_t>(classes.size()));
    if (added) actions.insert(actions.end(), row.begin(), row.end());
    return at->second;
  };
  intern(plan.others);
  for (const auto& row : plan.role_sets) class_of.push_back(intern(row));
  header.classes = static_cast<uint32_t>(classes.size());

  const Places places = places_of(header);
  std::vector<uint8_t> body(places.end);
  std::memcpy(body.data(), &header, sizeof header);
  std::copy(class_of.begin(), class_of.end(), reinterpret_cast<uint16_t*>(body.data() + sizeof header));
  auto* rows = reinterpret_cast<ListRow*>(body.data() + places.rows);
  for (const auto& list : plan.lists) *rows++ = {list.rank, static_cast<uint8_t>(list.kind), 0};
  std::copy(actions.begin(), actions.end(), reinterpret_cast<uint16_t*>(body.data() + places.actions));
  return body;
}

}  // namespace nnoe::tables
