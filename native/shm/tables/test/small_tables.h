// SPDX-License-Identifier: MPL-2.0
// Small tables for tests: said in words, published as the host would.
#pragma once

#include <arpa/inet.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/tables/hosts.h"
#include "shm/tables/names_builder.h"
#include "shm/tables/prefixes.h"
#include "shm/tables/publisher.h"
#include "shm/tables/registry.h"
#include "shm/tables/subscriptions.h"
#include "shm/tables/test/program_make.h"

namespace nnoe::test {

// What cannot be done ends the test: these are mistakes of its author.
[[noreturn]] inline void misused(const std::string& what) {
  std::fprintf(stderr, "small tables: %s\n", what.c_str());
  std::abort();
}

// "www.example.com" in wire form, "" the root; without escapes.
inline std::string wire_name(const std::string& text) {
  std::string name;
  std::istringstream labels(text);
  for (std::string label; std::getline(labels, label, '.');) name += static_cast<char>(label.size()) + label;
  return name + '\0';
}

// 4 or 16 bytes in network order.
inline std::vector<uint8_t> address_bytes(const std::string& text) {
  const bool v6 = text.find(':') != std::string::npos;
  std::vector<uint8_t> bytes(v6 ? 16 : 4);
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) != 1) misused("no address: " + text);
  return bytes;
}

class Asked {
 public:
  Asked(const std::string& client, const std::string& name, uint16_t type = 1)
      : address_(address_bytes(client)), name_(wire_name(name)), type_(type) {}
  tables::Question question() const {
    return {address_.data(), static_cast<uint32_t>(address_.size()), static_cast<uint32_t>(name_.size()),
            reinterpret_cast<const uint8_t*>(name_.data()), type_};
  }

 private:
  std::vector<uint8_t> address_;
  std::string name_;
  uint16_t type_;
};

class SmallTables {
 public:
  using Roles = std::vector<std::string>;

  explicit SmallTables(const std::string& directory) {
    std::string found;
    journal::Error error;
    publisher_ = tables::Publisher::open(directory, found, error);
    if (!publisher_) misused(error.text);
  }
  // Empty ones, in the place of `other`.
  SmallTables(const std::string&, const SmallTables& other) : publisher_(other.publisher_) {}

  void map(const std::string& prefix, Roles roles) {
    const size_t slash = prefix.find('/');
    std::vector<uint8_t> bytes = address_bytes(prefix.substr(0, slash));
    const auto family = static_cast<tables::Family>(bytes.size() == 16);
    const uint8_t most = tables::kAddressBits[static_cast<size_t>(family)];
    const int length = slash == std::string::npos ? most : std::atoi(prefix.c_str() + slash + 1);
    bytes.resize(16);
    uint64_t words[2];
    std::memcpy(words, bytes.data(), sizeof(words));
    const tables::Mapping mapping =
        tables::prefix_of(__builtin_bswap64(words[0]), __builtin_bswap64(words[1]),
                          static_cast<uint8_t>(length), role_set(std::move(roles)));
    mappings_[static_cast<size_t>(family)][{mapping.high, mapping.low, mapping.length}] = mapping;
  }

  void list(const std::string& name, tables::ListKind kind) {
    const uint16_t number = list_number(name);
    if (lists_.size() <= number) lists_.resize(number + 1u);
    lists_[number] = {kind, number};
  }

