// SPDX-License-Identifier: MPL-2.0
// A verdict from one generation: who asks -> role set; what they ask -> lists; what the role set's program
// says. The one place where the order of these is written; the bridge, `nnoe why` and the tests all come
// through here.
#pragma once

#include <cstring>

#include "shm/tables/generation.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {

// The lists that a query's name is on, level by level, as the walk finds them.
struct Levels {
  struct Level {
    uint16_t listset;
    uint8_t depth;  // labels below the root
    bool delta;     // of which table the listset is
  };
  uint32_t count = 0;
  Level at[kMaxLabels + 1];
};

inline uint32_t load_be32(const uint8_t* from) noexcept {
  uint32_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap32(value);
}

inline bool is_mapped4(const uint8_t* address) noexcept {
  uint64_t high = 0;
  uint32_t middle = 0;
  std::memcpy(&high, address, sizeof(high));
  std::memcpy(&middle, address + 8, sizeof(middle));
  return high == 0 && middle == 0xffff0000u;
}

// Table by table: a delta stands in front of its base, single addresses in front of subnets.
template <class Find>
uint16_t role_set_by(const Generation& tables, Find&& find) noexcept {
  uint16_t found = kAbsent;
  if (tables.hosts_delta) found = find(tables.hosts_delta->view);
  if (found == kAbsent && tables.hosts) found = find(tables.hosts->view);
  if (found < kRemoved) return found;
  found = kAbsent;
  if (tables.prefixes_delta) found = find(tables.prefixes_delta->view);
  if (found == kAbsent && tables.prefixes) found = find(tables.prefixes->view);
  return found < kRemoved ? found : kDefaultRoleSet;
}

// `question.address_bytes` is 4 or 16; anything else has no mapping.
inline uint16_t role_set_of(const Generation& tables, const Question& question) noexcept {
  const uint8_t* address = question.address;
  if (question.address_bytes == 16 && !is_mapped4(address))
    return role_set_by(tables, [&](const auto& table) { return table.find6(address); });
  if (question.address_bytes != 4 && question.address_bytes != 16) return kDefaultRoleSet;
  const uint32_t v4 = load_be32(question.address_bytes == 4 ? address : address + 12);
  return role_set_by(tables, [&](const auto& table) { return table.find4(v4); });
}

// Gathers the levels and what they come to for `role_class`: the deepest one with an opinion decides.
inline Outcome look_up(const Generation& tables, const QueryName& name, uint16_t role_class,
                       Levels& levels) noexcept {
  Outcome found;
  const Names* base = tables.names ? &tables.names->view : nullptr;
  const Names* delta = tables.names_delta ? &tables.names_delta->view : nullptr;
  const SubscriptionMatrix* outcomes = tables.outcomes.get();
  const SubscriptionMatrix* outcomes_delta = tables.outcomes_delta.get();
  walk(base, delta, name, [&](size_t depth, uint16_t listset, bool in_delta) {
    levels.at[levels.count++] = {listset, static_cast<uint8_t>(depth), in_delta};
    const SubscriptionMatrix* matrix = in_delta ? outcomes_delta : outcomes;
    if (matrix == nullptr) return;
    const Outcome outcome = matrix->at(role_class, listset);
    if (outcome.code != Outcome::kNone) found = outcome;
  });
  return found;
}

// The lists of all levels together, as programs see them.
inline void union_of(const Generation& tables, const Levels& levels, uint64_t* lists) noexcept {
  for (size_t word = 0; word < kMaxLists / 64; ++word) lists[word] = 0;
  for (uint32_t i = 0; i < levels.count; ++i) {
    const Names& names = levels.at[i].delta ? tables.names_delta->view : tables.names->view;
    const uint64_t* more = names.lists(levels.at[i].listset);
    for (size_t word = 0; word < kMaxLists / 64; ++word) lists[word] |= more[word];
  }
}

inline Act act_of(const Generation& tables, uint16_t action) noexcept {
  return tables.actions->view[action].what();
}

// What the role set's program says; `verdict` has the role set.
inline void run_program(const Generation& tables, const Question& question, const QueryName& name,
                        const Levels& levels, Verdict& verdict, uint16_t& terminal) noexcept {
  Request request;
  request.name = name.data();
  request.name_bytes = static_cast<uint32_t>(name.size());
  request.address = question.address;
  request.address_bytes = question.address_bytes;
  request.type = question.type;
  uint64_t lists[kMaxLists / 64];
  if (levels.count > 0) {
    union_of(tables, levels, lists);
    request.lists = lists;
  }
  const Programs::Outcome outcome = tables.programs->view.run(verdict.role_set, request);
  terminal = outcome.terminal;
  if (outcome.result == Programs::Result::kAction) {
    verdict.reason = Reason::kPolicy;
    verdict.action = outcome.action;
    verdict.act = act_of(tables, outcome.action);
  } else {
    verdict.reason =
        outcome.result == Programs::Result::kUnplanned ? Reason::kUnplanned : Reason::kFallbackMiss;
  }
}

// Everything that was found on the way to a verdict, for who wants to explain it.
struct Trace {
  Levels levels;
  Outcome lists;
  uint16_t terminal = 0;  // of the program, with Reason::kPolicy
};

// Verdicts whose reason says `fail` or `on_miss` have no action yet: the caller decides what these mean.
inline Verdict decide(const Generation& tables, const Question& question, Trace& trace) noexcept {
  Verdict verdict{Act::kAllow, Reason::kNoPolicy,     0, role_set_of(tables, question),
                  kNoList,     tables.head.generation};
  QueryName name;
  if (!name.parse(question.name, question.name_bytes)) {
    verdict.reason = Reason::kMalformed;
    return verdict;
  }
  if (tables.names || tables.names_delta) {
    const uint16_t role_class =
        tables.subscriptions ? tables.subscriptions->view.class_of(verdict.role_set) : 0;
    trace.lists = look_up(tables, name, role_class, trace.levels);
    verdict.list = trace.lists.list;
    if (trace.lists.code >= Outcome::kBlock) {
      verdict.reason = Reason::kBlockList;
      verdict.action = static_cast<uint16_t>(trace.lists.code - Outcome::kBlock);
      verdict.act = act_of(tables, verdict.action);
      return verdict;
    }
    if (trace.lists.code == Outcome::kAllow) verdict.reason = Reason::kAllowList;
  }
  if (tables.programs) run_program(tables, question, name, trace.levels, verdict, trace.terminal);
  return verdict;
}

}  // namespace nnoe::tables
