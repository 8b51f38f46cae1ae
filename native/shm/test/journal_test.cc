// SPDX-License-Identifier: MPL-2.0
// A journal in order: what goes in comes out, over restarts and segments.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "shm/crc32c.h"
#include "shm/test/support.h"

using namespace nnoe::test;
using nnoe::event::GapReason;

TEST_CASE("crc32c gives the published check value, with and without the instruction") {
  const std::string text = "123456789";
  CHECK(nnoe::crc32c(0, text.data(), text.size()) == 0xE3069283u);
  CHECK(nnoe::detail::crc32c_table(0, text.data(), text.size()) == 0xE3069283u);
  std::string bytes(1000, 'x');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  for (size_t size = 0; size < 300; ++size) {
    const uint32_t whole = nnoe::detail::crc32c_table(0, bytes.data() + 3, size);
    CHECK(nnoe::crc32c(0, bytes.data() + 3, size) == whole);
    const uint64_t a = 0x0123456789abcdefu + size;
    const uint32_t b = 0xfedcba98u - static_cast<uint32_t>(size);
    uint32_t expected = nnoe::detail::crc32c_table(whole, &a, 8);
    expected = nnoe::detail::crc32c_table(expected, &b, 4);
    CHECK(nnoe::crc32c_tail(whole, a, b) == expected);
    alignas(8) uint64_t record[2 + 300 / 8 + 1] = {};
    nnoe::crc32c_seal(record, reinterpret_cast<const uint8_t*>(bytes.data()) + 3, size, a, b);
    CHECK(record[0] == (b | uint64_t{expected} << 32));
    CHECK(record[1] == a);
    CHECK(std::memcmp(record + 2, bytes.data() + 3, size) == 0);
    CHECK(reinterpret_cast<const char*>(record + 2)[size] == 0);
  }
}

TEST_CASE("what is appended is read back in order, over several segments and a restart") {
  const TempDir dir;
  std::vector<std::string> sent;
  uint64_t seq = 0;
  for (int run = 0; run < 3; ++run) {
    const auto producer = Producer::open(options(dir.path()));
    REQUIRE(producer->status().writable);
    for (size_t i = 0; i < 2000; ++i) {
      sent.push_back(std::string(i % 200, static_cast<char>('a' + run)) + std::to_string(i));
      const uint64_t got = append(*producer, sent.back());
      REQUIRE(got != 0);
      if (seq != 0) REQUIRE(got == seq + 1);
      seq = got;
    }
    CHECK(producer->head() == seq);
    CHECK(producer->status().segments > 2);
  }
  const auto items = read_all(dir.path());
  REQUIRE(items.size() == sent.size() + 1);
  CHECK(items[0].kind == Kind::kGap);
  CHECK(gap_of(items[0]).reason() == GapReason::kNewJournal);
  for (size_t i = 0; i < sent.size(); ++i) {
    REQUIRE(items[i + 1].payload == sent[i]);
    REQUIRE(items[i + 1].seq == items[0].seq + i + 1);
  }
  // From any place in it.
  for (size_t i = 0; i < items.size(); i += 611)
    CHECK(read_all(dir.path(), items[i].seq).size() == items.size() - i - 1);
}

TEST_CASE("records of every size up to the largest; a larger one is dropped, counted and told") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path()));
  std::vector<size_t> sizes = {0, 1, 7, 8, 9, 48 * 1024 - 1, 48 * 1024};
  for (const size_t size : sizes) REQUIRE(append(*producer, std::string(size, 'x')) != 0);
  CHECK(append(*producer, std::string(kMaxPayload + 1, 'x')) == 0);
  CHECK(append(*producer, std::string((size_t{1} << 24) + 5, 'x')) == 0);
  CHECK(producer->status().dropped == 2);
  REQUIRE(append(*producer, "after") != 0);
  const auto items = read_all(dir.path());
  REQUIRE(items.size() == 1 + sizes.size() + 2 + 1);
  for (size_t i = 0; i < sizes.size(); ++i) CHECK(items[i + 1].payload.size() == sizes[i]);
  CHECK(items[8].kind == Kind::kGap);
  CHECK(gap_of(items[8]).field[nnoe::event::gap::kCount] == 1);
  CHECK(items.back().payload == "after");
}

