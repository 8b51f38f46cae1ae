// SPDX-License-Identifier: MPL-2.0
// What the tests of decisions share: verdicts and questions that say their number in every part.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "shm/tables/decision_reader.h"
#include "shm/tables/decision_writer.h"
#include "shm/test/support.h"

namespace nnoe::tables::test {

inline Verdict verdict_of(uint32_t number) {
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
  uint8_t name[kMaxName + slot::kNameMove] = {};
  Question question;

  explicit Asked(uint32_t number) {
    std::memset(address, static_cast<int>(number & 0xff), sizeof address);
    const size_t bytes = 1 + number * 7 % kMaxName;
    std::memset(name, static_cast<int>(number >> 3 & 0xff), bytes);
    question = {address, number % 2 == 0 ? 4u : 16u, static_cast<uint32_t>(bytes), name,
                static_cast<uint16_t>(number)};
  }
};

inline bool says(const uint8_t* at, const DecisionRecord& record) {
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
inline size_t check_batch(const Bytes& batch, size_t bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes; ++count) {
    DecisionRecord record{};
    std::memcpy(&record, batch.data() + at, sizeof record);
    REQUIRE(says(batch.data() + at, record));
    at += size_t{record.words} * 8;
  }
  return count;
}

inline DecisionOptions options(uint32_t sampling = 1) {
  DecisionOptions made;
  made.bridge = "1.2.3";
  made.dnsdist = "dnsdist 1.7.3";
  made.fail = FailMode::kClosed;
  made.sampling = sampling;
  made.ring_bytes = kMinRing;
  return made;
}

inline std::unique_ptr<DecisionReader> only_reader(const std::string& directory) {
  std::vector<std::string> names;
  std::string why;
  REQUIRE(DecisionReader::list(directory, names, why));
  REQUIRE(names.size() == 1);
  auto reader = DecisionReader::open(directory + "/" + names[0], why);
  REQUIRE_MESSAGE(reader, why);
  return reader;
}

inline void decide(Slot& slot, uint32_t number) {
  const Asked asked(number);
  const Verdict verdict = verdict_of(number);
  slot.count(PackedVerdict(verdict));
  slot.record(asked.question, asked.name, asked.question.name_bytes, PackedVerdict(verdict),
              verdict.generation);
}

inline uint64_t sum(const std::vector<uint64_t>& counters, size_t from, size_t count) {
  uint64_t all = 0;
  for (size_t i = from; i < from + count; ++i) all += counters[i];
  return all;
}

}  // namespace nnoe::tables::test
