// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/rulings.h"

#include <sys/mman.h>

#include <new>

#include "shm/tables/bytes.h"

namespace nnoe::bridge {

using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;

// Zeros from the system are sets without rulings, and not in memory before they are used.
Rulings::Rulings(size_t sets) : mask_(sets - 1) {
  tables::draw_secret(secret_, 2);
  const size_t bytes = sets * sizeof(Set);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = journal::Mapping(static_cast<uint8_t*>(memory), bytes);
  static_assert(std::is_trivially_destructible_v<Set>);
  sets_ = static_cast<Set*>(memory);
}

bool Rulings::find(const Hash128& key, uint64_t now_ms, uint16_t& action) const noexcept {
  const Set& set = set_of(key);
  for (int looks = 0; looks < 2; ++looks) {
    // SYNC read:set - acquire, so that the words are read behind it; partner: put, its last store.
    const uint64_t sequence = set.sequence.load(memory_order_acquire);
    if ((sequence & 1) != 0) continue;
    uint64_t until = 0;
    uint32_t lasts = 0;
    for (size_t way = 0; way < kWays; ++way) {
      // Acquire, so that the sequence is read again behind them: a word of a change that has begun since
      // brings its odd sequence along.
      if (set.low[way].load(memory_order_acquire) != key.low) continue;
      if (set.high[way].load(memory_order_acquire) != key.high) continue;
      until = set.until[way].load(memory_order_acquire);
      lasts = set.lasts[way].load(memory_order_acquire);
      break;
    }
    if (set.sequence.load(memory_order_relaxed) != sequence) continue;
    const uint64_t end = until >> 16;
    if (now_ms >= end || now_ms + lasts < end) return false;
    action = static_cast<uint16_t>(until);
    return true;
  }
  return false;
}

// Its own place, one that counts no more, or one after the other.
size_t Rulings::way_for(const Set& set, const Hash128& key, uint64_t now_ms) const noexcept {
  size_t dead = kWays;
  for (size_t way = 0; way < kWays; ++way) {
    if (set.low[way].load(memory_order_relaxed) == key.low &&
        set.high[way].load(memory_order_relaxed) == key.high)
      return way;
    if (set.until[way].load(memory_order_relaxed) >> 16 <= now_ms) dead = way;
  }
  return dead < kWays ? dead : set.next % kWays;
}

void Rulings::put(const Hash128& key, uint16_t action, uint64_t from_ms, uint64_t until_ms,
                  uint64_t now_ms) noexcept {
  if (from_ms >= until_ms || until_ms - from_ms > UINT32_MAX || until_ms >> 48 != 0) return;
  Set& set = set_of(key);
  const size_t way = way_for(set, key, now_ms);
  set.next = way + 1;
  const uint64_t sequence = set.sequence.load(memory_order_relaxed);
  // SYNC write:set - odd, then the words, each with release so that none is seen before it, then even.
  set.sequence.store(sequence + 1, memory_order_relaxed);
  set.low[way].store(key.low, memory_order_release);
  set.high[way].store(key.high, memory_order_release);
  set.until[way].store(until_ms << 16 | action, memory_order_release);
  set.lasts[way].store(static_cast<uint32_t>(until_ms - from_ms), memory_order_release);
  set.sequence.store(sequence + 2, memory_order_release);
}

}  // namespace nnoe::bridge
