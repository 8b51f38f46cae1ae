// SPDX-License-Identifier: MPL-2.0
// From rows to a set of names: what is protected, and what has yet to be converted.
#include <doctest/doctest.h>

#include <fstream>

#include "shm/tables/test/list_support.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

class Kept : public NameSink {
 public:
  void add(const uint8_t* wire, size_t size, Reach, Stance) override {
    names.push_back(name_text(wire, size));
  }
  Texts names;
};

WireName wire_of(const std::string& text) {
  WireName wire;
  RowFault fault = RowFault::kSyntax;
  REQUIRE(parse_list_name(text, wire, fault));
  return wire;
}

std::string write(const nnoe::test::TempDir& dir, const std::string& name, const std::string& text) {
  std::string path = dir.path() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace

TEST_CASE("an entry that would block a protected name is left out, counted and named") {
  const nnoe::test::TempDir dir;
  ProtectedNames guard;
  guard.add(wire_of("www.google.com"));
  const std::string path = write(dir, "list",
                                 "||www.google.com^\n||google.com^\n||com^\nwww.google.com\ngoogle.com\n"
                                 "||ads.www.google.com^\n@@||google.com^\n||gle.com^\n");
  Kept kept;
  ListLoader loader(kept, &guard);
  std::string why;
  REQUIRE(loader.read(path, {ListFormat::kAdblock, false}, why) == ListRead::kRead);
  CHECK(words(kept.names) == words(Texts{"google.com", "ads.www.google.com", "google.com", "gle.com"}));
  CHECK(loader.protected_count() == 4);
  CHECK(words(loader.protected_names()) ==
        words(Texts{"www.google.com", "google.com", "com", "www.google.com"}));
  Kept all;
  ListLoader open(all, nullptr);
  REQUIRE(open.read(path, {ListFormat::kAdblock, false}, why) == ListRead::kRead);
  CHECK(all.names.size() == 8);
}

TEST_CASE("names to convert come back, and count as names or as faults then") {
  const nnoe::test::TempDir dir;
  ProtectedNames guard;
  guard.add(wire_of("xn--bcher-kva.example"));
  Kept kept;
  ListLoader loader(kept, &guard);
  std::string why;
  const std::string path =
      write(dir, "list", "b\u00fccher.example\n\xc3\xbc.example\n\xf0\x9f\x92\xa9.example\n");
  REQUIRE(loader.read(path, {ListFormat::kDomains, false}, why) == ListRead::kRead);
  REQUIRE(loader.rows().size() == 3);
  CHECK(loader.rows()[1].line == 2);
  loader.converted(0, "xn--bcher-kva.example");
  loader.converted(1, "xn--tda.example");
  loader.converted(2, "");
  CHECK(words(kept.names) == words(Texts{"xn--tda.example"}));
  CHECK(loader.report().names == 2);
  CHECK(loader.report().faults[static_cast<size_t>(RowFault::kIdna)].lines[0] == 3);
  CHECK(loader.protected_count() == 1);
}
