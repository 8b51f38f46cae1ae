// SPDX-License-Identifier: MPL-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "shm/tables/decision_reader.h"
#include "shm/tables/decision_writer.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using nnoe::test::TempDir;

namespace {

Verdict verdict_of(uint32_t number) {
  return {static_cast<Act>(number % kActs),
          static_cast<Reason>(number % kReasons),
          static_cast<uint16_t>(number % kMaxActions),
          static_cast<uint16_t>(number % 100),
          number % 3 == 0 ? kNoList : static_cast<uint16_t>(number % kMaxLists),
          number};
}

// Address, name and type say the number again, so that a torn record is noticed.
struct Asked {
  uint8_t address[16];
  uint8_t name[kMaxName];
  Question question;

  explicit Asked(uint32_t number) {
    std::memset(address, static_cast<int>(number & 0xff), sizeof address);
    const size_t bytes = 1 + number * 7 % kMaxName;
    std::memset(name, static_cast<int>(number >> 3 & 0xff), bytes);
    question = {address, number % 2 == 0 ? 4u : 16u, static_cast<uint32_t>(bytes), name,
                static_cast<uint16_t>(number)};
  }
};

bool says(const uint8_t* at, const DecisionRecord& record) {
  const auto number = static_cast<uint32_t>(record.verdict.generation);
  const Asked asked(number);
  const Verdict verdict = verdict_of(number);
  const uint8_t* address = at + sizeof record;
  return std::memcmp(&record.verdict, &verdict, sizeof verdict) == 0 && record.type == asked.question.type &&
         record.address_bytes == asked.question.address_bytes &&
         record.name_bytes == asked.question.name_bytes &&
         std::memcmp(address, asked.address, record.address_bytes) == 0 &&
         std::memcmp(address + record.address_bytes, asked.name, record.name_bytes) == 0;
}

// Number of records in a batch; every one must be whole.
size_t check_batch(const Bytes& batch, size_t bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes; ++count) {
    DecisionRecord record{};
    std::memcpy(&record, batch.data() + at, sizeof record);
    REQUIRE(says(batch.data() + at, record));
    at += size_t{record.words} * 8;
  }
  return count;
}

DecisionOptions options(uint32_t sampling = 1) {
  DecisionOptions made;
  made.bridge = "1.2.3";
  made.dnsdist = "dnsdist 1.7.3";
  made.fail = FailMode::kClosed;
  made.sampling = sampling;
  made.ring_bytes = kMinRing;
  return made;
}

std::unique_ptr<DecisionReader> only_reader(const std::string& directory) {
  std::vector<std::string> names;
  std::string why;
  REQUIRE(DecisionReader::list(directory, names, why));
  REQUIRE(names.size() == 1);
  auto reader = DecisionReader::open(directory + "/" + names[0], why);
  REQUIRE_MESSAGE(reader, why);
  return reader;
}

void decide(Slot& slot, uint32_t number) {
  const Asked asked(number);
  const Verdict verdict = verdict_of(number);
  slot.count(verdict);
  slot.record(asked.question, verdict);
}

uint64_t sum(const std::vector<uint64_t>& counters, size_t from, size_t count) {
  uint64_t all = 0;
  for (size_t i = from; i < from + count; ++i) all += counters[i];
  return all;
}

}  // namespace

TEST_CASE("what a thread counts and records is read as it was, in order") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  Slot* slot = writer->claim();
  std::string why;
  REQUIRE_MESSAGE(writer->maintain(why), why);
  const auto reader = only_reader(dir.path());
  Bytes batch(kRingBlock);
  uint32_t number = 0;
  size_t read = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 100; ++i) decide(*slot, number++);
    while (const size_t bytes = reader->read(batch.data(), batch.size())) read += check_batch(batch, bytes);
    CHECK(read == number);
  }
  CHECK(reader->lost() == 0);
  CHECK(reader->damaged() == 0);
  std::vector<uint64_t> counters;
  REQUIRE(reader->counters(counters));
  CHECK(sum(counters, 0, kRoleCounters) == number);
  CHECK(sum(counters, kRoleCounters + kListCounters, kReasonCounters) == number);
  std::vector<uint64_t> wanted(kCounters);
  for (uint32_t i = 0; i < number; ++i) {
    const Verdict verdict = verdict_of(i);
    const auto act = static_cast<size_t>(verdict.act);
    ++wanted[verdict.role_set * kActs + act];
    if (verdict.list != kNoList) ++wanted[kRoleCounters + verdict.list * kActs + act];
    ++wanted[kRoleCounters + kListCounters + static_cast<size_t>(verdict.reason) * kActs + act];
  }
  CHECK(counters == wanted);
}

