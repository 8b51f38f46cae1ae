// SPDX-License-Identifier: MPL-2.0
// Protobuf encoding of proto/nnoe.proto's messages into a caller's buffer. No allocation, no exception: every
// field has a bound, and kMaxLeaseEvent is what they add up to, so that a buffer of that size cannot overflow
// whatever a client or a database sends.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shm/gen/event_fields.h"

namespace nnoe::hook {

// Memory of someone else's that lives at least until the event is encoded.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

constexpr size_t kMaxHwaddr = 255;         // bytes; Ethernet 6, InfiniBand 20
constexpr size_t kMaxId = 255;             // bytes; a DHCPv4 option, the longer of client id and DUID
constexpr size_t kMaxHostname = 1024;      // bytes; DNS allows 255, a command or database may hold more
constexpr size_t kMaxUserContext = 16384;  // bytes; longer ones are left out, as half a JSON text is none

struct LeaseFields {
  event::Operation operation = event::Operation::kOperationUnspecified;
  event::Origin origin = event::Origin::kOriginUnspecified;
  event::LeaseType type = event::LeaseType::kNa;
  uint8_t address[16] = {};  // network order
  uint8_t address_size = 0;  // 4 or 16
  uint8_t prefix_len = 0;
  uint32_t hwtype = 0;
  Bytes hwaddr;
  Bytes client_id;
  Bytes duid;
  uint32_t iaid = 0;
  uint32_t subnet_id = 0;
  uint32_t state = 0;
  int64_t cltt = 0;
  uint32_t valid_lft = 0;
  uint32_t preferred_lft = 0;
  Bytes hostname;
  bool fqdn_fwd = false;
  bool fqdn_rev = false;
  Bytes user_context;
  uint64_t observed_us = 0;
  uint64_t read_at = 0;
};

// 22 tags of at most 2 bytes, 13 varints of at most 10, six lengths of at most 3, and the
// bounded bytes.
constexpr size_t kMaxLeaseEvent =
    22 * 2 + 13 * 10 + 6 * 3 + 16 + kMaxHwaddr + 2 * kMaxId + kMaxHostname + kMaxUserContext;
constexpr size_t kMaxWalk = 64;

// Appends to a buffer that the caller has made large enough. Zero is proto3's default and is not written. The
// field is a template argument so that its tag is a constant of one or two bytes.
class Writer {
 public:
  explicit Writer(uint8_t* out) : start_(out), at_(out) {}

  size_t size() const { return static_cast<size_t>(at_ - start_); }

  // kUsual: bytes of its varint in nearly every event, or 0.
  template <uint32_t kField, unsigned kUsual = 0>
  void number(uint64_t value) {
    if (value == 0) return;
    tag<kField << 3>();
    if constexpr (kUsual > 1) {
      if (__builtin_expect(value >> (7 * kUsual - 7) != 0 && value >> 7 * kUsual == 0, 1)) {
        return varint_of<kUsual>(value);
      }
    }
    varint(value);
  }

  // Of an enumeration, whose values take one byte.
  template <uint32_t kField, typename Enum>
  void name(Enum value) {
    if (value == Enum{}) return;
    tag<kField << 3>();
    *at_++ = static_cast<uint8_t>(value);
  }

  // Cut off at kBound bytes.
  template <uint32_t kField, size_t kBound>
  void bytes(Bytes value) {
    if (value.size == 0) return;
    tag<kField << 3 | 2>();
    size_t size = value.size;
    if (__builtin_expect(size < std::min<size_t>(kBound, 0x80), 1)) {
      *at_++ = static_cast<uint8_t>(size);
    } else {
      size = std::min(size, kBound);
      varint(size);
    }
    std::memcpy(at_, value.data, size);
    at_ += size;
  }

 private:
  template <uint32_t kTag>
  void tag() {
    static_assert(kTag < 1 << 14);
    if constexpr (kTag < 0x80) {
      *at_++ = kTag;
    } else {
      *at_++ = (kTag & 0x7f) | 0x80;
      *at_++ = kTag >> 7;
    }
  }

