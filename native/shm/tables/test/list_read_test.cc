// SPDX-License-Identifier: MPL-2.0
// From a file to names: what is no list file, and files of many megabytes.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "shm/tables/test/list_support.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

std::string write(const nnoe::test::TempDir& dir, const std::string& name, const std::string& text) {
  std::string path = dir.path() + "/" + name;
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
