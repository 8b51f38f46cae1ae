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
  Levels() noexcept {}  // the levels themselves are left as they are
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
inline uint16_t role_set_by(const Generation& tables, Find&& find) noexcept {
  uint16_t found = kAbsent;
  if (tables.hosts_delta) found = find(tables.hosts_delta->view);
  if (found == kAbsent && tables.hosts) found = find(tables.hosts->view);
  if (found < kRemoved) return found;
  found = kAbsent;
  if (tables.prefixes_delta) found = find(tables.prefixes_delta->view);
  if (found == kAbsent && tables.prefixes) found = find(tables.prefixes->view);
  return found < kRemoved ? found : kDefaultRoleSet;
}

// Of any client. `address_bytes` is 4 or 16; anything else has no mapping.
[[gnu::noinline]] inline uint16_t role_set_of(const Generation& tables, const Question& question) noexcept {
  const uint8_t* address = question.address;
  if (question.address_bytes == 16 && !is_mapped4(address))
    return role_set_by(tables, [&](const auto& table) { return table.find6(address); });
  if (question.address_bytes != 4 && question.address_bytes != 16) return kDefaultRoleSet;
  const uint32_t v4 = load_be32(address + question.address_bytes - 4);
  return role_set_by(tables, [&](const auto& table) { return table.find4(v4); });
}

// Of an IPv4 address when nothing changed since the tables were built, in two steps: what the second one
// reads is asked of the memory in the first.
class Client4 {
 public:
  [[gnu::always_inline]] Client4(const QueryTables& query, const uint8_t* address) noexcept
      : address_(address), v4_(load_be32(address)), bucket_(query.hosts.begin4(v4_)) {}

  [[gnu::always_inline]] uint32_t role_set(const QueryTables& query) const noexcept {
    uint32_t found = Hosts::find4(bucket_, v4_);
    if (__builtin_expect(found >= kRemoved, 0)) {
      if (query.has_prefixes) found = query.prefixes.find4(load_be32(address_));
      if (found >= kRemoved) found = kDefaultRoleSet;
    }
    return found;
  }

