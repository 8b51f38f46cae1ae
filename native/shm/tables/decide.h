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

// Table by table: a delta stands in front of its base, single addresses in front of subnets. `host` is what
// the base's hosts say, asked for only when there are some.
template <class Host, class Find>
[[gnu::always_inline]] inline uint16_t role_set_by(const Generation& tables, Host&& host,
                                                   Find&& find) noexcept {
  uint16_t found = kAbsent;
  if (tables.hosts_delta) found = find(tables.hosts_delta->view);
  if (found == kAbsent && tables.hosts) found = host();
  if (__builtin_expect(found < kRemoved, 1)) return found;
  found = kAbsent;
  if (tables.prefixes_delta) found = find(tables.prefixes_delta->view);
  if (found == kAbsent && tables.prefixes) found = find(tables.prefixes->view);
  return found < kRemoved ? found : kDefaultRoleSet;
}

// Who asks, in two steps: what the second one reads is asked of the memory in the first.
class Client {
 public:
  // `question.address_bytes` is 4 or 16; anything else has no mapping.
  [[gnu::always_inline]] Client(const Generation& tables, const Question& question) noexcept {
    const uint8_t* address = question.address;
    if (__builtin_expect(question.address_bytes != 4, 0)) {
      if (question.address_bytes != 16) return;
      if (!is_mapped4(address)) {
        v6_ = address;
        if (tables.hosts) tables.hosts->view.prefetch6(address);
        return;
      }
      address += 12;
    }
    v4_ = load_be32(address);
    is_v4_ = true;
    if (tables.hosts) bucket_ = tables.hosts->view.begin4(v4_);
  }

  [[gnu::always_inline]] uint16_t role_set(const Generation& tables) const noexcept {
    if (__builtin_expect(is_v4_, 1))
      return role_set_by(
          tables, [&] { return Hosts::find4(bucket_, v4_); },
          [&](const auto& table) { return table.find4(v4_); });
    if (v6_ == nullptr) return kDefaultRoleSet;
    return role_set_by(
        tables, [&] { return tables.hosts->view.find6(v6_); },
        [&](const auto& table) { return table.find6(v6_); });
  }

 private:
  const HostBucket4* bucket_ = nullptr;
  const uint8_t* v6_ = nullptr;
  uint32_t v4_ = 0;
  bool is_v4_ = false;
};

// What lists say, as the walk goes from the top of a name down: the deepest level with an opinion decides.
struct Gathered {
  Levels& levels;
  Outcome found;

  void add(const SubscriptionMatrix* outcomes, uint16_t role_class, size_t depth, uint16_t listset,
           bool in_delta) noexcept {
    levels.at[levels.count++] = {listset, static_cast<uint8_t>(depth), in_delta};
    if (outcomes == nullptr) return;
    const Outcome outcome = outcomes->at(role_class, listset);
    if (outcome.code != Outcome::kNone) found = outcome;
  }
};

inline uint16_t role_class_of(const Generation& tables, uint16_t role_set) noexcept {
  return tables.subscriptions ? tables.subscriptions->view.class_of(role_set) : uint16_t{0};
}

// With a delta of names.
[[gnu::noinline]] inline Outcome look_up_changed(const Generation& tables, const QueryName& name,
                                                 uint16_t role_class, Levels& levels) noexcept {
  Gathered gathered{levels, {}};
  const Names* base = tables.names ? &tables.names->view : nullptr;
  walk(base, &tables.names_delta->view, name, [&](size_t depth, uint16_t listset, bool in_delta) {
    gathered.add(in_delta ? tables.outcomes_delta.get() : tables.outcomes.get(), role_class, depth, listset,
                 in_delta);
  });
  return gathered.found;
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
  if (__builtin_expect(outcome.result == Programs::Result::kUnplanned, 0)) {
    verdict.reason = Reason::kUnplanned;
    return;
  }
  verdict.reason = outcome.result == Programs::Result::kAction ? Reason::kPolicy : Reason::kFallbackMiss;
  verdict.action = outcome.action;
  verdict.act = act_of(tables, outcome.action);
}

// Everything that was found on the way to a verdict, for who wants to explain it.
struct Trace {
  Levels levels;
  Outcome lists;
  uint16_t terminal = 0;  // of the program, with Reason::kPolicy
};

// Verdicts whose reason says `fail` have no action yet: the caller decides what that means.
// Large tables are not in the processor's caches: every place that can be known is asked of the memory before
// the first is looked at, so that the query waits once and not four times.
[[gnu::always_inline]] inline Verdict decide(const Generation& tables, const Question& question,
                                             Trace& trace) noexcept {
  const Client client(tables, question);
  Verdict verdict{Act::kAllow, Reason::kNoPolicy, 0, kDefaultRoleSet, kNoList, tables.head.generation};
  QueryName name;
  Names::Path path;
  const Names* names = tables.names && !tables.names_delta ? &tables.names->view : nullptr;
  const bool well_formed = name.parse(question.name, question.name_bytes);
  if (names != nullptr && well_formed) names->begin(name, path);
  verdict.role_set = client.role_set(tables);
  if (__builtin_expect(!well_formed, 0)) {
    verdict.reason = Reason::kMalformed;
    return verdict;
  }
  if (names != nullptr) {
    // Nothing but this is known to what is called: the verdict stays in registers.
    Gathered gathered{trace.levels, {}};
    const uint16_t role_set = verdict.role_set;
    names->finish(name, path, [&tables, &gathered, role_set](size_t depth, uint16_t listset) {
      gathered.add(tables.outcomes.get(), role_class_of(tables, role_set), depth, listset, false);
    });
    trace.lists = gathered.found;
  } else if (tables.names_delta) {
    trace.lists = look_up_changed(tables, name, role_class_of(tables, verdict.role_set), trace.levels);
  }
  verdict.list = trace.lists.list;
  if (trace.lists.code >= Outcome::kBlock) {
    verdict.reason = Reason::kBlockList;
    verdict.action = static_cast<uint16_t>(trace.lists.code - Outcome::kBlock);
    verdict.act = act_of(tables, verdict.action);
    return verdict;
  }
  if (trace.lists.code == Outcome::kAllow) verdict.reason = Reason::kAllowList;
  if (tables.programs) run_program(tables, question, name, trace.levels, verdict, trace.terminal);
  return verdict;
}

}  // namespace nnoe::tables
