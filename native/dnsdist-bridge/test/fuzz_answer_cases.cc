// SPDX-License-Identifier: MPL-2.0
// fuzz_answer_cases [COUNT [SEED]]: the fuzzer's function over queries that were valid and then changed;
// always the same cases for the same arguments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "dnsdist-bridge/test/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace nnoe::test;
using Random = std::mt19937_64;

unsigned below(Random& random, size_t limit) { return static_cast<unsigned>(random() % limit); }

Bytes made(Random& random) {
  static constexpr unsigned kTypes[] = {1, 28, 5, 65, 255, 6, 16};
  Asked asked;
  std::vector<std::string> labels;
  size_t left = 253;
  while (below(random, 5) != 0 && left > 2) {
    labels.emplace_back(1 + below(random, std::min<size_t>(63, left - 1)), 'q');
    left -= labels.back().size() + 1;
  }
  asked.name = wire_name(labels);
  asked.type = kTypes[below(random, 7)];
  asked.klass = below(random, 8) == 0 ? below(random, 256) : 1;
  asked.flags = below(random, 4) == 0 ? below(random, 0x8000) : 0x0100;
  if (below(random, 2) == 0)
    asked.edns = Edns{below(random, 2000), below(random, 2) == 0, Bytes(below(random, 30), '\0')};
  return packet(asked);
}

void change(Random& random, Bytes& bytes) {
  const size_t at = below(random, bytes.size());
  switch (below(random, 4)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(random());
      break;
    case 2:
      bytes.resize(at + 1);
      break;
    default:
      bytes.insert(at, 1 + below(random, 12), static_cast<char>(random()));
      break;
  }
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 50'000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    Bytes query = made(random);
    for (unsigned changes = below(random, 4); changes > 0; --changes) change(random, query);
    query.insert(query.begin(), static_cast<char>(random()));
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(query.data()), query.size());
  }
  std::printf("%llu queries\n", static_cast<unsigned long long>(cases));
  return 0;
}
