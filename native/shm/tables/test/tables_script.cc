// SPDX-License-Identifier: MPL-2.0
// tables_script DIRECTORY: publishes small tables as told, line by line, on standard input, so that tests of
// the bridge need no host. Answers each `publish` with the generation's number. A word is never quoted.
//
//   map ADDRESS[/LENGTH] ROLE...        list NAME block|allow        name LIST exact|subtree NAME
//   take ROLE LIST ACTION               role set {ROLE} takes LIST with ACTION
//   ACTION: allow drop nxdomain refused nodata truncate  pool:NAME  to:ADDRESS[,ADDRESS...]  cname:NAME
//   ede:CODE:ACTION
//   publish                             forget: everything said so far is taken back
#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>

#include "shm/tables/actions.h"
#include "shm/tables/hosts.h"
#include "shm/tables/names_builder.h"
#include "shm/tables/prefixes.h"
#include "shm/tables/publisher.h"
#include "shm/tables/registry.h"
#include "shm/tables/subscriptions.h"

namespace {

using namespace nnoe::tables;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "tables_script: %s\n", what.c_str());
  std::exit(2);
}

std::string wire(const std::string& text) {
  std::string name;
  std::istringstream labels(text);
  for (std::string label; std::getline(labels, label, '.');) name += static_cast<char>(label.size()) + label;
  return name + '\0';
}

struct Take {
  uint16_t role_set;
  uint16_t list;
  uint16_t action;
};

class Script {
 public:
  void line(const std::string& text) {
    std::istringstream words(text);
    std::string verb;
    words >> verb;
    if (verb == "map") return map(words);
    if (verb == "list") return list(words);
    if (verb == "name") return name(words);
    if (verb == "take") return take(words);
    fail("no such line: " + text);
  }

  std::vector<Change> changes() const {
    std::vector<Mapping> hosts[2];
    std::vector<Mapping> prefixes[2];
    for (size_t family = 0; family < 2; ++family)
      for (const auto& [key, mapping] : mappings_[family])
        (mapping.length == kAddressBits[family] ? hosts : prefixes)[family].push_back(mapping);
    return {
        {Section::kRegistry, registry_.build()},
        {Section::kActions, actions_.build()},
        {Section::kHosts, build_hosts(hosts[0], hosts[1], false)},
        {Section::kPrefixes, build_prefixes({prefixes[0], prefixes[0]}, {prefixes[1], prefixes[1]}, false)},
        {Section::kNames, names_.build()},
        {Section::kSubscriptions, build_subscriptions(plan())}};
  }

 private:
  template <class T>
  static T told(T value, const std::string& why) {
    if (!why.empty()) fail(why);
    return value;
  }

  // `default` alone is the set of clients without a mapping.
  uint16_t role_set(std::vector<std::string> roles) {
    if (roles == std::vector<std::string>{"default"}) return kDefaultRoleSet;
    std::string why;
    const uint16_t number = registry_.role_set(std::move(roles), why);
    return told(number, why);
  }

