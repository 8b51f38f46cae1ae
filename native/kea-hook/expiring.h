// SPDX-License-Identifier: MPL-2.0
// Leases whose expire event is journaled but which Kea's database may still hold. lease*_expire is called
// before Kea writes; where that happens on another thread than the walk's, a page read in between would show
// the lease again, after the event that ended it. Each thread has one such lease at a time, the last that it
// announced: a walk leaves out an expired lease that is some thread's last.
//
// Slots are single words, stored and loaded relaxed: the journal's own lock, which append and append_page
// take after the store and before the check, orders them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nnoe::hook {

class Expiring {
 public:
  void announce(uint64_t key) {
    thread_local const size_t mine = next_.fetch_add(1, std::memory_order_relaxed) % kSlots;
    last_[mine].store(key, std::memory_order_relaxed);
  }

  bool holds(uint64_t key) const {
    for (const auto& slot : last_) {
      if (slot.load(std::memory_order_relaxed) == key) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kSlots = 128;  // Kea's packet threads and HA's listeners are far fewer
  std::array<std::atomic<uint64_t>, kSlots> last_{};
  std::atomic<size_t> next_{0};
};

}  // namespace nnoe::hook
