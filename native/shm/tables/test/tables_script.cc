// SPDX-License-Identifier: MPL-2.0
// tables_script DIRECTORY: publishes small tables as told, line by line, on standard input, so that tests of
// the bridge need no host. Answers each `publish` with the generation's number. Words are separated by spaces
// and never quoted.
//
//   map ADDRESS[/LENGTH] ROLE...      list NAME block|allow      name LIST exact|subtree NAME
//   take ROLE LIST ACTION             role set {ROLE} takes LIST with ACTION
//   publish                           forget: everything said so far is taken back
//
// ACTION: allow, drop, nxdomain, refused, nodata, truncate, pool:NAME, to:ADDRESS[,ADDRESS...], cname:NAME,
// or ede:CODE:ACTION for one of these with an extended error.
#include <cstdio>
#include <iostream>

#include "shm/tables/test/small_tables.h"

namespace {

using namespace nnoe::tables;
using nnoe::test::misused;
using nnoe::test::SmallTables;

const std::map<std::string, Act> plain{{"allow", Act::kAllow},       {"drop", Act::kDrop},
                                       {"nxdomain", Act::kNxdomain}, {"refused", Act::kRefused},
                                       {"nodata", Act::kNodata},     {"truncate", Act::kTruncate}};

void add_address(ActionSpec& spec, const std::string& text) {
  const std::vector<uint8_t> bytes = nnoe::test::address_bytes(text);
  if (bytes.size() == 16) {
    spec.aaaa.emplace_back(bytes.begin(), bytes.end());
  } else {
    spec.a.push_back(uint32_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
  }
}

ActionSpec action(const std::string& what) {
  ActionSpec spec;
  if (const auto found = plain.find(what); found != plain.end()) {
    spec.act = found->second;
    return spec;
  }
  const size_t colon = what.find(':');
  const std::string kind = what.substr(0, colon);
  const std::string value = colon == std::string::npos ? "" : what.substr(colon + 1);
  if (kind == "ede") {
    const size_t next = value.find(':');
    spec = action(value.substr(next + 1));
    spec.ede = static_cast<uint16_t>(std::atoi(value.c_str()));
    spec.ede_text = "on a list";
    return spec;
  }
  spec.act = kind == "pool" ? Act::kPool : Act::kRedirect;
  if (kind == "pool") {
    spec.pool = value;
  } else if (kind == "cname") {
    spec.cname = nnoe::test::wire_name(value);
  } else if (kind == "to") {
    std::istringstream addresses(value);
    for (std::string each; std::getline(addresses, each, ',');) add_address(spec, each);
  } else {
    misused("no action: " + what);
  }
  return spec;
}

void obey(SmallTables& tables, const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> word;
  for (std::string each; words >> each;) word.push_back(each);
  const std::string& verb = word[0];
  if (verb == "map" && word.size() > 2) {
    tables.map(word[1], {word.begin() + 2, word.end()});
  } else if (verb == "list" && word.size() == 3) {
    tables.list(word[1], word[2] == "allow" ? ListKind::kAllow : ListKind::kBlock);
  } else if (verb == "name" && word.size() == 4) {
    tables.name(word[1], word[3], word[2] == "exact" ? Listed::kExact : Listed::kSubtree);
  } else if (verb == "take" && word.size() == 4) {
    tables.take({word[1]}, word[2], action(word[3]));
  } else if (verb == "publish") {
    std::cout << tables.publish() << std::endl;
  } else {
    misused("no such line: " + line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) misused("usage: tables_script DIRECTORY");
  auto tables = std::make_unique<SmallTables>(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "forget") {
      tables = std::make_unique<SmallTables>(argv[1], *tables);
    } else if (!line.empty()) {
      obey(*tables, line);
    }
  }
}