TEST_CASE("a reader follows a live producer, record by record") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path()));
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const auto reader = host->reader(0, error);
  REQUIRE(drain(*reader).size() == 1);
  for (int i = 0; i < 3000; ++i) {
    const uint64_t seq = append(*producer, std::string(100, 'x'));
    const auto items = drain(*reader);
    REQUIRE(items.size() == 1);
    REQUIRE(items[0].seq == seq);
  }
  CHECK(drain(*reader).empty());
}

// Gives a directory a time of long ago, each call another, as if nothing had happened in it since.
void rest(const std::string& directory) {
  static time_t ago = 0;
  const struct timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 3600 - ++ago, 0}};
  REQUIRE(::utimensat(AT_FDCWD, directory.c_str(), times, 0) == 0);
}

TEST_CASE("a reader that has long caught up meets new segments, and another producer") {
  const TempDir dir;
  auto producer = Producer::open(options(dir.path()));
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const auto reader = host->reader(0, error);
  uint64_t seq = drain(*reader).at(0).seq;
  for (size_t run = 0; run < 3; ++run) {
    for (const size_t count : {size_t{1}, size_t{100}, size_t{1500}, size_t{1}}) {
      rest(dir.path());
      REQUIRE(drain(*reader).empty());
      for (size_t i = 0; i < count; ++i) append(*producer, std::string(100, 'x'));
      const auto items = drain(*reader);
      REQUIRE(items.size() == count);
      for (const auto& item : items) REQUIRE(item.seq == ++seq);
    }
    rest(dir.path());
    REQUIRE(drain(*reader).empty());
    producer.reset();
    producer = Producer::open(options(dir.path()));
  }
}

TEST_CASE("threads append at once; a reader sees each thread's records in order") {
  const TempDir dir;
  auto given = options(dir.path(), nullptr, 256 * 1024);
  const auto producer = Producer::open(given);
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const auto reader = host->reader(0, error);
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&producer, t] {
      for (int i = 0; i < kEach; ++i)
        append(*producer, std::string(1, static_cast<char>(t)) + std::to_string(i));
    });
  }
  std::vector<Item> items;
  while (items.size() < kThreads * kEach + 1) {
    for (Item& item : drain(*reader)) items.push_back(std::move(item));
  }
  for (std::thread& thread : threads) thread.join();
  int next[kThreads] = {};
  for (size_t i = 1; i < items.size(); ++i) {
    REQUIRE(items[i].seq == items[i - 1].seq + 1);
    const auto thread = static_cast<uint8_t>(items[i].payload[0]);
    REQUIRE(items[i].payload.substr(1) == std::to_string(next[thread]++));
  }
}

TEST_CASE("a snapshot page leaves out keys that were appended since it was read") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path(), nullptr, 1 << 20));
  append(*producer, "old", 7);
  const uint64_t at = producer->head();
  append(*producer, "new", 7);
  append(*producer, "new", 8);
  const uint8_t byte = 's';
  std::vector<Producer::Item> page;
  for (uint64_t key = 5; key < 10; ++key) page.push_back({key, &byte, 1});
  CHECK(producer->append_page(at, page.data(), page.size()) == 3);
  CHECK(producer->append_page(producer->head(), page.data(), page.size()) == 5);
  // Snapshot records are no news about their keys.
  CHECK(producer->append_page(producer->head() - 5, page.data(), page.size()) == 5);
  for (int i = 0; i < 5000; ++i) append(*producer, "x", 1000);
  CHECK(producer->append_page(at, page.data(), page.size()) == -1);
  CHECK(producer->append_page(producer->head(), page.data(), page.size()) == 5);
}

