// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/epochs.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <new>

namespace nnoe::tables {
namespace {

// The sanitizer does not know membarrier, and would take every swap for a race.
#if defined(__SANITIZE_THREAD__)
constexpr bool kMembarrier = false;
#else
constexpr bool kMembarrier = true;
#endif

bool membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0) == 0; }

void pause_a_little() noexcept {
  const timespec time{0, 200'000};
  nanosleep(&time, nullptr);
}

}  // namespace

// Registered once for the process; a seccomp filter may refuse it, and then readers use a fence.
Epochs::Epochs() noexcept
    : asymmetric_(kMembarrier && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
                  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) {}

Epochs::~Epochs() {
  for (Reader* reader = readers_.load(std::memory_order_acquire); reader != nullptr;) {
    Reader* next = reader->next;
    delete reader;
    reader = next;
  }
}

Epochs::Reader* Epochs::join() noexcept {
  for (Reader* reader = readers_.load(std::memory_order_acquire); reader != nullptr; reader = reader->next) {
    bool taken = false;
    // SYNC read:taken - acquire; partner: leave.
    if (reader->taken.compare_exchange_strong(taken, true, std::memory_order_acquire)) return reader;
  }
  auto* reader = new (std::nothrow) Reader;
  if (reader == nullptr) return nullptr;
  reader->next = readers_.load(std::memory_order_relaxed);
  // SYNC write:readers - release, so that who finds it finds `next`; partner: join and wait.
  while (!readers_.compare_exchange_weak(reader->next, reader, std::memory_order_release,
                                         std::memory_order_relaxed)) {
  }
  return reader;
}

void Epochs::leave(Reader* reader) noexcept {
  // SYNC write:taken - release; partner: join.
  reader->taken.store(false, std::memory_order_release);
}

void Epochs::wait() noexcept {
  // SYNC read:inside - after this, a thread whose mark is not seen here will load the new pointer; partner:
  // enter.
  if (asymmetric_) {
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  for (Reader* reader = readers_.load(std::memory_order_acquire); reader != nullptr; reader = reader->next) {
    const uint64_t inside = reader->count.load(std::memory_order_acquire);
    if ((inside & 1) == 0) continue;
    // SYNC read:outside - acquire; partner: exit.
    while (reader->count.load(std::memory_order_acquire) == inside) pause_a_little();
  }
}

}  // namespace nnoe::tables
