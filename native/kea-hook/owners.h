// SPDX-License-Identifier: MPL-2.0
// Who held an address last, so that a lease can be told new from extended. Kea's committed callout gives the
// new lease only, and asking for the old one through another hook point would cost more than the whole event.
//
// One 64-bit slot an address, direct-mapped: the upper half says which address, the lower which owner; 0 is
// empty. A collision evicts, which costs nothing but the answer kUnknown. Threads may race on a slot: each
// access is relaxed and of the whole slot, and publishes nothing but itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "encode.h"

namespace nnoe::hook {

enum class Known { kUnknown, kSame, kOther };

class Owners {
 public:
  // 2^21 slots, 16 MiB of address space; a page of it takes memory once an address falls into it.
  static constexpr size_t kSlots = size_t{1} << 21;

  Owners();  // throws std::bad_alloc
  ~Owners();
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;

  // Who held `key` before, compared with this lease; from now on this lease's owner does.
  Known replace(uint64_t key, uint32_t owner) {
    std::atomic<uint64_t>& slot = at(key);
    const uint64_t before = slot.load(std::memory_order_relaxed);
    const uint64_t now = tag(key) | owner;
    if (before == now) return Known::kSame;
    slot.store(now, std::memory_order_relaxed);
    return (before & kTagMask) == tag(key) ? Known::kOther : Known::kUnknown;
  }

  // What a walk read: says nothing about a slot that an event has filled.
  void learn(uint64_t key, uint32_t owner) {
    uint64_t empty = 0;
    at(key).compare_exchange_strong(empty, tag(key) | owner, std::memory_order_relaxed);
  }

  void forget(uint64_t key) {
    std::atomic<uint64_t>& slot = at(key);
    if ((slot.load(std::memory_order_relaxed) & kTagMask) == tag(key)) {
      slot.store(0, std::memory_order_relaxed);
    }
  }

  // Never 0, so that an owner's slot is never an empty one.
  static uint32_t owner(const LeaseFields& lease) {
    uint64_t h = 0x9e3779b97f4a7c15u ^ lease.iaid;
    const Bytes id = lease.duid.size ? lease.duid : lease.client_id.size ? lease.client_id : lease.hwaddr;
    // Whole words; the last one overlaps that before it.
    if (id.size >= 8) {
      for (size_t i = 0; i + 8 < id.size; i += 8) h = mix(h, word<uint64_t>(id.data + i));
      h = mix(h, word<uint64_t>(id.data + id.size - 8));
    } else if (id.size >= 4) {
      const uint64_t first = word<uint32_t>(id.data);
      h = mix(h, first << 32 | word<uint32_t>(id.data + id.size - 4));
    } else {
      for (size_t i = 0; i < id.size; ++i) h = mix(h, id.data[i]);
    }
    h = (h ^ id.size) * 0xc4ceb9fe1a85ec53u;
    return static_cast<uint32_t>(h >> 32) | 1u;
  }

 private:
  static constexpr uint64_t kTagMask = 0xffffffff00000000u;
  static_assert(sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);

  template <typename Word>
  static Word word(const uint8_t* bytes) {
    Word value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  static uint64_t mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
  }

  // Index and tag are different bits of the key, 21 and 32 of them.
  static uint64_t tag(uint64_t key) { return key & kTagMask; }
  std::atomic<uint64_t>& at(uint64_t key) { return slots_[key & (kSlots - 1)]; }

  std::atomic<uint64_t>* slots_;
};

}  // namespace nnoe::hook
