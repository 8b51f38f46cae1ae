// SPDX-License-Identifier: MPL-2.0
// What a query thread does with a runtime: all of it, so that who asks has no call in between.
#pragma once

#include "dnsdist-bridge/runtime.h"
#include "shm/tables/decide.h"

namespace nnoe::bridge {

// Threads keep hold of it, so that one that ends after its runtime finds what it has to give back.
struct Runtime::Shared {
  tables::Epochs epochs;
  std::atomic<bool> asked{false};  // relaxed: some thread has asked; the helper need not know at once
};

// A query thread, as one runtime knows it.
struct Runtime::Thread {
  const Runtime& runtime;
  std::shared_ptr<Shared> shared;
  tables::Epochs::Reader* reader;
  tables::Slot* slot;                       // null: nothing is counted
  std::shared_ptr<QuestionRing> questions;  // null: the host is not asked

  ~Thread() { tables::Epochs::leave(reader); }
};

// The one that a thread asked last. In the few bytes that every thread keeps free for libraries loaded later,
// so that it is found without a call; `__thread`, because nothing is to be made before it is used. None where
// readers need a fence.
struct Runtime::Last {
  uint64_t runtime;
  Thread* thread;
  __attribute__((tls_model("initial-exec"))) static __thread Last here;
};

inline Runtime::Thread* Runtime::enter() noexcept {
  if (__builtin_expect(Last::here.runtime != number_, 0)) return enter_any();
  Thread* const thread = Last::here.thread;
  if (thread == nullptr) __builtin_unreachable();
  tables::Epochs::enter_asymmetric(*thread->reader);
  return thread;
}

// One query. Its verdict is counted, and recorded if the sample has it; what it points to lives as long as it
// does.
class Runtime::Query {
 public:
  [[gnu::always_inline]] Query(Runtime& runtime, const tables::Question& question) noexcept
      : thread_(runtime.enter()),
        // SYNC read:generation - acquire; partner: replace.
        generation_(__builtin_expect(thread_ == nullptr, 0)
                        ? &kNothing
                        : runtime.current_.load(std::memory_order_acquire)),
        decision_(decide(runtime, question)) {}
  ~Query() {
    if (thread_ != nullptr) tables::Epochs::exit(*thread_->reader);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  tables::PackedVerdict verdict() const noexcept { return decision_.verdict; }
  uint64_t generation() const noexcept { return decision_.generation; }
  const tables::Action& action() const noexcept {
    if (has_action(verdict().reason())) return generation_->actions->view[verdict().action()];
    return verdict().act() == tables::Act::kAllow ? kAllowed : kRefused;
  }

 private:
  struct Decision {
    tables::PackedVerdict verdict;
    uint64_t generation;  // its number
  };

  static constexpr tables::Action kAllowed = tables::simple_action(tables::Act::kAllow);
  static constexpr tables::Action kRefused = tables::simple_action(tables::Act::kRefused);

  // The others are answered as `fail` says.
  static bool has_action(tables::Reason reason) noexcept {
    using tables::Reason;
    constexpr uint32_t kWith =
        1u << static_cast<uint32_t>(Reason::kAllowList) | 1u << static_cast<uint32_t>(Reason::kBlockList) |
        1u << static_cast<uint32_t>(Reason::kPolicy) | 1u << static_cast<uint32_t>(Reason::kNoPolicy) |
        1u << static_cast<uint32_t>(Reason::kFallback) | 1u << static_cast<uint32_t>(Reason::kFallbackMiss);
    return (kWith >> static_cast<uint32_t>(reason) & 1) != 0;
  }

  [[gnu::always_inline]] Decision decide(const Runtime& runtime,
                                         const tables::Question& question) const noexcept {
    if (__builtin_expect(thread_ == nullptr, 0))
      return {{runtime.fail_, tables::Reason::kNoTables, 0, tables::kDefaultRoleSet, tables::kNoList}, 0};
    tables::QueryName name;
    const tables::Decided decided =
        tables::decide_usual({*generation_, question, name, tables::Act::kAllow, nullptr});
    if (__builtin_expect(decided.way != tables::Way::kUsual, 0))
      return {thread_->runtime.rest(*thread_, *generation_, question.copy(), name, decided),
              generation_->head.generation};
    const uint64_t number = generation_->head.generation;
    if (tables::Slot* const slot = thread_->slot; slot != nullptr) {
      slot->count(decided.role_set, tables::Reason::kPolicy, decided.verdict.act());
      slot->record(question, name.data(), question.name_bytes, decided.verdict, number);
    }
    return {decided.verdict, number};
  }

  Thread* const thread_;
  const tables::Generation* const generation_;
  const Decision decision_;
};

}  // namespace nnoe::bridge
