// SPDX-License-Identifier: MPL-2.0
// Programs for names on no list beside those that they were made of.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "shm/tables/program_unlisted.h"
#include "shm/tables/test/program_make.h"

namespace nnoe::tables::test {

// So many different actions, their acts in turn.
class SomeActions {
 public:
  explicit SomeActions(uint32_t count) : body_(make(count)) {
    std::string why;
    opened_ = Actions::open(body_.body(), view_, why);
  }
  bool opened() const noexcept { return opened_; }
  const Actions& view() const noexcept { return view_; }

 private:
  static std::vector<uint8_t> make(uint32_t count) {
    ActionsBuilder builder;
    std::string why;
    for (uint32_t i = 1; i < count; ++i) {
      ActionSpec spec;
      spec.act = i % 2 == 0 ? Act::kNxdomain : Act::kNodata;
      spec.ttl = i;
      builder.add(spec, why);
    }
    return builder.build();
  }

  Aligned body_;
  Actions view_;
  bool opened_ = false;
};

// Whether a request of a name on no list ends as with the programs themselves.
inline bool agrees(const Programs& programs, const UnlistedPrograms& unlisted, const Actions& actions,
                   uint16_t role_set, const Request& request) {
  const Programs::Outcome wanted = programs.run(role_set, request);
  const Step* at = UnlistedPrograms::first(*unlisted.entry(), role_set, request.type);
  // As in a QueryName, 8 bytes before the name can be read.
  std::vector<uint8_t> name(sizeof(uint64_t) + request.name_bytes);
  std::copy(request.name, request.name + request.name_bytes, name.data() + sizeof(uint64_t));
  at = Programs::pass_domains(at, name.data() + sizeof(uint64_t), request.name_bytes);
  if (at->run == Step::Run::kNone) return wanted.result != Programs::Result::kAction;
  if (at->run != Step::Run::kReturn) at = programs.finish_request(at, request);
  const PackedVerdict verdict = at->verdict;
  return wanted.result == Programs::Result::kAction && verdict.action() == wanted.action &&
         verdict.act() == actions[wanted.action].what() && verdict.reason() == Reason::kPolicy &&
         !verdict.has_list() && verdict.role_set() == 0 && at->operand == wanted.terminal;
}

}  // namespace nnoe::tables::test
