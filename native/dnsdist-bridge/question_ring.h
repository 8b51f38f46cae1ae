// SPDX-License-Identifier: MPL-2.0
// Questions of one query thread on their way to the thread that asks the host: bounded, and when it is full a
// question is lost, which costs that query nothing and is counted. One thread puts in, one takes out.
#pragma once

#include <atomic>

#include "dnsdist-bridge/rulings.h"

namespace nnoe::bridge {

class QuestionRing {
 public:
  static constexpr uint64_t kSlots = 64;

  struct Entry {
    Hash128 key;
    RulingQuestion question;
  };

  void push(const Hash128& key, const RulingQuestion& question) noexcept {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    // SYNC read:taken - acquire, so that a slot is written behind its last reader; partner: pop.
    if (head - tail_.load(std::memory_order_acquire) == kSlots) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    Entry& entry = entries_[head % kSlots];
    entry.key = key;
    std::memcpy(static_cast<void*>(&entry.question), &question,
                offsetof(RulingQuestion, name) + question.name_bytes);
    // SYNC write:put - release, so that who sees the new head finds the entry; partner: pop.
    head_.store(head + 1, std::memory_order_release);
  }

  bool pop(Entry& entry) noexcept {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;  // SYNC read:put
    const Entry& first = entries_[tail % kSlots];
    entry.key = first.key;
    std::memcpy(static_cast<void*>(&entry.question), &first.question,
                offsetof(RulingQuestion, name) + first.question.name_bytes);
    tail_.store(tail + 1, std::memory_order_release);  // SYNC write:taken
    return true;
  }

  // Nothing is there to be taken; for the one that takes.
  bool empty() const noexcept {
    return tail_.load(std::memory_order_relaxed) == head_.load(std::memory_order_acquire);
  }

  // Since the beginning.
  uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<uint64_t> head_{0};
  std::atomic<uint64_t> lost_{0};  // relaxed: a number, for nobody to go by
  alignas(64) std::atomic<uint64_t> tail_{0};
  Entry entries_[kSlots];
};

}  // namespace nnoe::bridge
