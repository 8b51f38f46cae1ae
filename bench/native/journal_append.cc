// SPDX-License-Identifier: MPL-2.0
// journal_append append|loop COUNT SIZE DIRECTORY
// Appends COUNT records of SIZE bytes each from one thread and prints {"count","dropped","seconds"}. `loop`
// does everything but append: what is left when its instructions are taken away is the append.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "shm/producer.h"

namespace {

using nnoe::journal::Kind;
using nnoe::journal::Options;
using nnoe::journal::Producer;

// Keeps the compiler from removing or merging what the baseline loop does.
inline void keep(const void* pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

// A payload that differs from record to record in the bytes that a counter takes, as an address would.
inline void vary(std::vector<uint8_t>& payload, uint64_t counter) {
  std::memcpy(payload.data(), &counter, sizeof counter);
  keep(payload.data());
}

uint64_t append_all(Producer& producer, std::vector<uint8_t>& payload, uint64_t count) {
  uint64_t dropped = 0;
  for (uint64_t i = 0; i < count; ++i) {
    vary(payload, i);
    dropped += producer.append(Kind::kLease, i, payload.data(), payload.size()) == 0 ? 1 : 0;
  }
  return dropped;
}

uint64_t loop_all(std::vector<uint8_t>& payload, uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; ++i) {
    vary(payload, i);
    sum += payload[0] == 0xff && payload.empty() ? 1 : 0;
  }
  return sum;
}

void print_report(nnoe::journal::Event event, const std::string& detail) {
  std::fprintf(stderr, "journal event %d: %s\n", static_cast<int>(event), detail.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: journal_append append|loop COUNT SIZE DIRECTORY\n");
    return 2;
  }
  const bool append = std::strcmp(argv[1], "append") == 0;
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const size_t size = std::strtoul(argv[3], nullptr, 10);
  if (size < sizeof(uint64_t) || size > nnoe::journal::kMaxPayload) return 2;

  std::vector<uint8_t> payload(size, 0x5a);
  Options options;
  options.directory = argv[4];
  options.report = print_report;
  const auto producer = Producer::open(options);

  const auto begin = std::chrono::steady_clock::now();
  const uint64_t dropped = append ? append_all(*producer, payload, count) : loop_all(payload, count);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  std::printf("{\"count\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"seconds\":%.6f}\n", count, dropped,
              elapsed.count());
  return 0;
}
