// SPDX-License-Identifier: MPL-2.0
// fuzz_rulings_cases [COUNT [SEED]]: the fuzzer's function over answers that were good and then changed;
// always the same cases for the same arguments.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "dnsdist-bridge/ruling_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Random = std::mt19937_64;
using nnoe::tables::RulingHead;

RulingHead made(Random& random) {
  RulingHead head{};
  head.bytes = nnoe::tables::kRulingBytes;
  head.kind = static_cast<uint8_t>(nnoe::tables::RulingFrame::kRuling);
  head.version = nnoe::tables::kRulingVersion;
  head.number = random();
  if (random() % 4 == 0) {
    head.again_ms = static_cast<uint32_t>(random() % nnoe::tables::kMaxPutOff);
    return head;
  }
  head.action = static_cast<uint16_t>(random() % nnoe::tables::kMaxActions);
  head.from_ms = random() >> 20;
  head.until_ms = head.from_ms + 1 + random() % nnoe::tables::kMaxRulingAge;
  return head;
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 50'000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    std::vector<uint8_t> stream;
    for (uint64_t frames = random() % 6; frames > 0; --frames) {
      const RulingHead head = made(random);
      const auto* bytes = reinterpret_cast<const uint8_t*>(&head);
      stream.insert(stream.end(), bytes, bytes + sizeof head);
    }
    for (uint64_t changes = random() % 3; changes > 0 && !stream.empty(); --changes) {
      const size_t at = random() % stream.size();
      if (random() % 2 == 0) stream[at] = static_cast<uint8_t>(stream[at] ^ 1u << random() % 8);
      if (random() % 4 == 0) stream.resize(at);
    }
    LLVMFuzzerTestOneInput(stream.data(), stream.size());
  }
  std::printf("%llu streams\n", static_cast<unsigned long long>(cases));
  return 0;
}