  void name(const std::string& list, const std::string& name, tables::Listed listed) {
    const std::string bytes = wire_name(name);
    if (!names_.set(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), list_number(list), listed))
      misused("no name: " + name);
  }

  // This role set, and no other, takes the list.
  void take(Roles roles, const std::string& list, const tables::ActionSpec& spec) {
    std::string why;
    const int32_t action = actions_.add(spec, why);
    if (action < 0) misused(why);
    takes_.push_back({role_set(std::move(roles)), list_number(list), static_cast<uint16_t>(action + 1)});
  }
  void take(Roles roles, const std::string& list, tables::Act act) {
    tables::ActionSpec spec;
    spec.act = act;
    take(std::move(roles), list, spec);
  }

  // The policy decision point is asked about this role set; until it has answered, `act`. Without any of
  // these there are no programs.
  void ask(Roles roles, tables::Act act, bool by_client) {
    tables::ActionSpec spec;
    spec.act = act;
    std::string why;
    const int32_t action = actions_.add(spec, why);
    if (action < 0) misused(why);
    namespace program = tables::program;
    const uint16_t number = role_set(std::move(roles));
    if (programs_.roles.size() <= number) programs_.roles.resize(number + 1u, program::kUnplanned);
    programs_.roles[number] =
        program::kFallback | (by_client ? program::kFallbackClient : 0u) | static_cast<uint32_t>(action);
  }
  // What all that is asked depends on.
  void basis(uint64_t number) { programs_.basis = number; }

  uint64_t publish() { return publish_changes(changes()); }
  uint64_t publish_only(tables::Section kind) {
    std::vector<tables::Change> changed = changes();
    for (tables::Change& change : changed)
      if (change.kind == kind) return publish_changes({std::move(change)});
    misused("no such section");
  }

 private:
  struct Take {
    uint16_t role_set;
    uint16_t list;
    uint16_t action;  // 1 + its number
  };

  // `default` alone is the set of clients without a mapping.
  uint16_t role_set(Roles roles) {
    if (roles == Roles{"default"}) return tables::kDefaultRoleSet;
    std::string why;
    const uint16_t number = registry_.role_set(std::move(roles), why);
    if (!why.empty()) misused(why);
    return number;
  }
  uint16_t list_number(const std::string& name) {
    std::string why;
    const uint16_t number = registry_.list(name, why);
    if (!why.empty()) misused(why);
    return number;
  }

  uint64_t publish_changes(const std::vector<tables::Change>& changed) {
    journal::Error error;
    if (!publisher_->publish(changed, error)) misused(error.text);
    return publisher_->current().head.generation;
  }

  std::vector<tables::Change> changes() const {
    using tables::Section;
    std::vector<tables::Mapping> hosts[tables::kFamilies];
    std::vector<tables::Mapping> prefixes[tables::kFamilies];
    for (size_t family = 0; family < tables::kFamilies; ++family)
      for (const auto& [key, mapping] : mappings_[family])
        (mapping.length == tables::kAddressBits[family] ? hosts : prefixes)[family].push_back(mapping);
    std::vector<tables::Change> all = {
        {Section::kRegistry, registry_.build()},
        {Section::kActions, actions_.build()},
        {Section::kHosts, tables::build_hosts(hosts[0], hosts[1], false)},
        {Section::kPrefixes,
         tables::build_prefixes({prefixes[0], prefixes[0]}, {prefixes[1], prefixes[1]}, false)},
        {Section::kNames, names_.build()},
        {Section::kSubscriptions, tables::build_subscriptions(plan())}};
    tables::test::Maker programs = programs_;
    programs.lists = static_cast<uint32_t>(lists_.size());
    if (!programs.roles.empty()) all.push_back({Section::kPrograms, programs.bytes()});
    return all;
  }

  tables::SubscriptionsPlan plan() const {
    tables::SubscriptionsPlan plan;
    plan.lists = lists_;
    plan.role_sets.assign(registry_.role_sets(), tables::SubscriptionsPlan::Row(lists_.size()));
    for (const Take& take : takes_) plan.role_sets[take.role_set][take.list] = take.action;
    return plan;
  }

  std::shared_ptr<tables::Publisher> publisher_;
  tables::RegistryBuilder registry_;
  tables::ActionsBuilder actions_;
  tables::NamesBuilder names_;
  std::map<std::tuple<uint64_t, uint64_t, uint8_t>, tables::Mapping> mappings_[tables::kFamilies];
  std::vector<tables::SubscriptionsPlan::List> lists_;
  std::vector<Take> takes_;
  tables::test::Maker programs_;
};

}  // namespace nnoe::test
