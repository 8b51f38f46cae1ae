// SPDX-License-Identifier: MPL-2.0
// fuzz_actions_cases [COUNT [SEED]]: the fuzzer's function over sections that were valid and then changed;
// always the same cases for the same arguments.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "shm/tables/actions.h"
#include "shm/test/fuzz_journal.h"

namespace {

using namespace nnoe::tables;
using Random = std::mt19937_64;

uint32_t below(Random& random, uint32_t limit) { return static_cast<uint32_t>(random() % limit); }

std::string letters(Random& random, uint32_t limit) {
  std::string text(below(random, limit), 'x');
  for (char& c : text) c = static_cast<char>('a' + below(random, 26));
  return text;
}

ActionSpec spec(Random& random) {
  ActionSpec made;
  made.act = static_cast<Act>(below(random, kActs));
  made.ttl = below(random, 100'000);
  if (made.act == Act::kPool) made.pool = "p" + letters(random, 20);
  if (made.act == Act::kRedirect && below(random, 2) == 0) {
    const std::string label = letters(random, 64);
    if (!label.empty()) made.cname = static_cast<char>(label.size()) + label;
    made.cname += '\0';
  } else if (made.act == Act::kRedirect) {
    for (uint32_t i = below(random, kMaxAddresses + 1); i > 0; --i) made.a.push_back(below(random, ~0U));
    for (uint32_t i = below(random, kMaxAddresses + 1); i > 0; --i)
      made.aaaa.push_back(std::string(16, '\x20'));
  }
  if (made.act != Act::kAllow && below(random, 2) == 0) {
    made.ede = static_cast<uint16_t>(below(random, 30));
    made.ede_text = letters(random, 40);
  }
  return made;
}

void change(Random& random, std::vector<uint8_t>& body) {
  const auto size = static_cast<uint32_t>(body.size());
  // The records stand first and are what matters most.
  const uint32_t at = below(random, below(random, 2) == 0 ? size : std::min(size, 64U));
  switch (below(random, 4)) {
    case 0:
      body[at] = static_cast<uint8_t>(body[at] ^ (1U << below(random, 8)));
      break;
    case 1:
      body[at] = static_cast<uint8_t>(random());
      break;
    case 2:
      body.resize(at + 1);
      break;
    default:
      body.insert(body.begin() + at, 1 + below(random, 16), static_cast<uint8_t>(random()));
      break;
  }
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 20'000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    ActionsBuilder builder;
    std::string why;
    for (uint32_t left = below(random, 8); left > 0; --left) builder.add(spec(random), why);
    std::vector<uint8_t> body = builder.build();
    for (uint32_t changes = below(random, 3); changes > 0; --changes) change(random, body);
    LLVMFuzzerTestOneInput(body.data(), body.size());
  }
  std::printf("%llu sections\n", static_cast<unsigned long long>(cases));
  return 0;
}
