// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_collector.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "shm/tables/test/decision_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;
using nnoe::test::TempDir;

namespace {

bool until(const std::function<bool()>& what) {
  for (int i = 0; i < 1000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// Decisions by role sets: each is counted in one.
uint64_t counted(DecisionCollector& collector, Gathered* sum = nullptr) {
  std::unique_ptr<Gathered> taken;
  DecisionCollector::Totals totals;
  collector.take(taken, totals);
  if (sum != nullptr) sum->records += taken->records;
  if (sum != nullptr) sum->lost += taken->lost;
  uint64_t all = 0;
  for (size_t i = 0; i < kRoleCounters; ++i) all += totals.counters[i];
  return all;
}

struct Bridge {
  std::unique_ptr<DecisionWriter> writer;
  Slot* slot;
  uint32_t number = 0;

  explicit Bridge(const std::string& directory)
      : writer(DecisionWriter::create(directory, {})), slot(writer->claim()) {
    std::string why;
    REQUIRE(until([&] { return writer->maintain(why); }));
  }
  void decide_some(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) decide(*slot, number++);
  }
};

size_t files(const std::string& directory) {
  std::vector<std::string> names;
  std::string why;
  return DecisionReader::list(directory, names, why) ? names.size() : 0;
}

}  // namespace

TEST_CASE("the directory is made for a group, and bridges that come and go are counted exactly") {
  const TempDir dir;
  const std::string at = dir.path() + "/run/decisions";
  DecisionCollector collector(at);
  Gathered sum(1);
  uint64_t wanted = 0;
  for (int life = 0; life < 3; ++life) {
    Bridge bridge(at);
    bridge.decide_some(1000);
    wanted += 1000;
    CHECK(until([&] { return counted(collector, &sum) == wanted; }));
    CHECK(until([&] { return collector.state().bridges.size() == 1; }));
    CHECK(collector.state().bridges.at(0).process.pid == static_cast<uint32_t>(getpid()));
    bridge.decide_some(500);
    wanted += 500;
  }
  // A file goes before the look that buried it tells of it.
  CHECK(until([&] { return collector.state().bridges.empty(); }));
  CHECK(files(at) == 0);
  CHECK(counted(collector, &sum) == wanted);
  CHECK(sum.records + sum.lost == wanted);
  CHECK(collector.state().trouble.kind == DecisionCollector::Trouble::kNone);
  struct stat info {};
  REQUIRE(::stat(at.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 02770);
}

TEST_CASE("totals outlive hosts, and bridges that ended while none was there") {
  const TempDir dir;
  auto living = std::unique_ptr<Bridge>();
  {
    const auto collector = std::make_unique<DecisionCollector>(dir.path());
    living = std::make_unique<Bridge>(dir.path());
    Bridge dies(dir.path());
    dies.decide_some(10);
    living->decide_some(7);
    CHECK(until([&] { return counted(*collector) == 17; }));
  }
  living->decide_some(1);
  Bridge(dir.path()).decide_some(100);
  Gathered sum(1);
  DecisionCollector again(dir.path());
  CHECK(until([&] { return counted(again, &sum) == 118; }));
  CHECK(until([&] { return files(dir.path()) == 1; }));
  // What was read before does not come again; what nobody has read does, behind the counters.
  CHECK(until([&] { return counted(again, &sum) == 118 && sum.records >= 101; }));
  CHECK(sum.records <= 118);
  CHECK(sum.lost == 0);
}

TEST_CASE("a host that was killed between counting a dead process in and removing its file counts it once") {
  const TempDir dir;
  std::vector<std::string> names;
  std::string why;
  {
    Bridge bridge(dir.path());
    bridge.decide_some(5);
    REQUIRE(DecisionReader::list(dir.path(), names, why));
  }
  DecisionTotals totals;
  totals.counters[0] = 5;
  totals.included = names;
  const nnoe::journal::Fd held(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY));
  REQUIRE(write_totals(held.get(), totals, why));
  DecisionCollector collector(dir.path());
  CHECK(until([&] { return counted(collector) == 5; }));
  CHECK(files(dir.path()) == 0);
}

TEST_CASE("files that bridges died over are cleared away, and those that are being made are not") {
  const TempDir dir;
  const auto path = [&](const char* name) { return dir.path() + "/" + name; };
  for (const char* name : {"1-1.decisions-tmp", "2-2.decisions-tmp", "3-3.decisions-tmp", "other"}) {
    nnoe::test::write_file(path(name), "");
    const timespec old[2] = {{1, 0}, {name[0] == '2' ? ::time(nullptr) : 1, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path(name).c_str(), old, 0) == 0);
  }
  const nnoe::journal::Fd living(::open(path("3-3.decisions-tmp").c_str(), O_RDWR));
  REQUIRE(::flock(living.get(), LOCK_EX) == 0);
  const DecisionCollector collector(dir.path());
  CHECK(until([&] { return ::access(path("1-1.decisions-tmp").c_str(), F_OK) != 0; }));
  CHECK(until([&] { return collector.state().trouble.kind == DecisionCollector::Trouble::kNone; }));
  for (const char* name : {"2-2.decisions-tmp", "3-3.decisions-tmp", "other"})
    CHECK(::access(path(name).c_str(), F_OK) == 0);
}

TEST_CASE("removing a file, or the directory, loses and repeats nothing") {
  const TempDir dir;
  const std::string at = dir.path() + "/decisions";
  DecisionCollector collector(at);
  Bridge bridge(at);
  bridge.decide_some(100);
  REQUIRE(until([&] { return counted(collector) == 100; }));
  REQUIRE(std::system(("rm -r " + at).c_str()) == 0);
  std::string why;
  REQUIRE(until([&] { return files(at) == 1 || (bridge.writer->maintain(why), false); }));
  bridge.decide_some(1);
  CHECK(until([&] { return counted(collector) == 101; }));
}

TEST_CASE("another host's directory, and files that are none, are trouble and change nothing") {
  const TempDir dir;
  DecisionCollector first(dir.path());
  Bridge bridge(dir.path());
  bridge.decide_some(3);
  REQUIRE(until([&] { return counted(first) == 3; }));
  {
    DecisionCollector second(dir.path());
    CHECK(until([&] { return second.state().trouble.kind == DecisionCollector::Trouble::kBusy; }));
    CHECK(counted(second) == 0);
  }
  std::FILE* file = std::fopen((dir.path() + "/1-0000000000000001.decisions").c_str(), "w");
  REQUIRE(file != nullptr);
  std::fputs("not one", file);
  std::fclose(file);
  CHECK(until([&] { return first.state().trouble.kind == DecisionCollector::Trouble::kFile; }));
  CHECK(counted(first) == 3);
  CHECK(files(dir.path()) == 2);
}

TEST_CASE("damaged totals are refused, whatever is in them") {
  DecisionTotals totals;
  totals.counters[3] = 9;
  totals.counters[kCounters - 1] = 1;
  totals.included = {"7-0000000000000001.decisions"};
  const std::vector<uint8_t> good = encode_totals(totals);
  DecisionTotals read;
  REQUIRE(decode_totals(good, read));
  CHECK(read.counters == totals.counters);
  CHECK(read.included == totals.included);
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<uint8_t> bad = good;
    bad[i] ^= 0x10;
    CHECK_FALSE(decode_totals(bad, read));
    bad.resize(i);
    CHECK_FALSE(decode_totals(bad, read));
  }
}