  // All bytes at once: seven bits go to each of eight. Touches eight, whatever kBytes; ten are reserved.
  template <unsigned kBytes>
  void varint_of(uint64_t value) {
    static_assert(kBytes <= 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    value = (value & 0x000000000fffffff) | (value & 0x00fffffff0000000) << 4;
    value = (value & 0x00003fff00003fff) | (value & 0x0fffc0000fffc000) << 2;
    value = (value & 0x007f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
    value |= 0x8080808080808080 >> (72 - 8 * kBytes);
    std::memcpy(at_, &value, sizeof value);
    at_ += kBytes;
  }

  void varint(uint64_t value) {
    uint8_t* at = at_;
    while (value >= 0x80) {
      *at++ = static_cast<uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<uint8_t>(value);
    at_ = at;
  }

  uint8_t* const start_;
  uint8_t* at_;
};

// `out` holds at least kMaxLeaseEvent bytes. Returns the size.
inline size_t encode(const LeaseFields& lease, uint8_t* out) {
  namespace f = event::lease_event;
  Writer w(out);
  w.name<f::kOperation>(lease.operation);
  w.name<f::kOrigin>(lease.origin);
  w.name<f::kType>(lease.type);
  w.bytes<f::kAddress, 16>({lease.address, lease.address_size});
  w.number<f::kPrefixLen>(lease.prefix_len);
  w.number<f::kHwtype>(lease.hwtype);
  w.bytes<f::kHwaddr, kMaxHwaddr>(lease.hwaddr);
  w.bytes<f::kClientId, kMaxId>(lease.client_id);
  w.bytes<f::kDuid, kMaxId>(lease.duid);
  w.number<f::kIaid>(lease.iaid);
  w.number<f::kSubnetId>(lease.subnet_id);
  w.number<f::kState>(lease.state);
  w.number<f::kCltt, 5>(static_cast<uint64_t>(lease.cltt));
  w.number<f::kValidLft>(lease.valid_lft);
  w.number<f::kPreferredLft>(lease.preferred_lft);
  w.bytes<f::kHostname, kMaxHostname>(lease.hostname);
  w.number<f::kFqdnFwd>(lease.fqdn_fwd ? 1 : 0);
  w.number<f::kFqdnRev>(lease.fqdn_rev ? 1 : 0);
  if (__builtin_expect(lease.user_context.size <= kMaxUserContext, 1)) {
    w.bytes<f::kUserContext, kMaxUserContext>(lease.user_context);
  }
  w.number<f::kObservedUs, 8>(lease.observed_us);
  w.number<f::kReadAt>(lease.read_at);
  return w.size();
}

struct WalkFields {
  uint64_t id = 0;
  event::WalkCause cause = event::WalkCause::kCauseUnspecified;
  uint32_t subnet_id = 0;  // 0: every subnet
  uint64_t leases = 0;
  bool complete = false;
};

// `out` holds at least kMaxWalk bytes. Returns the size.
inline size_t encode(const WalkFields& walk, uint8_t* out) {
  namespace f = event::walk;
  Writer w(out);
  w.number<f::kId>(walk.id);
  w.name<f::kCause>(walk.cause);
  w.number<f::kSubnetId>(walk.subnet_id);
  w.number<f::kLeases>(walk.leases);
  w.number<f::kComplete>(walk.complete ? 1 : 0);
  return w.size();
}

// The journal's key of an address; see Producer::append_page. Multiplying by an odd number keeps apart the
// low bits of neighbouring addresses, of which pools are made, and spreads all of them over the upper half.
inline uint64_t address_key(const uint8_t* address, size_t size) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  if (size == 4) {
    uint32_t v4 = 0;
    std::memcpy(&v4, address, 4);
    return __builtin_bswap32(v4) * 0xff51afd7ed558ccdu;
  }
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, address, 8);
  std::memcpy(&low, address + 8, 8);
  return (__builtin_bswap64(low) ^ __builtin_bswap64(high) * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
}

}  // namespace nnoe::hook
