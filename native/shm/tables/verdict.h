// SPDX-License-Identifier: MPL-2.0
// What is decided about a query: plain data, the same for C++, C and the files that carry it.
#pragma once

#include <cstdint>
#include <cstring>

namespace nnoe::tables {

// What to do. Written into tables, counters and records: numbers never change their meaning.
enum class Act : uint8_t {
  kAllow = 0,
  kDrop = 1,
  kNxdomain = 2,
  kRefused = 3,
  kNodata = 4,
  kTruncate = 5,
  kRedirect = 6,
  kPool = 7,
};
constexpr uint32_t kActs = 8;

// Why. Likewise fixed.
enum class Reason : uint8_t {
  kNoTables = 0,      // no generation: what `fail` says
  kAllowList = 1,     // an entry of an allow list; a policy may still deny, see kPolicy
  kBlockList = 2,     // an entry of a block list
  kPolicy = 3,        // the role set's program
  kNoPolicy = 4,      // policies are not in use, and no list spoke
  kUnplanned = 5,     // policies are in use and there is none for this role set (yet): what `fail` says
  kFallback = 6,      // asked of the policy decision point, from the bridge's cache
  kFallbackMiss = 7,  // the same, not in the cache: what `on_miss` says
  kMalformed = 8,     // the name is none: what `fail` says
};
constexpr uint32_t kReasons = 9;

struct Verdict {
  Act act;
  Reason reason;
  uint16_t action;  // number in the actions section; 0 is allow
  uint16_t role_set;
  uint16_t list;        // the list that decided; kNoList
  uint64_t generation;  // 0: none
};
constexpr uint16_t kNoList = 0xffff;
static_assert(sizeof(Verdict) == 16);

// A verdict but for its generation in one register, as its first 8 bytes lie in memory.
class PackedVerdict {
 public:
  PackedVerdict() noexcept = default;
  constexpr PackedVerdict(Act act, Reason reason, uint32_t action, uint32_t role_set, uint32_t list) noexcept
      : word_(static_cast<uint64_t>(act) | static_cast<uint64_t>(reason) << 8 | uint64_t{action} << 16 |
              uint64_t{role_set} << 32 | uint64_t{list} << 48) {}

  explicit constexpr PackedVerdict(const Verdict& of) noexcept
      : PackedVerdict(of.act, of.reason, of.action, of.role_set, of.list) {}

  constexpr Act act() const noexcept { return static_cast<Act>(word_ & 0xff); }
  constexpr Reason reason() const noexcept { return static_cast<Reason>(word_ >> 8 & 0xff); }
  constexpr uint16_t action() const noexcept { return static_cast<uint16_t>(word_ >> 16); }
  constexpr uint16_t role_set() const noexcept { return static_cast<uint16_t>(word_ >> 32); }
  constexpr uint16_t list() const noexcept { return static_cast<uint16_t>(word_ >> 48); }
  // Numbers of lists are below kMaxLists.
  constexpr bool has_list() const noexcept { return word_ >> 63 == 0; }
  // One for role set 0, for another.
  constexpr PackedVerdict of_role_set(uint32_t role_set) const noexcept {
    PackedVerdict made = *this;
    made.word_ |= uint64_t{role_set} << 32;
    return made;
  }
  constexpr void set_act(Act act) noexcept { word_ = (word_ & ~uint64_t{0xff}) | static_cast<uint64_t>(act); }

  // The 16 bytes of a Verdict.
  void store(void* to, uint64_t generation) const noexcept {
    std::memcpy(to, &word_, sizeof word_);
    std::memcpy(static_cast<char*>(to) + sizeof word_, &generation, sizeof generation);
  }
  Verdict unpacked(uint64_t generation) const noexcept {
    return {act(), reason(), action(), role_set(), list(), generation};
  }

 private:
  uint64_t word_;
};

// The question, as a server got it. `name` is in wire form, uncompressed, with its root label, in any letter
// case; it is not trusted to be well-formed.
struct Question {
  const uint8_t* address;  // 4 or 16 bytes in network order
  uint32_t address_bytes;
  uint32_t name_bytes;
  const uint8_t* name;
  uint16_t type;

  // Part by part, for what is called, which is seldom: so that until then they stay in registers.
  [[gnu::always_inline]] Question copy() const noexcept {
    return {address, address_bytes, name_bytes, name, type};
  }
};

}  // namespace nnoe::tables
