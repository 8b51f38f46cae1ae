// SPDX-License-Identifier: MPL-2.0
// journal_feed DIRECTORY [SEGMENT_BYTES]
// A producer fed from standard input, for cases that need more lease events than a Kea on the same machine
// can make. A frame: payload size (4 bytes), kind (4), key (8), payload; numbers in the machine's order.
// Prints "ready" when the journal is open and {"appended","dropped","head"} at the end of input.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "shm/producer.h"

namespace {

using nnoe::journal::Kind;
using nnoe::journal::Options;
using nnoe::journal::Producer;

struct Frame {
  uint32_t size;
  uint32_t kind;
  uint64_t key;
};
static_assert(sizeof(Frame) == 16, "bench/lib/feed.ts writes these 16 bytes");

// Half the cap: the reader is given time instead of an overrun.
constexpr uint64_t kMostBacklog = 512u << 20;

void wait_for_reader(const Producer& producer) {
  while (producer.backlog_bytes() > kMostBacklog) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

void print_report(nnoe::journal::Event event, const std::string& detail) {
  std::fprintf(stderr, "journal event %d: %s\n", static_cast<int>(event), detail.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: journal_feed DIRECTORY [SEGMENT_BYTES]\n");
    return 2;
  }
  Options options;
  options.directory = argv[1];
  options.report = print_report;
  if (argc > 2) options.segment_bytes = std::strtoull(argv[2], nullptr, 10);
  const auto producer = Producer::open(options);
  std::puts("ready");
  std::fflush(stdout);

  std::vector<uint8_t> payload(nnoe::journal::kMaxPayload);
  uint64_t appended = 0;
  uint64_t dropped = 0;
  Frame frame{};
  while (std::fread(&frame, sizeof frame, 1, stdin) == 1) {
    if (frame.size > payload.size()) return 2;
    if (std::fread(payload.data(), 1, frame.size, stdin) != frame.size) return 2;
    if (appended % 4096 == 0) wait_for_reader(*producer);
    const uint64_t seq =
        producer->append(static_cast<Kind>(frame.kind), frame.key, payload.data(), frame.size);
    (seq == 0 ? dropped : appended) += 1;
  }
  std::printf("{\"appended\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"head\":%" PRIu64 "}\n", appended, dropped,
              producer->head());
  return 0;
}
