// SPDX-License-Identifier: MPL-2.0
// From a file to a set of names: what is protected, what has yet to be converted, what is no list file, and
// files of any content.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "shm/tables/test/fuzz_lists.h"
#include "shm/tables/test/list_support.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

std::string write(const nnoe::test::TempDir& dir, const std::string& name, const std::string& text) {
  const std::string path = dir.path() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace

TEST_CASE("what is no list file is refused with its reason") {
  const nnoe::test::TempDir dir;
  Collecting sink;
  ListReport report;
  std::string why;
  const auto outcome = [&](const std::string& path, const std::atomic<bool>* stop = nullptr) {
    return read_list_file(path, {}, sink, report, why, stop);
  };
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
  CHECK(outcome(write(dir, "good", "a.example\n"), &stop) == ListRead::kStopped);
  CHECK(sink.said.empty());
  CHECK(outcome(write(dir, "empty", "")) == ListRead::kRead);
  CHECK(report.lines == 0);
}

TEST_CASE("a real file of many megabytes is read in pieces") {
  const nnoe::test::TempDir dir;
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "0.0.0.0 host" + std::to_string(i) + ".example\n";
  Collecting sink;
  ListReport report;
  std::string why;
  REQUIRE(read_list_file(write(dir, "list", text), {}, sink, report, why) == ListRead::kRead);
  CHECK(report.format == ListFormat::kHosts);
  CHECK(report.names == 200000);
  CHECK(report.bytes == text.size());
  CHECK(sink.said.front() == "host0.example");
  CHECK(sink.said.back() == "host199999.example");
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
