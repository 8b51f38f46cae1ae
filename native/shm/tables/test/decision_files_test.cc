// SPDX-License-Identifier: MPL-2.0
// Files that come, go and are left behind, and threads beside each other.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "shm/tables/test/decision_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;
using nnoe::test::TempDir;

TEST_CASE("before there is a file, threads count, and what they counted comes into the file") {
  const TempDir dir;
  const std::string later = dir.path() + "/later";
  const auto writer = DecisionWriter::create(later, options());
  Slot* slot = writer->claim();
  std::string why;
  CHECK_FALSE(writer->maintain(why));
  CHECK(why.find(later) != std::string::npos);
  for (uint32_t i = 0; i < 1000; ++i) decide(*slot, i);
  writer->set_loaded(17, 4096);
  REQUIRE(::mkdir(later.c_str(), 0700) == 0);
  REQUIRE(writer->maintain(why));
  for (uint32_t i = 0; i < 10; ++i) decide(*slot, i);
  auto reader = only_reader(later);
  std::vector<uint64_t> counters;
  REQUIRE(reader->counters(counters));
  CHECK(sum(counters, 0, kRoleCounters) == 1010);
  Bytes batch(kRingBlock);
  CHECK(check_batch(batch, reader->read(batch.data(), batch.size())) == 10);
  DecisionStatus status{};
  REQUIRE(reader->status(status));
  CHECK(status.tables.generation == 17);
  // The directory goes away with its file, as when a host's runtime directory is removed, and comes back.
  reader->unlink();
  REQUIRE(::rmdir(later.c_str()) == 0);
  CHECK_FALSE(writer->maintain(why));
  for (uint32_t i = 0; i < 90; ++i) decide(*slot, i);
  REQUIRE(::mkdir(later.c_str(), 0700) == 0);
  REQUIRE(writer->maintain(why));
  for (uint32_t i = 0; i < 5; ++i) decide(*slot, i);
  REQUIRE(writer->maintain(why));
  reader = only_reader(later);
  REQUIRE(reader->counters(counters));
  CHECK(sum(counters, 0, kRoleCounters) == 1105);
}

TEST_CASE("a reader beside threads that write sees whole records and loses none that it does not count") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  constexpr uint32_t kEach = 60000;
  Slot* const slots[] = {writer->claim(), writer->claim()};
  std::string why;
  REQUIRE(writer->maintain(why));
  std::atomic<int> left{2};
  const auto work = [&left](Slot* slot) {
    for (uint32_t i = 0; i < kEach; ++i) decide(*slot, i);
    --left;
  };
  std::thread first(work, slots[0]);
  std::thread second(work, slots[1]);
  const auto reader = only_reader(dir.path());
  Bytes batch(2 * kRingBlock);
  for (bool more = true; more;) {
    more = left.load() > 0;
    CHECK(writer->maintain(why));
    DecisionStatus status{};
    CHECK(reader->status(status));
    while (const size_t bytes = reader->read(batch.data(), batch.size())) {
      check_batch(batch, bytes);
      more = true;
    }
  }
  first.join();
  second.join();
  CHECK(reader->damaged() == 0);
  CHECK(reader->delivered() + reader->lost() == 2 * kEach);
}

TEST_CASE("threads change over to a file that is made while they count, and no count is lost") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  constexpr uint32_t kEach = 100000;
  std::atomic<int> left{2};
  Slot* const slots[] = {writer->claim(), writer->claim()};
  const auto work = [&left](Slot* slot) {
    for (uint32_t i = 0; i < kEach; ++i) decide(*slot, i);
    --left;
  };
  std::thread first(work, slots[0]);
  std::thread second(work, slots[1]);
  std::string why;
  while (left.load() > 0) {
    CHECK(writer->maintain(why));
    // Now and then somebody removes the file.
    only_reader(dir.path())->unlink();
  }
  first.join();
  second.join();
  // A thread takes an offer, also one that is stale, with a record that is no usual one; then it is offered a
  // place in the file there is.
  for (int i = 0; i < 2; ++i) {
    CHECK(writer->maintain(why));
    for (Slot* slot : slots) decide(*slot, 1);
  }
  const auto reader = only_reader(dir.path());
  std::vector<uint64_t> counters;
  REQUIRE(reader->counters(counters));
  CHECK(sum(counters, 0, kRoleCounters) == 2 * kEach + 4);
}

TEST_CASE("a reader tells the dead from the living, and reads what they left") {
  const TempDir dir;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto writer = DecisionWriter::create(dir.path(), options());
    Slot* slot = writer->claim();
    std::string why;
    writer->maintain(why);
    for (uint32_t i = 0; i < 500; ++i) decide(*slot, i);
    const char done = 1;
    if (::write(ready[1], &done, 1) == 1) ::pause();
    ::_exit(0);
  }
  char done = 0;
  REQUIRE(::read(ready[0], &done, 1) == 1);
  const auto reader = only_reader(dir.path());
  CHECK(reader->alive());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_FALSE(reader->alive());
  Bytes batch(4 * kRingBlock);
  CHECK(check_batch(batch, reader->read(batch.data(), batch.size())) == 500);
  CHECK(reader->read(batch.data(), batch.size()) == 0);
  reader->unlink();
  std::vector<std::string> names;
  std::string why;
  REQUIRE(DecisionReader::list(dir.path(), names, why));
  CHECK(names.empty());
  ::close(ready[0]);
  ::close(ready[1]);
}