TEST_CASE("records that were overwritten are counted as lost") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  Slot* slot = writer->claim();
  std::string why;
  REQUIRE(writer->maintain(why));
  const auto reader = only_reader(dir.path());
  for (uint32_t i = 0; i < 20000; ++i) decide(*slot, i);
  Bytes batch(2 * kRingBlock);
  size_t read = 0;
  while (const size_t bytes = reader->read(batch.data(), batch.size())) read += check_batch(batch, bytes);
  CHECK(read == reader->delivered());
  CHECK(reader->delivered() + reader->lost() == 20000);
  // At least two of the four blocks were still whole.
  CHECK(read * 180 > 2 * kRingBlock);
}

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

TEST_CASE("status tells what a process has loaded and what it refused") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options(100));
  std::string why;
  REQUIRE(writer->maintain(why));
  const auto reader = only_reader(dir.path());
  DecisionStatus status{};
  REQUIRE(reader->status(status));
  CHECK(std::string(status.process.bridge) == "1.2.3");
  CHECK(std::string(status.process.dnsdist) == "dnsdist 1.7.3");
  CHECK(status.process.pid == static_cast<uint32_t>(::getpid()));
  CHECK(status.process.fail == static_cast<uint32_t>(FailMode::kClosed));
  CHECK(status.process.sampling == 100);
  CHECK(status.tables.generation == 0);
  CHECK(status.tables.threads == 0);
  writer->claim();
  REQUIRE(writer->maintain(why));
  writer->set_loaded(5, 123456);
  writer->set_refused(6, "names: " + std::string(1000, 'x'));
  REQUIRE(reader->status(status));
  CHECK(status.tables.threads == 1);
  CHECK(status.tables.generation == 5);
  CHECK(status.tables.table_bytes == 123456);
  CHECK(status.tables.refused_generation == 6);
  CHECK(std::string(status.tables.reason).substr(0, 8) == "names: x");
  CHECK(std::string(status.tables.reason).size() == kReasonText - 1);
  writer->set_loaded(7, 1);
  REQUIRE(reader->status(status));
  CHECK(status.tables.refused_us == 0);
  CHECK(std::string(status.tables.reason).empty());
}

TEST_CASE("one in so many decisions is recorded, all are counted") {
  const TempDir dir;
  for (const uint32_t sampling : {0u, 1u, 2u, 50u}) {
    const auto writer = DecisionWriter::create(dir.path(), options(sampling));
    Slot* slot = writer->claim();
    std::string why;
    REQUIRE(writer->maintain(why));
    const auto reader = only_reader(dir.path());
    Bytes batch(kRingBlock);
    for (uint32_t i = 0; i < 50000; ++i) {
      decide(*slot, i);
      if (i % 100 == 0)
        while (const size_t bytes = reader->read(batch.data(), batch.size())) check_batch(batch, bytes);
    }
    while (const size_t bytes = reader->read(batch.data(), batch.size())) check_batch(batch, bytes);
    const double wanted = sampling == 0 ? 0 : 50000.0 / sampling;
    CHECK(static_cast<double>(reader->delivered()) == doctest::Approx(wanted).epsilon(0.15));
    std::vector<uint64_t> counters;
    REQUIRE(reader->counters(counters));
    CHECK(sum(counters, 0, kRoleCounters) == 50000);
    reader->unlink();
  }
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
  // A thread takes an offer when it counts, also one that is stale; then it is offered a place in the file
  // there is.
  for (int i = 0; i < 2; ++i) {
    CHECK(writer->maintain(why));
    for (Slot* slot : slots) slot->count(verdict_of(0));
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

TEST_CASE("names that are none are not recorded, and a directory that is full or foreign says so") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  Slot* slot = writer->claim();
  std::string why;
  REQUIRE(writer->maintain(why));
  Asked asked(1);
  asked.question.name_bytes = 0;
  slot->record(asked.question, verdict_of(1));
  asked.question.name_bytes = 256;
  slot->record(asked.question, verdict_of(1));
  const auto reader = only_reader(dir.path());
  Bytes batch(kRingBlock);
  slot->count(verdict_of(1));
  CHECK(reader->read(batch.data(), batch.size()) == 0);
  CHECK(DecisionReader::open(dir.path(), why) == nullptr);
  nnoe::test::write_file(dir.path() + "/1-1.decisions", "short");
  CHECK(DecisionReader::open(dir.path() + "/1-1.decisions", why) == nullptr);
  CHECK(why.find("not a file of decisions") != std::string::npos);
}
