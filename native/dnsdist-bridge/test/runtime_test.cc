// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/query.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "dnsdist-bridge/nnoe.h"
#include "shm/tables/test/small_tables.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using nnoe::bridge::Options;
using nnoe::bridge::Runtime;
using nnoe::test::Asked;
using nnoe::test::SmallTables;
using nnoe::test::TempDir;

namespace {

std::unique_ptr<Runtime> started(const std::string& directory, bool fail_closed = false,
                                 const std::string& decisions = "") {
  Options options;
  options.directory = directory;
  options.decisions = decisions;
  options.fail_closed = fail_closed;
  std::string why;
  auto runtime = Runtime::start(options, why);
  REQUIRE_MESSAGE(runtime, why);
  return runtime;
}

Verdict ask(Runtime& runtime, const char* client, const char* name) {
  const Asked asked(client, name);
  const Runtime::Query query(runtime, asked.question());
  return query.verdict().unpacked(query.generation());
}

bool within(int ms, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Odd generations block the one name, even ones the other, for a client that is mapped in all.
uint64_t publish_next(SmallTables& base, const std::string& directory, uint64_t generation) {
  SmallTables tables(directory, base);
  tables.map("192.0.2.1", {"kids"});
  tables.list("ads", ListKind::kBlock);
  tables.name("ads", generation % 2 == 1 ? "odd.example" : "even.example", Listed::kSubtree);
  tables.take({"kids"}, "ads", generation % 2 == 1 ? Act::kNxdomain : Act::kRefused);
  return tables.publish();
}

// How many generations the test of swaps goes through.
uint64_t swaps() {
  const char* given = std::getenv("NNOE_SWAPS");
  return given == nullptr ? 300 : std::strtoull(given, nullptr, 10);
}

}  // namespace

TEST_CASE("without tables every query gets what `fail` says, and the tables as soon as there are any") {
  const TempDir dir;
  const std::string path = dir.path() + "/tables";
  const auto open = started(path);
  const auto closed = started(path, true);
  CHECK(ask(*open, "192.0.2.1", "a.example").act == Act::kAllow);
  CHECK(ask(*closed, "192.0.2.1", "a.example").act == Act::kRefused);
  CHECK(ask(*closed, "192.0.2.1", "a.example").reason == Reason::kNoTables);
  SmallTables tables(path);
  tables.map("192.0.2.1", {"kids"});
  tables.publish();
  CHECK(within(5000, [&] { return closed->generation() == 1 && open->generation() == 1; }));
  CHECK(ask(*closed, "192.0.2.1", "a.example").act == Act::kAllow);
}

TEST_CASE("a name that is none gets what `fail` says") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.publish();
  const auto closed = started(dir.path(), true);
  const uint8_t address[4] = {192, 0, 2, 1};
  const uint8_t names[][4] = {{3, 'a', 'b', 'c'}, {1, 'a', 64, 0}, {0, 0, 0, 0}, {0xc0, 0, 0, 0}};
  for (const auto& name : names) {
    const Runtime::Query query(*closed, {address, 4, 4, name, 1});
    CHECK(query.verdict().reason() == Reason::kMalformed);
    CHECK(query.verdict().act() == Act::kRefused);
    CHECK(query.action().what() == Act::kRefused);
  }
}

TEST_CASE("every verdict comes of one whole generation, over many swaps under load") {
  const TempDir dir;
  SmallTables base(dir.path());
  publish_next(base, dir.path(), 1);
  const auto runtime = started(dir.path(), false, dir.path());
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> asked{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        for (const char* name : {"www.odd.example", "www.even.example"}) {
          const Verdict verdict = ask(*runtime, "192.0.2.1", name);
          const bool odd = verdict.generation % 2 == 1;
          const bool blocked = (name[4] == 'o') == odd;
          const Act expected = !blocked ? Act::kAllow : odd ? Act::kNxdomain : Act::kRefused;
          if (verdict.act != expected || verdict.generation == 0) wrong.fetch_add(1);
        }
        asked.fetch_add(2, std::memory_order_relaxed);
      }
    });
  }
  const uint64_t last = swaps();
  for (uint64_t generation = 2; generation <= last; ++generation) {
    REQUIRE(publish_next(base, dir.path(), generation) == generation);
    // Sometimes the helper sees every one, sometimes it skips some.
    if (generation % 3 == 0) CHECK(within(5000, [&] { return runtime->generation() == generation; }));
  }
  CHECK(within(5000, [&] { return runtime->generation() == last; }));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong.load() == 0);
  CHECK(asked.load() > 0);
}

TEST_CASE("a damaged generation leaves the last good one in force, and a good one mends it") {
  const TempDir dir;
  SmallTables base(dir.path());
  publish_next(base, dir.path(), 1);
  const auto runtime = started(dir.path());
  CHECK(ask(*runtime, "192.0.2.1", "odd.example").act == Act::kNxdomain);
  std::ofstream(dir.path() + "/manifest.tmp", std::ios::binary) << "half a manif";
  REQUIRE(::rename((dir.path() + "/manifest.tmp").c_str(), (dir.path() + "/manifest").c_str()) == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(ask(*runtime, "192.0.2.1", "odd.example").generation == 1);
  publish_next(base, dir.path(), 2);
  CHECK(within(5000, [&] { return runtime->generation() == 2; }));
}

TEST_CASE("a thread may ask several runtimes, and outlive them") {
  const TempDir dir;
  SmallTables base(dir.path());
  publish_next(base, dir.path(), 1);
  std::unique_ptr<Runtime> runtimes[2] = {started(dir.path()), started(dir.path() + "/none", true)};
  for (int i = 0; i < 3; ++i) {
    CHECK(ask(*runtimes[0], "192.0.2.1", "odd.example").act == Act::kNxdomain);
    CHECK(ask(*runtimes[1], "192.0.2.1", "odd.example").act == Act::kRefused);
  }
  runtimes[0].reset();
  CHECK(ask(*runtimes[1], "192.0.2.1", "odd.example").reason == Reason::kNoTables);
  runtimes[1].reset();
}

TEST_CASE("the C interface decides the same, and says why it cannot begin") {
  const TempDir dir;
  SmallTables base(dir.path());
  publish_next(base, dir.path(), 1);
  const std::string path = dir.path();
  const nnoe_options options{path.c_str(), nullptr, 0, 0};
  nnoe_handle* handle = nullptr;
  char error[64];
  REQUIRE(nnoe_open(&options, &handle, error, sizeof(error)) == 0);
  CHECK(nnoe_abi() == NNOE_ABI);
  CHECK(nnoe_generation(handle) == 1);
  const Asked asked("192.0.2.1", "odd.example");
  const Question question = asked.question();
  nnoe_verdict verdict;
  CHECK(nnoe_decide(handle, question.address, 4, question.name, question.name_bytes, 1, &verdict) == 2);
  CHECK(verdict.generation == 1);
  nnoe_close(handle);
  CHECK(nnoe_open(nullptr, &handle, error, 8) == 1);
  CHECK(std::string(error) == "no opti");
}
