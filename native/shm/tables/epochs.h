// SPDX-License-Identifier: MPL-2.0
// When may something be freed that threads read without a lock? Each reading thread marks its own word before
// it loads the pointer and after it is done; whoever replaced the pointer waits until every thread that may
// have the old one was seen outside. The reader executes two plain stores and no locked instruction: the
// order of its first store before its load is made, when it is needed, by membarrier(2) on the other side.
#pragma once

#include <atomic>
#include <cstdint>

namespace nnoe::tables {

class Epochs {
 public:
  // One thread's word, in a pair of cache lines of its own. Odd: inside.
  struct alignas(128) Reader {
    std::atomic<uint64_t> count{0};
    std::atomic<bool> taken{true};
    Reader* next = nullptr;
  };

  Epochs() noexcept;
  ~Epochs();
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  // Once in a thread's life; null when there is no memory. Given back with `leave`, for another thread to
  // take.
  Reader* join() noexcept;
  static void leave(Reader* reader) noexcept;

  void enter(Reader& reader) const noexcept {
    enter_asymmetric(reader);
    // Orders the store before the load of what is read inside.
    if (!asymmetric_) std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  // For who knows that asymmetric() is true.
  static void enter_asymmetric(Reader& reader) noexcept {
    const uint64_t count = reader.count.load(std::memory_order_relaxed);
    // SYNC write:inside - relaxed is enough with membarrier, whose partner is in `wait`; without it, see
    // `enter`.
    reader.count.store(count + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  static void exit(Reader& reader) noexcept {
    const uint64_t count = reader.count.load(std::memory_order_relaxed);
    // SYNC write:outside - release, so that everything read inside was read; partner: `wait`.
    reader.count.store(count + 1, std::memory_order_release);
  }

  // Returns when every thread that was inside at the call has been seen outside. Sleeps meanwhile; for a
  // thread that answers nobody.
  void wait() noexcept;

  // Whether readers go without a fence: membarrier is there.
  bool asymmetric() const noexcept { return asymmetric_; }

 private:
  std::atomic<Reader*> readers_{nullptr};
  bool asymmetric_;
};

}  // namespace nnoe::tables