TEST_CASE("records are ranked by name in any case, and by client; samples are no larger than they may be") {
  Gathered gathered(3);
  std::vector<uint8_t> bytes;
  const auto add = [&](const std::string& name, uint8_t host, Act act) {
    DecisionRecord record{};
    record.address_bytes = 4;
    record.name_bytes = static_cast<uint8_t>(name.size());
    record.words = static_cast<uint8_t>((sizeof record + 4 + name.size() + 7) / 8);
    record.verdict.act = act;
    const size_t from = bytes.size();
    bytes.resize(from + record.words * size_t{8});
    std::memcpy(bytes.data() + from, &record, sizeof record);
    const uint8_t address[4] = {192, 0, 2, host};
    std::memcpy(bytes.data() + from + sizeof record, address, 4);
    std::memcpy(bytes.data() + from + sizeof record + 4, name.data(), name.size());
  };
  for (int i = 0; i < 2000; ++i) add(std::string("\3wWw\0", 5), 1, Act::kAllow);
  for (int i = 0; i < 500; ++i) add(std::string("\3WWw\0", 5), 2, Act::kNxdomain);
  add(std::string("\1x\0", 3), 2, Act::kPool);
  gathered.take(bytes.data(), bytes.size(), 10, 0);
  CHECK(gathered.records == 2501);
  CHECK(gathered.names.top(1).at(0).count == 25000);
  CHECK(gathered.names.top(1).at(0).key == std::string_view("\3www\0", 5));
  CHECK(gathered.blocked_names.top(5).size() == 1);
  CHECK(gathered.clients.top(5).at(1).count == 5010);
  CHECK(gathered.blocked_clients.top(5).at(0).count == 5000);
  CHECK(gathered.all.size() == RecordSample::kMost);
  CHECK(gathered.all.seen() == 2501);
  CHECK(gathered.blocked.size() == 500);
  gathered.clear();
  gathered.take(bytes.data(), bytes.size(), 1, 1);
  CHECK(gathered.records == 0);
}
