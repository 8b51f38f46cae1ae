// SPDX-License-Identifier: MPL-2.0
// Tables of a size that small tests do not have, through the C interface; ten millions of names are the bench
// case `verdict`, with the same site and the same reference.
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "dnsdist-bridge/nnoe.h"
#include "shm/test/support.h"
#include "verdict_simple.h"
#include "verdict_tables.h"

using namespace nnoe::bench;
using nnoe::tables::Section;
using nnoe::test::TempDir;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kUnique = 100000;
#else
constexpr uint64_t kUnique = 1000000;
#endif

class Opened {
 public:
  Opened(const std::string& directory, const std::string& decisions) {
    const nnoe_options options{directory.c_str(), decisions.empty() ? nullptr : decisions.c_str(), 1, 1};
    char error[256] = "";
    REQUIRE_MESSAGE(nnoe_open(&options, &handle_, error, sizeof error) == 0, error);
  }
  ~Opened() { nnoe_close(handle_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  // The same client as an IPv4 address in IPv6: these take the way of all that is seldom.
  nnoe_verdict decide_mapped(const Queries::View& query) const {
    uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(address + 12, query.address, 4);
    nnoe_verdict verdict{};
    nnoe_decide(handle_, address, sizeof address, query.name, query.name_bytes, query.type, &verdict);
    return verdict;
  }
  nnoe_verdict decide(const Queries::View& query) const {
    nnoe_verdict verdict{};
    nnoe_decide(handle_, query.address, 4, query.name, query.name_bytes, query.type, &verdict);
    return verdict;
  }
  bool reaches(uint64_t generation) const {
    for (int ms = 0; ms < 10000 && nnoe_generation(handle_) != generation; ++ms)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return nnoe_generation(handle_) == generation;
  }

 private:
  nnoe_handle* handle_ = nullptr;
};

// A sanitizer keeps what was freed, to recognise who uses it later.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kFreedIsKept = true;
#else
constexpr bool kFreedIsKept = false;
#endif

uint64_t resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

bool same(const nnoe_verdict& a, const nnoe_verdict& b) {
  return a.act == b.act && a.reason == b.reason && a.action == b.action && a.role_set == b.role_set &&
         a.list == b.list;
}

nnoe::tables::Change names_change(const std::string& directory, uint64_t first, uint64_t count) {
  return {Section::kNames, names_body(directory + "/scratch", first, count)};
}

}  // namespace

TEST_CASE("of 100,000 names and 20,000 clients every verdict is that of maps and a tree") {
  const TempDir dir;
  const std::string tables = dir.path() + "/tables";
  const Sizes sizes{20000, 2000, 100000};
  Site site(tables);
  std::vector<nnoe::tables::Change> changes = site.sections(sizes);
  changes.push_back(names_change(dir.path(), 0, sizes.names));
  site.publish(changes);
  const Opened bridge(tables, "");
  Simple simple(sizes);
  const Queries queries = queries_of("everybody", sizes, 20000);
  uint64_t by_act[8] = {};
  uint64_t different = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const nnoe_verdict found = bridge.decide(queries[i]);
    different += same(found, simple.decide(queries[i])) ? 0 : 1;
    different += same(found, bridge.decide_mapped(queries[i])) ? 0 : 1;
    ++by_act[found.act & 7];
  }
  CHECK(different == 0);
  // Not all of one sort.
  for (const auto act : {kAllowed, kNxdomain, kRefused, kNodata}) {
    const uint8_t number[] = {0, 2, 3, 4};
    CHECK(by_act[number[act]] > 20);
  }
}

TEST_CASE("names that were never asked before take no memory, recorded or not") {
  const TempDir dir;
  const std::string tables = dir.path() + "/tables";
  const Sizes sizes{1000, 100, 10000};
  Site site(tables);
  std::vector<nnoe::tables::Change> changes = site.sections(sizes);
  changes.push_back(names_change(dir.path(), 0, sizes.names));
  site.publish(changes);
  const Opened bridge(tables, dir.path());
  const auto flood = [&](uint64_t from, uint64_t to) {
    uint8_t name[] = "\20................\7example\3com";
    for (uint64_t i = from; i < to; ++i) {
      for (int digit = 0; digit < 16; ++digit)
        name[1 + digit] = static_cast<uint8_t>('a' + (Domains::mix(i) >> 4 * digit & 15));
      const uint8_t address[] = {10, 0, static_cast<uint8_t>(i >> 8 & 3), static_cast<uint8_t>(i)};
      CHECK_EQ(bridge.decide({address, name, sizeof name, 1}).generation, 1);
    }
  };
  // Until the ring of records is there and was filled once.
  for (uint64_t i = 0; i < 15; ++i) {
    flood(i * 100, i * 100 + 100);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  flood(1500, 100000);
  const uint64_t before = resident_kb();
  flood(100000, 100000 + kUnique);
  const uint64_t after = resident_kb();
  MESSAGE("resident before and after: ", before, ", ", after, " kB");
  CHECK(after < before + 1024);
}

TEST_CASE("memory is what it was after lists were replaced ten times") {
  const TempDir dir;
  const std::string tables = dir.path() + "/tables";
  const Sizes sizes{1000, 100, 50000};
  Site site(tables);
  const nnoe::tables::Change turns[] = {names_change(dir.path(), 0, sizes.names),
                                        names_change(dir.path(), sizes.names, sizes.names)};
  std::vector<nnoe::tables::Change> changes = site.sections(sizes);
  changes.push_back(turns[0]);
  site.publish(changes);
  const Opened bridge(tables, "");
  const Queries queries = queries_of("mixed", sizes, 100);
  const auto turn = [&](uint64_t number) {
    const uint64_t generation = site.publish({turns[number % 2]});
    REQUIRE(bridge.reaches(generation));
    for (size_t i = 0; i < queries.size(); ++i) CHECK(bridge.decide(queries[i]).generation == generation);
    // The last generation goes when no thread is inside any more, which the helper sees a moment later.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  turn(1);
  turn(2);
  const uint64_t before = resident_kb();
  for (uint64_t number = 3; number <= 12; ++number) turn(number);
  const uint64_t after = resident_kb();
  MESSAGE("resident before and after: ", before, ", ", after, " kB; names: ", turns[0].body->size() / 1024);
  CHECK((kFreedIsKept || after < before + turns[0].body->size() / 1024));
}
