// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/publisher.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "shm/test/support.h"

using namespace nnoe::tables;
using nnoe::journal::Error;
using nnoe::test::TempDir;

namespace {

std::vector<uint8_t> body(const std::string& text) { return {text.begin(), text.end()}; }

std::unique_ptr<Publisher> opened(const std::string& path) {
  std::string found;
  Error error;
  auto publisher = Publisher::open(path, found, error);
  REQUIRE_MESSAGE(publisher, error.text);
  return publisher;
}

void publish(Publisher& publisher, const std::vector<Change>& changes) {
  Error error;
  REQUIRE_MESSAGE(publisher.publish(changes, error), error.text);
}

std::string text(const Publisher& publisher, Section kind) {
  Memory memory;
  std::string why;
  const Read read = publisher.read(kind, memory, why);
  if (read != Read::kDone) return read == Read::kMissing ? "absent" : why;
  return {reinterpret_cast<const char*>(memory.data()), memory.size()};
}

std::vector<std::string> files(const Publisher& publisher) {
  std::vector<std::string> names;
  Error error;
  nnoe::journal::list_names(publisher.directory(), names, error);
  std::sort(names.begin(), names.end());
  return names;
}

void damage(const std::string& path, size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

}  // namespace

TEST_CASE("a generation keeps what was not changed, and the next publisher goes on from it") {
  const TempDir dir;
  {
    auto publisher = opened(dir.path());
    publish(*publisher, {{Section::kHosts, body("hosts 1")}, {Section::kRegistry, body("registry 1")}});
    publish(*publisher, {{Section::kHostsDelta, body("delta")}});
    publish(*publisher, {{Section::kHosts, body("hosts 2")}, {Section::kHostsDelta, std::nullopt}});
    CHECK(publisher->current().head.generation == 3);
  }
  auto publisher = opened(dir.path());
  CHECK(publisher->current().head.generation == 3);
  CHECK(text(*publisher, Section::kRegistry) == "registry 1");
  CHECK(text(*publisher, Section::kHosts) == "hosts 2");
  CHECK(text(*publisher, Section::kHostsDelta) == "absent");
}

TEST_CASE("files of the last two generations stay, older ones go") {
  const TempDir dir;
  auto publisher = opened(dir.path());
  for (int i = 0; i < 4; ++i) publish(*publisher, {{Section::kNames, body("names")}});
  const std::vector<std::string> expected{"host.lock", "manifest", "names-0000000000000003",
                                          "names-0000000000000004"};
  CHECK(files(*publisher) == expected);
}

TEST_CASE("a directory has one publisher") {
  const TempDir dir;
  const auto first = opened(dir.path());
  std::string found;
  Error error;
  CHECK_FALSE(Publisher::open(dir.path(), found, error));
  CHECK(error.code == EWOULDBLOCK);
}

TEST_CASE("a damaged manifest is said, and the directory begins anew above every generation of before") {
  const TempDir dir;
  publish(*opened(dir.path()), {{Section::kNames, body("names")}});
  damage(dir.path() + "/manifest", 20);
  std::string found;
  Error error;
  const auto publisher = Publisher::open(dir.path(), found, error);
  REQUIRE(publisher);
  CHECK(found == "manifest: checksum is wrong");
  publish(*publisher, {{Section::kNames, body("again")}});
  CHECK(publisher->current().head.generation == 2);
  CHECK(text(*publisher, Section::kNames) == "again");
}

TEST_CASE("every flipped bit of a section's file, and every length but its own, is refused by name") {
  const TempDir dir;
  const auto publisher = opened(dir.path());
  publish(*publisher, {{Section::kNames, body("twelve bytes")}});
  const std::string path = dir.path() + "/names-0000000000000001";
  for (size_t at = 0; at < sizeof(SectionHeader) + 12; ++at) {
    damage(path, at);
    CHECK(text(*publisher, Section::kNames).rfind("names-0000000000000001: ", 0) == 0);
    damage(path, at);
  }
  CHECK(text(*publisher, Section::kNames) == "twelve bytes");
  REQUIRE(::truncate(path.c_str(), 70) == 0);
  CHECK(text(*publisher, Section::kNames) == "names-0000000000000001: 70 bytes, the manifest says 76");
  REQUIRE(::unlink(path.c_str()) == 0);
  CHECK(text(*publisher, Section::kNames) == "names-0000000000000001: missing, though the manifest names it");
}

TEST_CASE("what is not a regular file is refused, without waiting for anybody") {
  const TempDir dir;
  const auto publisher = opened(dir.path());
  REQUIRE(::mkfifo((dir.path() + "/manifest").c_str(), 0600) == 0);
  ManifestContent manifest;
  std::string why;
  CHECK(read_manifest(publisher->directory(), manifest, why) == Read::kRefused);
  CHECK(why == "manifest: not a regular file");
}

TEST_CASE("a generation that cannot be written leaves the last one, and its number is used by the next") {
  const TempDir dir;
  const auto publisher = opened(dir.path());
  publish(*publisher, {{Section::kNames, body("names")}});
  // In the way of the temporary manifest: a directory.
  REQUIRE(::mkdir((dir.path() + "/manifest.tmp").c_str(), 0700) == 0);
  Error error;
  CHECK_FALSE(publisher->publish({{Section::kNames, body("other")}}, error));
  CHECK(error.code == EISDIR);
  CHECK(text(*publisher, Section::kNames) == "names");
  REQUIRE(::rmdir((dir.path() + "/manifest.tmp").c_str()) == 0);
  publish(*publisher, {{Section::kNames, body("other")}});
  CHECK(publisher->current().head.generation == 2);
  CHECK(text(*publisher, Section::kNames) == "other");
}

TEST_CASE("what somebody else took away or put there is noticed, and such a generation is not gone on with") {
  const TempDir dir;
  auto publisher = opened(dir.path());
  std::string why;
  CHECK(publisher->intact(why));
  publish(*publisher, {{Section::kHosts, body("hosts")}, {Section::kRegistry, body("registry")}});
  CHECK(publisher->intact(why));
  CHECK(why.empty());

  const std::string hosts = section_file(Section::kHosts, 1);
  REQUIRE(::unlink((dir.path() + "/" + hosts).c_str()) == 0);
  CHECK_FALSE(publisher->intact(why));
  CHECK(why == hosts + " was removed");
  publisher.reset();
  std::string found;
  Error error;
  publisher = Publisher::open(dir.path(), found, error);
  REQUIRE(publisher);
  CHECK(found == hosts + ": missing, though the manifest names it");
  CHECK(publisher->current().entries.empty());
  CHECK(publisher->intact(why));
  publish(*publisher, {{Section::kHosts, body("hosts")}});
  CHECK(publisher->current().head.generation == 2);

  REQUIRE(::unlink((dir.path() + "/" + kManifestName).c_str()) == 0);
  CHECK_FALSE(publisher->intact(why));
  CHECK(why == "manifest was removed or replaced");
  REQUIRE(::rename(dir.path().c_str(), (dir.path() + ".moved").c_str()) == 0);
  CHECK_FALSE(publisher->intact(why));
  CHECK(why == "the directory was removed or replaced");
  REQUIRE(::rename((dir.path() + ".moved").c_str(), dir.path().c_str()) == 0);
}