  void map(std::istringstream& words) {
    std::string prefix;
    words >> prefix;
    std::vector<std::string> roles;
    for (std::string role; words >> role;) roles.push_back(role);
    const size_t slash = prefix.find('/');
    const std::string address = prefix.substr(0, slash);
    uint8_t bytes[16] = {};
    const bool v6 = address.find(':') != std::string::npos;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) fail("no address: " + address);
    uint64_t words64[2];
    std::memcpy(words64, bytes, sizeof(words64));
    const int length = slash == std::string::npos ? (v6 ? 128 : 32) : std::atoi(prefix.c_str() + slash + 1);
    const Mapping mapping = prefix_of(__builtin_bswap64(words64[0]), __builtin_bswap64(words64[1]),
                                      static_cast<uint8_t>(length), role_set(std::move(roles)));
    mappings_[v6 ? 1 : 0][{mapping.high, mapping.low, mapping.length}] = mapping;
  }

  void list(std::istringstream& words) {
    std::string name;
    std::string kind;
    words >> name >> kind;
    std::string why;
    const uint16_t number = told(registry_.list(name, why), why);
    if (lists_.size() <= number) lists_.resize(number + 1u);
    lists_[number] = {kind == "allow" ? ListKind::kAllow : ListKind::kBlock, number};
  }

  void name(std::istringstream& words) {
    std::string list;
    std::string how;
    std::string name;
    words >> list >> how >> name;
    std::string why;
    const std::string bytes = wire(name);
    if (!names_.set(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), registry_.list(list, why),
                    how == "exact" ? Listed::kExact : Listed::kSubtree))
      fail("no name: " + name);
  }

  void take(std::istringstream& words) {
    std::string role;
    std::string list;
    std::string what;
    words >> role >> list >> what;
    std::string why;
    const auto number = static_cast<uint16_t>(told(actions_.add(action(what), why), why));
    takes_.push_back({role_set({role}), registry_.list(list, why), number});
  }

  static void add_address(ActionSpec& spec, const std::string& text) {
    uint8_t bytes[16];
    if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) {
      spec.a.push_back(ntohl(v4.s_addr));
    } else if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) {
      spec.aaaa.emplace_back(reinterpret_cast<const char*>(bytes), 16);
    } else {
      fail("no address: " + text);
    }
  }

  static ActionSpec action(const std::string& what) {
    static const std::map<std::string, Act> plain{{"allow", Act::kAllow},       {"drop", Act::kDrop},
                                                  {"nxdomain", Act::kNxdomain}, {"refused", Act::kRefused},
                                                  {"nodata", Act::kNodata},     {"truncate", Act::kTruncate}};
    ActionSpec spec;
    if (const auto found = plain.find(what); found != plain.end()) {
      spec.act = found->second;
      return spec;
    }
    const size_t colon = what.find(':');
    const std::string kind = what.substr(0, colon);
    const std::string value = what.substr(colon + 1);
    spec.act = kind == "pool" ? Act::kPool : Act::kRedirect;
    if (kind == "pool") {
      spec.pool = value;
    } else if (kind == "cname") {
      spec.cname = wire(value);
    } else if (kind == "to") {
      std::istringstream addresses(value);
      for (std::string each; std::getline(addresses, each, ',');) add_address(spec, each);
    } else if (kind == "ede") {
      const size_t next = value.find(':');
      spec = action(value.substr(next + 1));
      spec.ede = static_cast<uint16_t>(std::atoi(value.c_str()));
      spec.ede_text = "on a list";
    } else {
      fail("no action: " + what);
    }
    return spec;
  }

  SubscriptionsPlan plan() const {
    SubscriptionsPlan plan;
    plan.lists = lists_;
    plan.role_sets.assign(registry_.role_sets(), SubscriptionsPlan::Row(lists_.size()));
    for (const Take& take : takes_)
      plan.role_sets[take.role_set][take.list] = static_cast<uint16_t>(take.action + 1);
    return plan;
  }

  RegistryBuilder registry_;
  ActionsBuilder actions_;
  NamesBuilder names_;
  std::map<std::tuple<uint64_t, uint64_t, uint8_t>, Mapping> mappings_[2];
  std::vector<SubscriptionsPlan::List> lists_;
  std::vector<Take> takes_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("usage: tables_script DIRECTORY");
  std::string found;
  nnoe::journal::Error error;
  const auto publisher = Publisher::open(argv[1], found, error);
  if (!publisher) fail(error.text);
  auto script = std::make_unique<Script>();
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    if (line == "forget") {
      script = std::make_unique<Script>();
    } else if (line == "publish") {
      if (!publisher->publish(script->changes(), error)) fail(error.text);
      std::cout << publisher->current().head.generation << std::endl;
    } else {
      script->line(line);
    }
  }
}
