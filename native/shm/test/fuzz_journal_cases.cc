// SPDX-License-Identifier: MPL-2.0
// fuzz_journal_cases [COUNT [SEED]]: the fuzzer's function over journals that were valid and then changed,
// without libFuzzer; always the same cases for the same arguments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "shm/layout.h"
#include "shm/test/fuzz_journal.h"

namespace {

using namespace nnoe::journal;
using Random = std::mt19937_64;

uint64_t below(Random& random, uint64_t limit) { return random() % limit; }

// A segment's bytes after the header: records with rising sequences, now and then an end marker.
std::vector<uint8_t> records(Random& random) {
  std::vector<uint8_t> bytes(sizeof(layout::SegmentHeader));
  uint64_t seq = 1001 + (below(random, 8) == 0 ? below(random, 5) : 0);
  if (below(random, 32) == 0) seq = layout::kMaxSeq - below(random, 40);
  for (uint64_t left = below(random, 30); left > 0; --left, ++seq) {
    const auto length = static_cast<uint32_t>(below(random, below(random, 10) == 0 ? 5000 : 120));
    const auto kind = static_cast<uint8_t>(1 + below(random, 5));
    const size_t at = bytes.size();
    bytes.resize(at + layout::record_bytes(length));
    const layout::RecordHeader header{layout::commit_word(layout::low_half(length, kind), 0), seq};
    std::memcpy(bytes.data() + at, &header, sizeof header);
    for (uint32_t i = 0; i < length; ++i) bytes[at + sizeof header + i] = static_cast<uint8_t>(random());
  }
  if (below(random, 4) == 0) {
    bytes.resize(bytes.size() + sizeof layout::kEndWord);
    std::memcpy(bytes.data() + bytes.size() - sizeof layout::kEndWord, &layout::kEndWord,
                sizeof layout::kEndWord);
  }
  return bytes;
}

void change(Random& random, std::vector<uint8_t>& bytes) {
  const size_t at = below(random, bytes.size());
  const size_t length = std::min<size_t>(1 + below(random, 200), bytes.size() - at);
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto to = from + static_cast<std::ptrdiff_t>(length);
  switch (below(random, 6)) {
    case 0:
      *from = static_cast<uint8_t>(*from ^ (1 << below(random, 8)));
      break;
    case 1:
      std::fill(from, to, static_cast<uint8_t>(0));
      break;
    case 2:
      std::generate(from, to, [&] { return static_cast<uint8_t>(random()); });
      break;
    case 3:
      bytes.resize(at + 1);
      break;
    case 4:
      bytes.insert(from, 8 * (1 + below(random, 4)), static_cast<uint8_t>(random()));
      break;
    default:
      std::rotate(bytes.begin(), from, bytes.end());
      break;
  }
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 2000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    std::vector<uint8_t> bytes = records(random);
    // Checksums are made to fit in three cases of four (bit 4), before or, here, after the change.
    for (uint64_t changes = below(random, 4); changes > 0; --changes) change(random, bytes);
    bytes.insert(bytes.begin(), static_cast<uint8_t>(random() & (below(random, 4) == 0 ? 0xff : 0xc3)));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%llu journals\n", static_cast<unsigned long long>(cases));
  return 0;
}
