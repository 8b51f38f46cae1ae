// SPDX-License-Identifier: MPL-2.0
// Queries of any content are answered with a packet that is in order, or not at all. The input is one byte
// that chooses action and transport, then the query.
#include <cstdio>
#include <cstdlib>

#include "dnsdist-bridge/answer.h"
#include "dnsdist-bridge/test/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace nnoe::bridge;
using namespace nnoe::tables;
using nnoe::test::Bytes;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_answer: %s\n", what);
  std::abort();
}

// The largest of each kind.
std::vector<ActionSpec> specs() {
  std::vector<ActionSpec> all;
  for (const Act act : {Act::kNxdomain, Act::kRefused, Act::kNodata, Act::kTruncate, Act::kRedirect}) {
    ActionSpec spec;
    spec.act = act;
    if (act == Act::kRedirect) spec.a.assign(kMaxAddresses, 1);
    if (act == Act::kRedirect) spec.aaaa.assign(kMaxAddresses, std::string(16, 'x'));
    all.push_back(spec);
    spec.ede = 15;
    spec.ede_text.assign(kMaxEdeText, 't');
    all.push_back(spec);
  }
  ActionSpec cname;
  cname.act = Act::kRedirect;
  const std::string label(63, 'l');
  cname.cname = nnoe::test::wire_name({label, label, label, std::string(61, 'l')});
  cname.ede = 4;
  cname.ede_text.assign(kMaxEdeText, 't');
  all.push_back(cname);
  return all;
}

bool has_opt(const nnoe::test::Message& message) {
  for (const auto& record : message.sections[2])
    if (record.type == 41 && record.owner == Bytes(1, '\0')) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const nnoe::test::ActionTable table(specs());
  if (size == 0) return 0;
  const Action& action = table[1 + (data[0] >> 1) % (table.count() - 1)];
  const Transport transport = (data[0] & 1) != 0 ? Transport::kTcp : Transport::kUdp;
  const std::vector<uint8_t> query(data + 1, data + size);
  uint8_t out[kMaxAnswer];
  const size_t written = answer(query.data(), query.size(), transport, action, out);
  const Bytes asked(query.begin(), query.end());
  const auto parsed = nnoe::test::parse(asked);
  if (written == 0) return 0;
  require(written <= kMaxAnswer, "longer than any answer");
  const auto made = nnoe::test::parse(Bytes(out, out + written));
  require(made.has_value(), "the answer is no message");
  require(asked.substr(0, 2) == Bytes(out, out + 2), "another id");
  require((made->flags & 0x8000) != 0, "no response");
  require(asked.substr(12, made->question.size()) == made->question, "another question");
  if (parsed && has_opt(*made)) require(has_opt(*parsed), "an OPT record for a client that sent none");
  if (!has_opt(*made) && transport == Transport::kUdp) require(written <= 512, "too long for plain UDP");
  return 0;
}
