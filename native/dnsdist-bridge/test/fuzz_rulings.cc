// SPDX-License-Identifier: MPL-2.0
// Whatever comes over the host's socket is an answer within its bounds, or ends the connection; and it makes
// no difference in what pieces it comes.
#include <cstdio>
#include <cstdlib>

#include "dnsdist-bridge/ruling_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace nnoe::bridge;
using namespace nnoe::tables;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_rulings: %s\n", what);
  std::abort();
}

void within_bounds(const Ruling& ruling) {
  require(ruling.action < kMaxActions, "an action that no table has");
  if (ruling.until_ms == 0) {
    require(ruling.from_ms == 0 && ruling.again_ms <= kMaxPutOff, "put off for too long");
    return;
  }
  require(ruling.from_ms < ruling.until_ms && ruling.until_ms - ruling.from_ms <= kMaxRulingAge,
          "a time that is none");
}

struct Read {
  size_t answers = 0;
  bool bad = false;
};

// As it comes, `piece` bytes at a time.
Read read_all(const uint8_t* data, size_t size, size_t piece) {
  Read read;
  size_t at = 0;
  for (size_t there = 0; !read.bad;) {
    Ruling ruling;
    // Memory of its own, so that a sanitizer sees what is read behind it.
    const std::vector<uint8_t> held(data + at, data + there);
    const Frame frame = take_ruling(held.data(), held.size(), ruling);
    if (frame == Frame::kWhole) {
      within_bounds(ruling);
      ++read.answers;
      at += kRulingBytes;
    } else if (frame == Frame::kBad) {
      read.bad = true;
    } else if (there == size) {
      break;
    } else {
      there = there + piece < size ? there + piece : size;
    }
  }
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Read whole = read_all(data, size, size == 0 ? 1 : size);
  const Read pieces = read_all(data, size, 7);
  require(whole.answers == pieces.answers && whole.bad == pieces.bad, "pieces make a difference");
  return 0;
}
