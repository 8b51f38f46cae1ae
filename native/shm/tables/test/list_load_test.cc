// SPDX-License-Identifier: MPL-2.0
// From a file to a set of names: what is protected, what has yet to be converted, what is no list file, and
// files of any content.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "shm/tables/list_load.h"
#include "shm/tables/test/fuzz_lists.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using Texts = std::vector<std::string>;

namespace {

// As one text, which doctest can show.
std::string words(const Texts& all) {
  std::string out;
  for (const std::string& each : all) out += each + ' ';
  return out;
}

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
  const std::string path = dir.path() + "/" + name;
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
  const std::string path = write(dir, "list",
                                 "b\xc3\xbc"
                                 "cher.example\n\xc3\xbc.example\n\xf0\x9f\x92\xa9.example\n");
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

TEST_CASE("what is no list file is refused with its reason") {
  const nnoe::test::TempDir dir;
  Kept kept;
  ListLoader loader(kept, nullptr);
  std::string why;
  const auto outcome = [&](const std::string& path) { return loader.read(path, {}, why); };
  CHECK(outcome(dir.path() + "/none") == ListRead::kUnreadable);
  CHECK(why.find("No such file") != std::string::npos);
  CHECK(outcome(dir.path()) == ListRead::kForeign);
  CHECK(outcome(write(dir, "gz", "\x1f\x8b\x08 and so on")) == ListRead::kForeign);
  CHECK(why.find("gzip") != std::string::npos);
  CHECK(outcome(write(dir, "html", "\n<!DOCTYPE html>\n")) == ListRead::kForeign);
  CHECK(why.find("web page") != std::string::npos);
  CHECK(outcome(write(dir, "utf16",
                      std::string("\xff\xfe"
                                  "a\0",
                                  4))) == ListRead::kForeign);
  REQUIRE(::mkfifo((dir.path() + "/fifo").c_str(), 0600) == 0);
  CHECK(outcome(dir.path() + "/fifo") == ListRead::kForeign);
  const std::atomic<bool> stop{true};
  CHECK(loader.read(write(dir, "good", "a.example\n"), {}, why, &stop) == ListRead::kStopped);
  CHECK(kept.names.empty());
  CHECK(outcome(write(dir, "empty", "")) == ListRead::kRead);
  CHECK(loader.report().lines == 0);
}

TEST_CASE("a real file of many megabytes is read in pieces") {
  const nnoe::test::TempDir dir;
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "0.0.0.0 host" + std::to_string(i) + ".example\n";
  Kept kept;
  ListLoader loader(kept, nullptr);
  std::string why;
  REQUIRE(loader.read(write(dir, "list", text), {}, why) == ListRead::kRead);
  CHECK(loader.report().format == ListFormat::kHosts);
  CHECK(loader.report().names == 200000);
  CHECK(loader.report().bytes == text.size());
  CHECK(kept.names.front() == "host0.example");
  CHECK(kept.names.back() == "host199999.example");
}

// Pieces of real rows, put together at random and changed.
TEST_CASE("files of any content are read to their end") {
  static const Texts kPieces = {"0.0.0.0 ", "||",        "^",           "@@",
                                "$",        "address=/", "server=/",    "/",
                                "example",  ".",         "com",         "\n",
                                "\r\n",     " ",         "\t",          "#",
                                ";",        "(",         ")",           "\"",
                                "\\",       "\\046",     "*.",          "@ SOA ",
                                "CNAME .",  "$ORIGIN ",  "$TTL 1",      "rpz-passthru.",
                                "xn--",     "b\xc3\xbc", "\xff",        "https://",
                                ":80",      "::1",       "IN ",         std::string("\0", 1),
                                "a-b_c",    "rpz-ip",    "third-party", "127.0.0.1"};
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text(1, static_cast<char>(random()));
    for (size_t parts = random() % 60; parts > 0; --parts) {
      text += random() % 20 == 0 ? std::string(random() % 300, static_cast<char>(random()))
                                 : kPieces[random() % kPieces.size()];
    }
    fuzz_lists(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
}
