// SPDX-License-Identifier: MPL-2.0
#include <unistd.h>

#include "shm/tables/test/decision_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;
using nnoe::test::TempDir;

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

TEST_CASE("names that are none are not recorded, and a directory that is full or foreign says so") {
  const TempDir dir;
  const auto writer = DecisionWriter::create(dir.path(), options());
  Slot* slot = writer->claim();
  std::string why;
  REQUIRE(writer->maintain(why));
  Asked asked(1);
  for (const uint32_t size : {0u, 256u}) {
    asked.question.name_bytes = size;
    slot->record(asked.question, asked.name, 0, PackedVerdict(verdict_of(1)), 1);
  }
  const auto reader = only_reader(dir.path());
  Bytes batch(kRingBlock);
  slot->count(PackedVerdict(verdict_of(1)));
  CHECK(reader->read(batch.data(), batch.size()) == 0);
  CHECK(DecisionReader::open(dir.path(), why) == nullptr);
  nnoe::test::write_file(dir.path() + "/1-1.decisions", "short");
  CHECK(DecisionReader::open(dir.path() + "/1-1.decisions", why) == nullptr);
  CHECK(why.find("not a file of decisions") != std::string::npos);
}
