// SPDX-License-Identifier: MPL-2.0
// fuzz_clients_cases [COUNT [SEED]]: the fuzzer's function over sections and files that were valid and then
// changed, without libFuzzer; always the same cases for the same arguments.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "shm/tables/decision_writer.h"
#include "shm/tables/registry.h"
#include "shm/tables/test/client_support.h"
#include "shm/tables/test/fuzz_clients.h"
#include "shm/test/support.h"

namespace {

using namespace nnoe::tables;
using namespace nnoe::tables::test;

Bytes some_registry(Random& random) {
  RegistryBuilder builder;
  std::string why;
  for (uint64_t i = random() % 20; i > 0; --i) {
    std::vector<std::string> roles;
    for (uint64_t n = 1 + random() % 4; n > 0; --n) roles.push_back("role" + std::to_string(random() % 9));
    builder.role_set(std::move(roles), why);
  }
  for (uint64_t i = random() % 5; i > 0; --i) builder.list("list" + std::to_string(i), why);
  return builder.build();
}

Bytes some_hosts(Random& random) {
  std::vector<Mapping> of[kFamilies];
  for (uint32_t f = 0; f < kFamilies; ++f)
    for (uint64_t i = random() % 60; i > 0; --i) {
      Mapping host = random_prefix(random, static_cast<Family>(f));
      host.length = kAddressBits[f];
      of[f].push_back(host);
    }
  const auto fixed = [](uint64_t* words, size_t count) { std::fill_n(words, count, 0x9e3779b97f4a7c15u); };
  return build_hosts(of[0], of[1], random() % 2 == 0, fixed);
}

Bytes some_prefixes(Random& random) {
  const auto v4 = random_prefixes(random, Family::kV4, random() % 60);
  const auto v6 = random_prefixes(random, Family::kV6, random() % 60);
  return build_prefixes({v4, v4}, {v6, v6}, random() % 2 == 0);
}

// A file as a bridge leaves it, with its ring once or twice overwritten.
Bytes some_decisions(Random& random) {
  const nnoe::test::TempDir dir;
  DecisionOptions options;
  options.ring_bytes = kMinRing;
  const auto writer = DecisionWriter::create(dir.path(), options);
  Slot* slot = writer->claim();
  std::string why;
  writer->maintain(why);
  const uint8_t address[16] = {};
  const uint8_t name[kMaxName + slot::kNameMove] = {};
  for (uint64_t i = random() % 4000; i > 0; --i) {
    const Question question{address, random() % 2 == 0 ? 4u : 16u,
                            static_cast<uint32_t>(1 + random() % kMaxName), name, 1};
    const PackedVerdict verdict(Act::kAllow, Reason::kPolicy, 0, 0, kNoList);
    slot->count(verdict);
    slot->record(question, name, question.name_bytes, verdict, 1);
  }
  const std::string file = nnoe::test::names(dir.path(), std::to_string(::getpid())).at(0);
  std::ifstream in(dir.path() + "/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The head and what the ring of such a file begins with.
Bytes some_ring(Random& random) {
  const Bytes file = some_decisions(random);
  const auto part = [&](size_t at, size_t bytes) { return Bytes(&file[at], &file[at] + bytes); };
  Bytes made = part(kPage, sizeof(uint64_t));
  const Bytes content = part(kPage + kRingAt, 4096 + random() % kRingBlock);
  made.insert(made.end(), content.begin(), content.end());
  return made;
}

// Where numbers stand that lead somewhere: mostly near the begin; of decisions also in the ring.
size_t place(Random& random, const Bytes& bytes) {
  if (random() % 3 == 0) return random() % std::min<size_t>(bytes.size(), 128);
  if (bytes.size() > kPage + kRingAt && random() % 2 == 0)
    return kPage + (random() % 2 == 0 ? random() % 8 : kRingAt + random() % (bytes.size() - kPage - kRingAt));
  return random() % bytes.size();
}

void change(Random& random, Bytes& bytes) {
  const size_t at = place(random, bytes);
  const size_t length = std::min<size_t>(1 + random() % 16, bytes.size() - at);
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 6) {
    case 0:
    case 1:
      *from = static_cast<uint8_t>(*from ^ (1 << random() % 8));
      break;
    case 2:
      *from = static_cast<uint8_t>(*from + 1);
      break;
    case 3:
      std::fill_n(from, length, static_cast<uint8_t>(random() % 2 == 0 ? 0 : 0xff));
      break;
    case 4:
      std::generate_n(from, length, [&] { return static_cast<uint8_t>(random()); });
      break;
    default:
      if (random() % 8 == 0) bytes.resize(at + 1);
      break;
  }
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 4000;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  Bytes (*const makers[kFuzzKinds])(Random&) = {some_registry, some_hosts, some_prefixes, some_decisions,
                                                some_ring};
  Bytes valid[kFuzzKinds];
  for (uint64_t i = 0; i < cases; ++i) {
    // A new valid one now and then: a file of decisions is large.
    const auto kind = static_cast<uint8_t>(random() % 16 == 0 ? 3 + random() % 2 : random() % 3);
    if (valid[kind].empty() || random() % 32 == 0) valid[kind] = makers[kind](random);
    Bytes bytes = valid[kind];
    for (uint64_t changes = random() % 4; changes > 0; --changes) change(random, bytes);
    bytes.insert(bytes.begin(), kind);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%llu cases\n", static_cast<unsigned long long>(cases));
  return 0;
}
