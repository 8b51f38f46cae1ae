// SPDX-License-Identifier: MPL-2.0
// fuzz_names_cases [COUNT [SEED]]: the fuzzer's function over generated cases, without libFuzzer; always the
// same cases for the same arguments.
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "shm/tables/test/fuzz_names.h"

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1500;
  std::mt19937_64 random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    std::vector<uint8_t> bytes(1 + random() % (random() % 4 == 0 ? 3000 : 40));
    // Small values are likelier to mean something, as lengths and counts.
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 2 == 0 ? random() % 5 : random());
    bytes[0] = static_cast<uint8_t>(random());
    // A third of all edits go into the header, where everything is said about the rest.
    for (size_t at = 1; at + 4 <= bytes.size(); at += 4) {
      if (random() % 3 == 0) bytes[at + 1] = 0;
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%llu cases\n", static_cast<unsigned long long>(cases));
  return 0;
}
