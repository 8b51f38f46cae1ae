// SPDX-License-Identifier: MPL-2.0
// journal_script DIRECTORY [SEGMENT_BYTES [CAP_BYTES]]
// A producer for tests of the host: appends what standard input tells, and says what the host asks for.
// A frame: payload size (4 bytes), kind (4), key (8), payload; numbers in the machine's order. Kind 0 prints
// "head N". Also printed: "ready" once, "walk" for each walk requested.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "shm/producer.h"

namespace {

using namespace nnoe::journal;

struct Frame {
  uint32_t size;
  uint32_t kind;
  uint64_t key;
};
static_assert(sizeof(Frame) == 16, "src/host/streams/script.ts writes these 16 bytes");

uint64_t number(int argc, char** argv, int index, uint64_t otherwise) {
  return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: journal_script DIRECTORY [SEGMENT_BYTES [CAP_BYTES]]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Options options;
  options.directory = argv[1];
  options.segment_bytes = number(argc, argv, 2, options.segment_bytes);
  options.cap_bytes = number(argc, argv, 3, options.cap_bytes);
  options.report = [](Event, const std::string& detail) { std::fprintf(stderr, "%s\n", detail.c_str()); };
  options.on_request = [](Request) { std::puts("walk"); };
  const auto producer = Producer::open(options);
  std::puts("ready");
  std::vector<uint8_t> payload(kMaxPayload);
  Frame frame{};
  while (std::fread(&frame, sizeof frame, 1, stdin) == 1) {
    if (frame.size > payload.size()) return 2;
    if (std::fread(payload.data(), 1, frame.size, stdin) != frame.size) return 2;
    if (frame.kind == 0) {
      std::printf("head %" PRIu64 "\n", producer->head());
    } else if (producer->append(static_cast<Kind>(frame.kind), frame.key, payload.data(), frame.size) == 0) {
      std::puts("dropped");
    }
  }
  return 0;
}
