// SPDX-License-Identifier: MPL-2.0
// fuzz_program_cases [COUNT [SEED]]: the fuzzer's function over sections that were valid and then changed,
// without libFuzzer; always the same cases for the same arguments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "shm/tables/test/fuzz_program.h"
#include "shm/tables/test/program_make.h"

namespace {

using namespace nnoe::tables;
using test::Kind;
using test::Op;
using Random = std::mt19937_64;

uint64_t below(Random& random, uint64_t limit) { return random() % limit; }

std::string word(Random& random, size_t most) {
  static constexpr char kLetters[] = "abz09-.\\_";
  std::string made;
  for (uint64_t left = below(random, most + 1); left > 0; --left) made += kLetters[below(random, 9)];
  return made;
}

std::string dfa(Random& random) {
  const auto states = static_cast<uint16_t>(1 + below(random, 9));
  const auto classes = static_cast<uint16_t>(1 + below(random, 5));
  const program::DfaHeader header{states, classes, static_cast<uint16_t>(below(random, states)), 0};
  std::string made(reinterpret_cast<const char*>(&header), sizeof header);
  for (int i = 0; i < 256; ++i) made += static_cast<char>(below(random, classes));
  for (int i = 0; i < (states + 7) / 8 * 8; ++i)
    made += static_cast<char>(below(random, 3) | (below(random, 4) == 0 ? program::kFinal : 0));
  for (int i = 0; i < states * classes; ++i) {
    const uint16_t next = static_cast<uint16_t>(below(random, states));
    made.append(reinterpret_cast<const char*>(&next), 2);
  }
  return made;
}

uint16_t operand(Random& random, test::Maker& make, Op op) {
  const auto small = [&] { return static_cast<uint32_t>(below(random, 40)); };
  switch (op) {
    case Op::kNameIs:
      return make.name(word(random, 20));
    case Op::kNameIn:
    case Op::kNameUnderAny:
      return make.names({word(random, 9), "a." + word(random, 9), "b.a"});
    case Op::kNameUnder:
      return make.name("z" + word(random, 9));
    case Op::kNameBegins:
      return make.begin(word(random, 9));
    case Op::kListIs:
      return static_cast<uint16_t>(below(random, 260));
    case Op::kTypeIs:
      return static_cast<uint16_t>(random());
    case Op::kTypeIn:
      return make.numbers<uint16_t>(Kind::kTypes, {1, 1, 28, 28, 255, 300}, 3);
    case Op::kClientIn: {
      std::vector<uint32_t> ranges = {2, 1, 0x0a000000, 0x0affffff, 0xc0000200, 0xc00002ff};
      for (int i = 0; i < 8; ++i) ranges.push_back(static_cast<uint32_t>(random()));
      return make.numbers<uint32_t>(Kind::kRanges, ranges);
    }
    case Op::kListsAny:
    case Op::kListsAll:
      return make.numbers<uint64_t>(Kind::kMask, {below(random, 16), 0, 0, 0});
    case Op::kListsCount:
      return make.numbers<uint32_t>(Kind::kCount, {15, 0, 0, 0, 0, 0, 0, 0, small() % 3, small()});
    case Op::kSize:
      return make.numbers<uint32_t>(Kind::kSpan, {small(), small()});
    case Op::kDfa:
      return make.constant(Kind::kDfa, dfa(random));
    default:
      return make.text(word(random, 30));
  }
}

void change(Random& random, std::vector<uint8_t>& bytes) {
  const size_t at = below(random, bytes.size());
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(random, 5)) {
    case 0:
      *from = static_cast<uint8_t>(*from ^ (1 << below(random, 8)));
      break;
    case 1:
      *from = static_cast<uint8_t>(random());
      break;
    case 2:
      std::generate(from, from + static_cast<std::ptrdiff_t>(std::min<size_t>(4, bytes.size() - at)),
                    [&] { return static_cast<uint8_t>(random()); });
      break;
    case 3:
      bytes.resize(at + 1);
      break;
    default:
      bytes.insert(from, 8, static_cast<uint8_t>(random()));
      break;
  }
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 20000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    test::Maker make;
    make.lists = kMaxLists;
    for (uint64_t left = 1 + below(random, 6); left > 0; --left) {
      const auto op = static_cast<Op>(1 + below(random, program::kOps - 1));
      make.when(op, operand(random, make, op), static_cast<unsigned>(random() & 0xff));
    }
    std::vector<uint8_t> bytes = make.bytes();
    for (uint64_t changes = below(random, 4); changes > 0; --changes) change(random, bytes);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%llu sections\n", static_cast<unsigned long long>(cases));
  return 0;
}
