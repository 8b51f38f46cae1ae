// SPDX-License-Identifier: MPL-2.0
// Queries that are none of the usual ones; and for a role set without a program what the policy decision
// point ruled, or the question for it.
#include "dnsdist-bridge/query.h"

namespace nnoe::bridge {

using tables::Generation;
using tables::PackedVerdict;
using tables::Programs;
using tables::Question;
using tables::Reason;

namespace {

// False: nobody is to be asked.
bool describe(const Generation& tables, const Question& question, const tables::QueryName& name,
              uint16_t role_set, RulingQuestion& out) noexcept {
  const Programs& programs = tables.programs->view;
  out.basis = programs.header().basis;
  if (out.basis == 0) return false;
  out.role_set = role_set;
  out.type = question.type;
  out.name_bytes = static_cast<uint8_t>(name.size());
  std::memcpy(out.name, name.data(), name.size());
  tables::Levels levels;
  tables::look_up(tables, name, role_set, levels);
  tables::union_of(tables, levels, out.lists);
  // Such a role set looks at nothing of the request.
  if (programs.run(role_set, {}).result != Programs::Result::kFallbackClient) return true;
  const bool mapped = question.address_bytes == 16 && tables::is_mapped4(question.address);
  out.address_bytes = mapped ? 4 : static_cast<uint8_t>(question.address_bytes);
  if (out.address_bytes != 4 && out.address_bytes != 16) return false;
  std::memcpy(out.address, question.address + (mapped ? 12 : 0), out.address_bytes);
  return true;
}

}  // namespace

__attribute__((noinline, cold)) PackedVerdict Runtime::consult(const Thread& thread, const Generation& tables,
                                                               Question question,
                                                               const tables::QueryName& name,
                                                               PackedVerdict verdict) const noexcept {
  RulingQuestion asked;
  if (!thread.questions || !describe(tables, question, name, verdict.role_set(), asked)) return verdict;
  const Rulings& rulings = asker_->rulings();
  const Hash128 key = rulings.key_of(asked);
  uint16_t action = 0;
  if (!rulings.find(key, journal::now_us() / 1000, action)) {
    thread.questions->push(key, asked);
    return verdict;
  }
  // The host numbers actions for the programs' basis; a number that this generation lacks is none of its own.
  if (action >= tables.actions->view.count()) return verdict;
  return {tables.actions->view[action].what(), Reason::kFallback, action, verdict.role_set(), verdict.list()};
}

PackedVerdict Runtime::rest(const Thread& thread, const Generation& tables, Question question,
                            tables::QueryName& name, tables::Decided so_far) const noexcept {
  PackedVerdict verdict = tables::decide_rest({tables, question, name, fail_, nullptr}, so_far);
  if (__builtin_expect(verdict.reason() == Reason::kFallbackMiss, 0))
    verdict = consult(thread, tables, question, name, verdict);
  if (thread.slot == nullptr) return verdict;
  thread.slot->count(verdict);
  thread.slot->record(question, name.data(), name.size(), verdict, tables.head.generation);
  return verdict;
}

}  // namespace nnoe::bridge
