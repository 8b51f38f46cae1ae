// SPDX-License-Identifier: MPL-2.0
// A mutex of one word for a lock that is almost never contended: a dozen instructions to take and give back,
// where pthread's take sixty, in a path that is to cost 150 in all. Not recursive, not for other processes.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace nnoe::journal {

class Lock {
 public:
  void lock() noexcept {
    uint32_t word = kFree;
    // SYNC read:lock - acquire, so that what the last owner wrote is seen; partner: unlock.
    if (__builtin_expect(
            !word_.compare_exchange_strong(word, kHeld, std::memory_order_acquire, std::memory_order_relaxed),
            0)) {
      wait();
    }
  }

  bool try_lock() noexcept {
    uint32_t word = kFree;
    // SYNC read:lock - as in lock.
    return word_.compare_exchange_strong(word, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }

  void unlock() noexcept {
    // SYNC write:lock - release; partner: lock and wait.
    if (__builtin_expect(word_.exchange(kFree, std::memory_order_release) == kAwaited, 0))
      futex(FUTEX_WAKE_PRIVATE, 1);
  }

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kAwaited = 2;  // held, and somebody may sleep on it

  // Whoever comes this way leaves the word at kAwaited when it gets the lock: one wake too many is harmless.
  __attribute__((noinline, cold)) void wait() noexcept {
    while (word_.exchange(kAwaited, std::memory_order_acquire) != kFree) futex(FUTEX_WAIT_PRIVATE, kAwaited);
  }

  // Returns early on a signal or when the word is not `value` any more; callers look again.
  void futex(int operation, uint32_t value) noexcept {
    static_assert(sizeof(word_) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);
    ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word_), operation, value, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> word_{kFree};
};

}  // namespace nnoe::journal
