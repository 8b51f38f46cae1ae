// SPDX-License-Identifier: MPL-2.0
// Publishes the site of verdict_data.h by what the host uses: its stores, builders and publisher.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/tables/client_store.h"
#include "shm/tables/name_store.h"
#include "shm/tables/publisher.h"
#include "shm/tables/registry.h"
#include "shm/tables/subscriptions.h"
#include "shm/tables/test/program_make.h"
#include "verdict_data.h"

namespace nnoe::bench {

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

inline tables::Bytes registry_body() {
  tables::RegistryBuilder registry;
  std::string why;
  for (int i = 1; i < kRoleSets; ++i) registry.role_set({"role" + std::to_string(100 + i)}, why);
  for (uint32_t i = 0; i < kLists; ++i) registry.list("list" + std::to_string(i), why);
  if (!why.empty()) fail(why);
  return registry.build();
}

inline std::vector<uint8_t> actions_body() {
  tables::ActionsBuilder actions;
  for (const tables::Act act : {tables::Act::kNxdomain, tables::Act::kRefused, tables::Act::kNodata}) {
    tables::ActionSpec spec;
    spec.act = act;
    std::string why;
    if (actions.add(spec, why) < 0) fail(why);
  }
  return actions.build();
}

inline std::vector<uint8_t> subscriptions_body() {
  tables::SubscriptionsPlan plan;
  for (uint32_t list = 0; list < kLists; ++list) {
    using tables::ListKind;
    plan.lists.push_back(
        {list == kAllowList ? ListKind::kAllow : ListKind::kBlock, static_cast<uint16_t>(list)});
  }
  for (uint16_t role_set = 0; role_set < kRoleSets; ++role_set) {
    tables::SubscriptionsPlan::Row row;
    for (uint32_t list = 0; list < kLists; ++list)
      row.push_back(takes(role_set, list) ? static_cast<uint16_t>(1 + action_of(role_set)) : uint16_t{0});
    plan.role_sets.push_back(row);
  }
  return build_subscriptions(plan);
}

// One program a role set, of the tests that the compiler makes of such conditions.
inline std::vector<uint8_t> programs_body() {
  using tables::program::Instruction;
  using tables::program::Kind;
  using tables::program::Op;
  tables::test::Maker maker;
  maker.lists = kLists;
  for (uint16_t action = 0; action <= kNodata; ++action) maker.terminals.push_back({action, 0, 0, 0, 0});
  std::vector<uint16_t> ranges;
  for (const uint16_t type : kTypes) ranges.insert(ranges.end(), {type, type});
  const uint16_t types = maker.numbers(Kind::kTypes, ranges, static_cast<uint32_t>(std::size(kTypes)));
  const uint16_t internal = maker.name(kInternal);
  const uint16_t mask = maker.numbers<uint64_t>(Kind::kMask, {uint64_t{3} << kPolicyList, 0, 0, 0});
  const auto test = [](Op op, uint16_t on_true, uint16_t on_false, uint16_t operand) {
    return Instruction{static_cast<uint8_t>(op), 0, on_true, on_false, operand};
  };
  for (uint16_t role_set = 0; role_set < kRoleSets; ++role_set) {
    maker.programs.push_back({static_cast<uint32_t>(maker.code.size()), 7});
    maker.roles.push_back(static_cast<uint32_t>(maker.programs.size()));
    const uint16_t seen = sees_internal(role_set) ? kAllowed : kNxdomain;
    for (const Instruction& one :
         {test(Op::kTypeIn, 1, 6, types), test(Op::kNameUnder, 3, 1, internal),
          test(Op::kListsAny, 3, 1, mask), test(Op::kReturn, 0, 0, kAllowed), test(Op::kReturn, 0, 0, seen),
          test(Op::kReturn, 0, 0, kNodata), test(Op::kReturn, 0, 0, kRefused)})
      maker.code.push_back(one);
  }
  return maker.bytes();
}

inline tables::ClientStore::Base clients_base(const Sizes& sizes) {
  std::vector<tables::ClientRecord> records;
  const auto add = [&](uint32_t address, uint8_t length, uint16_t role_set) {
    tables::ClientRecord record{{}, 4, length, role_set};
    const uint32_t wire = __builtin_bswap32(address);
    std::memcpy(record.address, &wire, sizeof wire);
    records.push_back(record);
  };
  for (uint64_t i = 0; i < sizes.hosts; ++i) add(host_address(i), 32, role_set_of_host(i));
  for (uint64_t i = 0; i < sizes.subnets; ++i) {
    const tables::Mapping mapping = subnet(i);
    add(static_cast<uint32_t>(mapping.high >> 32), mapping.length, mapping.value);
  }
  tables::ClientStore store;
  std::string why;
  const auto* bytes = reinterpret_cast<const uint8_t*>(records.data());
  if (!store.replace(bytes, records.size() * sizeof(tables::ClientRecord), why)) fail(why);
  return store.build_base();
}

inline const uint8_t* bytes_of(const std::string& name) {
  return reinterpret_cast<const uint8_t*>(name.data());
}

// Entries [first, first + count) of all lists; with `only`, of that list alone, whatever others they are on.
inline std::vector<uint8_t> names_body(const std::string& scratch, uint64_t first, uint64_t count,
                                       int only = -1) {
  tables::NameStore store(scratch);
  std::vector<std::string> refused;
  journal::Error error;
  if (!store.open(refused, error)) fail(error.text);
  const Domains domains(kSite);
  std::vector<std::unique_ptr<tables::NameSetWriter>> writers;
  for (uint32_t list = 0; list < kLists; ++list) writers.push_back(store.writer(list));
  for (uint64_t number = first; number < first + count; ++number) {
    const std::string name = domains.entry(number);
    const tables::Listed listed = domains.exact(number) ? tables::Listed::kExact : tables::Listed::kSubtree;
    for (uint32_t lists = only < 0 ? domains.lists(number) : 1u << only; lists != 0; lists &= lists - 1)
      writers[static_cast<size_t>(__builtin_ctz(lists))]->add(bytes_of(name), name.size(), listed);
  }
  for (uint32_t list = 0; list < kLists; ++list)
    if (!store.replace(list, std::move(writers[list]), error)) fail(error.text);
  std::vector<uint8_t> body = store.build_base();
  std::filesystem::remove_all(scratch);
  return body;
}

class Site {
 public:
  explicit Site(const std::string& directory) {
    std::string found;
    journal::Error error;
    publisher_ = tables::Publisher::open(directory, found, error);
    if (!publisher_) fail(error.text);
  }

  // Everything but names.
  std::vector<tables::Change> sections(const Sizes& sizes) const {
    using tables::Section;
    tables::ClientStore::Base clients = clients_base(sizes);
    return {
        {Section::kRegistry, registry_body()},           {Section::kActions, actions_body()},
        {Section::kHosts, std::move(clients.hosts)},     {Section::kPrefixes, std::move(clients.prefixes)},
        {Section::kSubscriptions, subscriptions_body()}, {Section::kPrograms, programs_body()}};
  }

  uint64_t publish(const std::vector<tables::Change>& changes) {
    journal::Error error;
    if (!publisher_->publish(changes, error)) fail(error.text);
    return publisher_->current().head.generation;
  }
  // Of all sections of the last generation.
  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const tables::ManifestEntry& entry : publisher_->current().entries) sum += entry.bytes;
    return sum;
  }

 private:
  std::unique_ptr<tables::Publisher> publisher_;
};

}  // namespace nnoe::bench