 private:
  const uint8_t* const address_;
  const uint32_t v4_;
  const HostBucket4* const bucket_;
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

// What the lists say of a name, all levels of it.
inline Outcome look_up(const Generation& tables, const QueryName& name, uint16_t role_set,
                       Levels& levels) noexcept {
  Gathered gathered{levels, {}};
  const uint16_t role_class = role_class_of(tables, role_set);
  const Names* base = tables.names ? &tables.names->view : nullptr;
  const Names* delta = tables.names_delta ? &tables.names_delta->view : nullptr;
  walk(base, delta, name, [&](size_t depth, uint16_t listset, bool in_delta) {
    gathered.add(in_delta ? tables.outcomes_delta.get() : tables.outcomes.get(), role_class, depth, listset,
                 in_delta);
  });
  return gathered.found;
}

// The same after decide_usual(): there is a base alone, and nothing in it reaches up to the top level.
inline Outcome look_up_base(const Generation& tables, const QueryName& name, uint16_t role_set,
                            Levels& levels) noexcept {
  Gathered gathered{levels, {}};
  const uint16_t role_class = role_class_of(tables, role_set);
  const SubscriptionMatrix* outcomes = tables.outcomes.get();
  const Names& names = tables.query.names;
  Names::Path path;
  names.begin_usual(name, path);
  names.finish(name, path, [&](size_t depth, uint16_t listset) {
    gathered.add(outcomes, role_class, depth, listset, false);
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

// Everything that was found on the way to a verdict, for who wants to explain it.
struct Trace {
  Levels levels;
  uint16_t terminal = 0;  // of the program, with Reason::kPolicy
};

// A question on its way to a verdict.
struct Deciding {
  const Generation& tables;
  Question question;
  QueryName& name;  // becomes the question's, empty when that is none
  Act fail;         // what is done when nothing is known
  Trace* trace;     // null: nobody wants to know

  // See Question.
  [[gnu::always_inline]] Deciding copy() const noexcept {
    return {tables, question.copy(), name, fail, trace};
  }
};

// What holds for a role set without a program, when the lists said `before`.
[[gnu::noinline]] inline PackedVerdict without_program(Deciding d, PackedVerdict before) noexcept {
  const QueryTables& query = d.tables.query;
  const uint16_t role_set = before.role_set();
  if (!query.has_programs)
    return query.without == Reason::kNoTables ? PackedVerdict{d.fail, query.without, 0, role_set, kNoList}
                                              : before;
  const Programs::Outcome outcome = query.programs.without_program(role_set);
  if (outcome.result == Programs::Result::kUnplanned)
    return {d.fail, Reason::kUnplanned, 0, role_set, before.list()};
  return {query.actions[outcome.action].what(), Reason::kFallbackMiss, outcome.action, role_set,
          before.list()};
}

// What the role set's program says of a name on some lists, or on tables of which nothing was made ready;
// `before`: the lists.
[[gnu::always_inline]] inline PackedVerdict run_program(const Deciding& d, const uint64_t* lists,
                                                        PackedVerdict before) noexcept {
  const QueryTables& query = d.tables.query;
  const Question& question = d.question;
  const QueryName& name = d.name;
  const auto size = static_cast<uint32_t>(name.size());
  const Step* at = query.programs.first(before.role_set());
  if (__builtin_expect(at == nullptr, 0)) return without_program(d.copy(), before);
  at = query.programs.finish(at, name.data(), size, question.type, lists, [&]() -> Request {
    return {name.data(), size, question.address_bytes, question.address, lists, question.type};
  });
  if (d.trace != nullptr) d.trace->terminal = at->operand;
  return {query.actions[at->value].what(), Reason::kPolicy, at->value, before.role_set(), before.list()};
}

// How a question was decided, or how far it came on the way of the usual ones.
enum class Way : uint8_t {
  kUsual,      // an IPv4 client, a name on no list, a role set with a program: `verdict` is complete
  kAny,        // nothing is known
  kListed,     // the name is parsed, and may be on lists; the role set is known
  kUnplanned,  // likewise, and is on none, but the role set has no program
};
struct Decided {
  PackedVerdict verdict;
  uint32_t role_set;
  Way way;
};

// The usual question; of any other what decide_rest() needs to know. Large tables are not in the processor's
// caches: every place that can be known is asked of the memory before the first is looked at, so that the
// query waits once and not four times.
[[gnu::always_inline]] inline Decided decide_usual(const Deciding& d) noexcept {
  constexpr PackedVerdict kOpen{Act::kAllow, Reason::kNoPolicy, 0, 0, kNoList};
  const QueryTables& query = d.tables.query;
  const Question& question = d.question;
  if (__builtin_expect(question.address_bytes != query.usual_address, 0)) return {kOpen, 0, Way::kAny};
  if (question.address_bytes != 4) __builtin_unreachable();
  const Client4 client(query, question.address);
  Names::Path path;
  if (__builtin_expect(
          !d.name.parse(question.name, question.name_bytes) || !query.names.begin_usual(d.name, path), 0))
    return {kOpen, 0, Way::kAny};
  const uint32_t role_set = client.role_set(query);
  if (__builtin_expect(!query.names.misses(path), 0))
    return {kOpen.of_role_set(role_set), role_set, Way::kListed};
  const uint32_t size = question.name_bytes;  // and the name's, now that it is one
  if (size == 0) __builtin_unreachable();
  const Step* at = UnlistedPrograms::first(*query.unlisted, role_set, question.type);
  at = Programs::pass_domains(at, d.name.data(), size);
  if (__builtin_expect(at->run != Step::Run::kReturn, 0)) {
    if (at->run == Step::Run::kNone) return {kOpen.of_role_set(role_set), role_set, Way::kUnplanned};
    at = query.programs.finish_request(
        at, {d.name.data(), size, question.address_bytes, question.address, nullptr, question.type});
  }
  if (d.trace != nullptr) d.trace->terminal = at->operand;
  return {at->verdict.of_role_set(role_set), role_set, Way::kUsual};
}

// The verdict of a question that was not decided yet: any, on any tables.
[[gnu::always_inline]] inline PackedVerdict decide_rest(const Deciding& d, Decided so_far) noexcept {
  const QueryTables& query = d.tables.query;
  auto role_set = static_cast<uint16_t>(so_far.role_set);
  if (so_far.way == Way::kUnplanned) return without_program(d.copy(), so_far.verdict);
  if (so_far.way == Way::kAny) {
    if (query.nothing) {
      d.name.clear();
      return {Act::kAllow, Reason::kNoPolicy, 0, kDefaultRoleSet, kNoList};
    }
    role_set = role_set_of(d.tables, d.question);
    if (!d.name.parse(d.question.name, d.question.name_bytes)) {
      d.name.clear();
      return {d.fail, query.without == Reason::kNoTables ? query.without : Reason::kMalformed, 0, role_set,
              kNoList};
    }
  }
  Levels here;
  Levels& levels = d.trace != nullptr ? d.trace->levels : here;
  const Outcome found = so_far.way == Way::kListed ? look_up_base(d.tables, d.name, role_set, levels)
                                                   : look_up(d.tables, d.name, role_set, levels);
  if (found.code >= Outcome::kBlock) {
    const uint32_t action = found.code - Outcome::kBlock;
    return {query.actions[action].what(), Reason::kBlockList, action, role_set, found.list};
  }
  const Reason reason = found.code == Outcome::kAllow ? Reason::kAllowList : Reason::kNoPolicy;
  const PackedVerdict before{Act::kAllow, reason, 0, role_set, found.list};
  if (!query.has_programs) return without_program(d.copy(), before);
  uint64_t lists[kMaxLists / 64];
  if (levels.count > 0) union_of(d.tables, levels, lists);
  return run_program(d, levels.count > 0 ? lists : nullptr, before);
}

inline PackedVerdict decide(const Deciding& d) noexcept {
  const Decided decided = decide_usual(d);
  return decided.way == Way::kUsual ? decided.verdict : decide_rest(d, decided);
}

}  // namespace nnoe::tables
