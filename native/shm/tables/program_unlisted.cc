// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/program_unlisted.h"

namespace nnoe::tables {

namespace {

// Past the tests on types that stand first.
const Step* behind_types(const Step* at, uint16_t type) noexcept {
  for (;;) {
    if (at->run == Step::Run::kTypeIs)
      at = at->next(type == at->operand);
    else if (at->run == Step::Run::kTypeIn)
      at = at->next((at->types[type / 64] >> type % 64 & 1) != 0);
    else
      return at;
  }
}

}  // namespace

// Links lead ahead alone, as open() has seen to: from the last step to the first, what a link leads to is
// ready.
UnlistedPrograms::UnlistedPrograms(const Programs& programs, const Actions& actions)
    : code_(programs.steps_->code), entry_(std::make_unique<Entry>()) {
  for (size_t i = 1; i < std::size(kTypes); ++i) entry_->columns[kTypes[i]] = static_cast<uint8_t>(i);
  const Step* const original = programs.steps_->code.data();
  code_.emplace_back();
  code_.back().run = Step::Run::kNone;
  Step* const code = code_.data();
  // Where a link to each step leads when tests on lists are passed over.
  std::vector<const Step*> leads(code_.size());
  for (size_t i = code_.size() - 1; i-- > 0;) {
    Step& step = code[i];
    leads[i] = &step;
    if (step.run == Step::Run::kReturn) {
      if (step.value >= actions.count()) continue;  // belongs to no program
      step.verdict = {actions[step.value].what(), Reason::kPolicy, step.value, 0, kNoList};
      continue;
    }
    const auto link = [&](uint32_t ahead) { return leads[i + ahead / sizeof(Step)]; };
    if (programs.is_on_lists(step)) {
      leads[i] = link(programs.holds_unlisted(step) ? step.on_true : step.on_false);
      continue;
    }
    const auto ahead = [&](const Step* to) {
      return static_cast<uint32_t>(static_cast<size_t>(to - &step) * sizeof(Step));
    };
    step.on_true = ahead(link(step.on_true));
    step.on_false = ahead(link(step.on_false));
  }
  for (size_t role_set = 0; role_set < kMaxRoleSets; ++role_set) {
    const Step* first = programs.first_[role_set];
    const Step* at = first == nullptr ? &code_.back() : leads[static_cast<size_t>(first - original)];
    const Step** const begins = entry_->begins[role_set].at;
    begins[0] = at;
    for (size_t i = 1; i < std::size(kTypes); ++i) begins[i] = behind_types(at, kTypes[i]);
  }
}

}  // namespace nnoe::tables
