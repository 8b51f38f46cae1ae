// SPDX-License-Identifier: MPL-2.0
// Bytes of any content are opened as a programs section; one that opens is run on names of every shape: never
// a read outside the body (sanitizers see it: the body is allocated to measure), never an end that is not a
// terminal, and for a name on no list the same as UnlistedPrograms. libFuzzer: clang++ build with
// -DNNOE_FUZZ=ON, then `fuzz_program -runs=1000000`.
#include "shm/tables/test/fuzz_program.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "shm/tables/test/program_make.h"
#include "shm/tables/test/program_unlisted_support.h"

namespace {

using namespace nnoe::tables;

constexpr uint32_t kRoleSets = 64;
constexpr uint32_t kActions = 8;

void fail(const char* what) {
  std::fprintf(stderr, "fuzz_program: %s\n", what);
  std::abort();
}

// A name out of `data`: labels of lengths and bytes as they come.
std::string name_from(const uint8_t* data, size_t size) {
  std::string name;
  for (size_t at = 0; at < size;) {
    const size_t label = 1 + data[at] % 63;
    if (name.size() + label + 2 > kMaxName || at + 1 + label > size) break;
    name += static_cast<char>(label);
    for (size_t i = 1; i <= label; ++i) {
      const uint8_t byte = data[at + i];
      name += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    at += 1 + label;
  }
  return name + std::string(1, '\0');
}

const Actions& actions() {
  static const test::SomeActions made(kActions);
  if (!made.opened()) fail("no actions");
  return made.view();
}

void run(const Programs& programs, const UnlistedPrograms& unlisted, const std::string& name,
         const uint8_t* data, size_t size) {
  // To measure, but for the slack that every name has behind it.
  const auto bytes = std::make_unique<uint8_t[]>(name.size() + kBodySlack);
  std::memcpy(bytes.get(), name.data(), name.size());
  uint8_t address[16] = {};
  std::memcpy(address, data, size < 16 ? size : 16);
  const uint64_t lists[4] = {data[0], ~uint64_t{0}, 0, data[size - 1]};
  Request request;
  request.name = bytes.get();
  request.name_bytes = static_cast<uint32_t>(name.size());
  request.address = address;
  request.lists = (data[0] & 1) != 0 ? lists : nullptr;
  request.type = static_cast<uint16_t>(data[0] | data[size - 1] << 8);
  for (uint16_t role = 0; role < kRoleSets + 1; ++role) {
    request.address_bytes = role % 3 == 0 ? 4 : 16;
    const Programs::Outcome outcome = programs.run(role, request);
    if (request.lists == nullptr && !test::agrees(programs, unlisted, actions(), role, request))
      fail("on no list it ends elsewhere");
    if (outcome.result != Programs::Result::kAction) continue;
    if (outcome.action >= kActions) fail("an action that there is not");
    if (programs.why(outcome.terminal).size() > program::kMaxWhy) fail("a reason without end");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  test::Aligned aligned({data, data + size});
  Programs programs;
  std::string why;
  if (!Programs::open(aligned.body(), {kRoleSets, kMaxLists, kActions}, programs, why)) {
    if (why.empty()) fail("refused without a reason");
    return 0;
  }
  const UnlistedPrograms unlisted(programs, actions());
  run(programs, unlisted, name_from(data, size), data, size);
  run(programs, unlisted, name_from(data + size / 2, size - size / 2), data, size);
  run(programs, unlisted, std::string(1, '\0'), data, size);
  std::string deepest;
  for (int i = 0; i < 127; ++i) deepest += {'\1', static_cast<char>(data[static_cast<size_t>(i) % size])};
  run(programs, unlisted, deepest + std::string(1, '\0'), data, size);
  return 0;
}
