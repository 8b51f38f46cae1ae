// SPDX-License-Identifier: MPL-2.0
// What can be done with a query: action id -> answer, pool or nothing. Number 0 is allow and always there.
// Few (at most kMaxActions), made by the host from its configuration, read by the bridge when it answers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shm/tables/layout.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {

constexpr size_t kMaxAddresses = 8;          // of one family in one answer
constexpr size_t kMaxPool = 64;              // bytes of a pool's name
constexpr size_t kMaxEdeText = 200;          // bytes; the whole answer stays below 1,232 with it
constexpr uint32_t kMaxTtl = 7 * 24 * 3600;  // s; what resolvers keep at most (RFC 8767, 4)
constexpr uint16_t kNoEde = 0xffff;          // reserved in the registry of RFC 8914

// One action, as it stands in the body. What has no fixed size lies behind all of them, `payload` bytes after
// the record's own first one, without gaps: A addresses, AAAA addresses, CNAME, pool, text.
struct Action {
  uint8_t act;          // Act
  uint8_t a;            // IPv4 addresses, 4 bytes each
  uint8_t aaaa;         // IPv6 addresses, 16 bytes each
  uint8_t cname_bytes;  // a name in wire form, lower or upper case, uncompressed; 0: none
  uint8_t pool_bytes;
  uint8_t ede_bytes;  // of the text beside the extended error, UTF-8
  uint16_t ede;       // info code of RFC 8914, or kNoEde
  uint32_t ttl;       // s; of a negative answer also its SOA's minimum
  uint32_t payload;

  Act what() const noexcept { return static_cast<Act>(act); }
  const uint8_t* a_data() const noexcept { return reinterpret_cast<const uint8_t*>(this) + payload; }
  const uint8_t* aaaa_data() const noexcept { return a_data() + size_t{a} * 4; }
  const uint8_t* cname_data() const noexcept { return aaaa_data() + size_t{aaaa} * 16; }
  std::string_view pool() const noexcept { return text(cname_data() + cname_bytes, pool_bytes); }
  std::string_view ede_text() const noexcept {
    return text(cname_data() + cname_bytes + pool_bytes, ede_bytes);
  }

  size_t payload_bytes() const noexcept {
    return size_t{a} * 4 + size_t{aaaa} * 16 + cname_bytes + pool_bytes + ede_bytes;
  }

 private:
  static std::string_view text(const uint8_t* data, size_t size) noexcept {
    return {reinterpret_cast<const char*>(data), size};
  }
};
static_assert(sizeof(Action) == 16 && alignof(Action) == 4 && std::is_trivially_copyable_v<Action>);

// First in the body; `count` records follow, then their payloads, to the end.
struct ActionsHeader {
  uint32_t count;
  uint32_t zero;
};
static_assert(sizeof(ActionsHeader) == 8);

// For answers without a table: what `fail` says, and a client that may not be told more.
constexpr Action simple_action(Act act, uint32_t ttl = 0) {
  return {static_cast<uint8_t>(act), 0, 0, 0, 0, 0, kNoEde, ttl, 0};
}

class Actions {
 public:
  // False with a reason when the body is not exactly what ActionsBuilder makes. The body has to outlive
  // `out`.
  static bool open(Body body, Actions& out, std::string& why);

  uint32_t count() const noexcept { return count_; }
  // `id` is below count().
  const Action& operator[](uint32_t id) const noexcept { return first_[id]; }

 private:
  const Action* first_ = nullptr;
  uint32_t count_ = 0;
};

// Whether `size` bytes are exactly one name in wire form, uncompressed, of at most 255 bytes.
bool is_wire_name(const uint8_t* data, size_t size) noexcept;

// One action to be written.
struct ActionSpec {
  Act act = Act::kAllow;
  uint32_t ttl = 60;              // s
  std::vector<uint32_t> a;        // host order
  std::vector<std::string> aaaa;  // 16 bytes each
  std::string cname;              // wire form
  std::string pool;
  uint16_t ede = kNoEde;
  std::string ede_text;
};

class ActionsBuilder {
 public:
  ActionsBuilder();
  // The action's number; equal ones have one. Negative with a reason when it is none that a table may hold.
  int32_t add(const ActionSpec& spec, std::string& why);
  std::vector<uint8_t> build() const;

 private:
  struct Encoded {
    Action record;
    std::string payload;
  };
  std::vector<Encoded> actions_;
  std::map<std::string, int32_t> known_;
};

}  // namespace nnoe::tables
