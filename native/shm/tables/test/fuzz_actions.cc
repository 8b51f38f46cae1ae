// SPDX-License-Identifier: MPL-2.0
// A section of actions of any content opens or does not; one that opens can be read to its last byte.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/test/fuzz_journal.h"

namespace {

using namespace nnoe::tables;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_actions: %s\n", what);
  std::abort();
}

void read_all(const Actions& actions, const std::vector<uint8_t>& body) {
  const uint8_t* end = body.data() + body.size();
  for (uint32_t id = 0; id < actions.count(); ++id) {
    const Action& action = actions[id];
    const uint8_t* data = action.a_data();
    require(data >= body.data() && data + action.payload_bytes() <= end, "a payload outside of the section");
    if (action.cname_bytes > 0)
      require(is_wire_name(action.cname_data(), action.cname_bytes), "a CNAME that is no name");
    unsigned sum = 0;
    for (size_t i = 0; i < action.payload_bytes(); ++i) sum += data[i];
    require(sum <= action.payload_bytes() * 255, "unreachable");
    require(action.act < kActs, "an act that is unknown");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> body(data, data + size);
  Actions actions;
  std::string why;
  const bool opened = Actions::open({body.data(), body.size()}, actions, why);
  require(opened == why.empty(), "refused without a reason, or the reverse");
  if (opened) read_all(actions, body);
  return 0;
}