TEST_CASE("a snapshot never undoes an event that was appended while pages were read") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path(), nullptr, 4 << 20));
  // The database: value of each of 64 keys, changed first, appended afterwards, as Kea does.
  std::atomic<int> database[64] = {};
  std::thread server([&] {
    for (int i = 1; i < 20000; ++i) {
      const auto key = static_cast<uint64_t>(i * 7 % 64);
      database[key].store(i);
      append(*producer, std::to_string(i), key);
    }
  });
  for (int walk = 0; walk < 200; ++walk) {
    const uint64_t at = producer->head();
    std::vector<std::string> values;
    for (uint64_t key = 0; key < 64; ++key)
      values.push_back(std::to_string(key) + ":" + std::to_string(database[key].load()));
    std::vector<Producer::Item> page;
    for (uint64_t key = 0; key < 64; ++key) {
      page.push_back({key, reinterpret_cast<const uint8_t*>(values[key].data()), values[key].size()});
    }
    producer->append_page(at, page.data(), page.size());
  }
  server.join();
  int last[64] = {};
  for (const Item& item : read_all(dir.path())) {
    if (item.kind == Kind::kLease) {
      const int value = std::stoi(item.payload);
      last[value * 7 % 64] = value;
    } else if (item.kind == Kind::kSnapshot) {
      const size_t colon = item.payload.find(':');
      const int key = std::stoi(item.payload.substr(0, colon));
      // A snapshot may run ahead of an event whose append is still to come, but not behind one.
      REQUIRE(std::stoi(item.payload.substr(colon + 1)) >= last[key]);
    }
  }
}

TEST_CASE("one producer and one host at a time") {
  const TempDir dir;
  Told told;
  auto first = Producer::open(options(dir.path()));
  const auto second = Producer::open(options(dir.path(), &told));
  CHECK_FALSE(second->status().writable);
  CHECK(second->status().reason.find("another producer") != std::string::npos);
  CHECK(append(*second, "lost") == 0);
  const auto host = consumer(dir.path());
  REQUIRE(host);
  Refusal refusal = Refusal::kNone;
  nnoe::journal::Error error;
  CHECK_FALSE(Consumer::open(dir.path(), refusal, error));
  CHECK(refusal == Refusal::kBusy);
  append(*first, "one");
  first.reset();
  // The second takes over by itself, and says what it could not keep.
  REQUIRE(eventually([&] { return second->status().writable; }));
  const auto reader = host->reader(0, error);
  const auto items = drain(*reader);
  REQUIRE(items.size() == 3);
  CHECK(items[1].payload == "one");
  CHECK(gap_of(items[2]).reason() == GapReason::kUnwritable);
  CHECK(gap_of(items[2]).field[nnoe::event::gap::kCount] == 1);
  CHECK(told.count(Event::kWritable) == 1);
}

TEST_CASE("a host is refused with the reason") {
  Refusal refusal = Refusal::kNone;
  nnoe::journal::Error error;
  CHECK_FALSE(Consumer::open("/nonexistent/journal", refusal, error));
  CHECK(refusal == Refusal::kAbsent);
  const TempDir dir;
  CHECK_FALSE(Consumer::open(dir.path(), refusal, error));
  CHECK(refusal == Refusal::kAbsent);
  Producer::open(options(dir.path()));
  std::string meta = read_file(dir.path() + "/meta");
  meta[8] = 99;
  write_file(dir.path() + "/meta", meta);
  CHECK_FALSE(Consumer::open(dir.path(), refusal, error));
  CHECK(refusal == Refusal::kVersion);
  CHECK(error.text == "format version 99, this release has 1");
  write_file(dir.path() + "/meta", "some text that is not ours");
  CHECK_FALSE(Consumer::open(dir.path(), refusal, error));
  CHECK(refusal == Refusal::kIo);
}
