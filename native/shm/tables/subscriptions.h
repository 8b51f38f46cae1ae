// SPDX-License-Identifier: MPL-2.0
// Which role sets take which lists, and what is done with a name on one of them. Role sets that take the same
// form a class. TABLES.md has the format.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/tables/names.h"
#include "shm/tables/registry.h"

namespace nnoe::tables {

enum class ListKind : uint8_t { kBlock = 0, kAllow = 1 };

// First bytes of the body. Then, each up to a multiple of 64 bytes: u16 class by role set; ListRow by list;
// u16 by class and list: 0 not subscribed, else 1 + number of the action.
struct SubscriptionsHeader {
  uint32_t role_sets;
  uint32_t classes;  // at least 1
  uint32_t lists;
  uint32_t zero[13];
};
static_assert(sizeof(SubscriptionsHeader) == 64);

struct ListRow {
  uint16_t rank;  // of two block lists the lower one decides; the same: the lower number
  uint8_t kind;   // ListKind
  uint8_t zero;
};
static_assert(sizeof(ListRow) == 4);

// What lists say of one level of a name.
struct Outcome {
  static constexpr uint16_t kNone = 0;   // nothing
  static constexpr uint16_t kAllow = 1;  // an allow list has it
  static constexpr uint16_t kBlock = 2;  // this + number of the action
  uint16_t code = kNone;
  uint16_t list = 0xffff;  // that decided; kNoList
};

class Subscriptions {
 public:
  static bool open(Body body, const Limits& limits, Subscriptions& out, std::string& why);

  uint32_t classes() const noexcept { return classes_; }
  uint32_t lists() const noexcept { return lists_; }  // those that have a row; nobody takes others
  // Class 0 is of every role set that is younger than the section.
  uint16_t class_of(uint16_t role_set) const noexcept {
    return role_set < role_sets_ ? class_of_[role_set] : uint16_t{0};
  }
  ListRow list(uint32_t list) const noexcept { return rows_[list]; }
  // 0, or 1 + number of the action.
  uint16_t action(uint16_t of_class, uint32_t list) const noexcept {
    return actions_[size_t{of_class} * lists_ + list];
  }
  // Within one set of lists allow beats block, and among block lists the rank decides. Up to 256 steps.
  Outcome outcome(uint16_t of_class, const uint64_t* listset) const noexcept;

 private:
  const uint16_t* class_of_ = nullptr;
  const ListRow* rows_ = nullptr;
  const uint16_t* actions_ = nullptr;
  uint32_t role_sets_ = 0;
  uint32_t classes_ = 0;
  uint32_t lists_ = 0;
};

// Outcomes by class and set of lists of one names section, worked out before the first query: 4 bytes for
// each pair, while there are at most kMaxCells; of more pairs every query works out its own.
class SubscriptionMatrix {
 public:
  static constexpr size_t kMaxCells = size_t{1} << 22;

  SubscriptionMatrix() = default;
  // Keeps views of both. Takes up to 0.2 us a pair. Without memory it does as with too many pairs.
  static SubscriptionMatrix make(const Subscriptions& subscriptions, const Names& names) noexcept;

  // `of_class` is of these subscriptions, `listset` of this section.
  Outcome at(uint16_t of_class, uint16_t listset) const noexcept {
    if (cells_ != nullptr) return cells_[size_t{of_class} * listsets_ + listset];
    return subscriptions_.outcome(of_class, names_.lists(listset));
  }
  size_t bytes() const noexcept {
    return cells_ == nullptr ? 0 : subscriptions_.classes() * listsets_ * sizeof(Outcome);
  }

 private:
  std::unique_ptr<Outcome[]> cells_;
  size_t listsets_ = 0;
  Subscriptions subscriptions_;
  Names names_;
};

// What a section is made of.
struct SubscriptionsPlan {
  struct List {
    ListKind kind = ListKind::kBlock;
    uint16_t rank = 0;
  };
  using Row = std::vector<uint16_t>;  // by list: 0, or 1 + number of the action; missing ones are 0

  std::vector<List> lists;     // by number, at most kMaxLists
  std::vector<Row> role_sets;  // by number, at most kMaxRoleSets
  Row others;                  // of role sets that come later
};

// May throw std::bad_alloc and, for what does not fit, std::length_error.
std::vector<uint8_t> build_subscriptions(const SubscriptionsPlan& plan);

}  // namespace nnoe::tables
