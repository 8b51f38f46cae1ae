// SPDX-License-Identifier: MPL-2.0
// Synthetic LeaseEvents for tests: event `n` (from 1) of thread `t` says who made it in subnet_id (t + 1) and
// observed_us (n), and is about one of 65,536 addresses of that thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "shm/gen/event_fields.h"

namespace nnoe::test {

class LeasePayload {
 public:
  LeasePayload(uint32_t thread, uint64_t n, size_t filler = 0) {
    namespace f = event::lease_event;
    const uint8_t address[4] = {10, static_cast<uint8_t>(thread), static_cast<uint8_t>(n >> 8),
                                static_cast<uint8_t>(n)};
    const uint8_t hwaddr[6] = {
        2, address[1], static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), address[2], address[3]};
    number(f::kOperation, static_cast<uint64_t>(event::Operation::kAssign));
    number(f::kOrigin, static_cast<uint64_t>(event::Origin::kClient));
    bytes(f::kAddress, address, sizeof address);
    number(f::kPrefixLen, 32);
    number(f::kHwtype, 1);
    bytes(f::kHwaddr, hwaddr, sizeof hwaddr);
    bytes(f::kClientId, hwaddr, sizeof hwaddr);
    number(f::kSubnetId, thread + 1);
    number(f::kCltt, 1790000000 + n / 1000);
    number(f::kValidLft, 4000);
    const std::string host = "host-" + std::to_string(n) + std::string(filler, 'x');
    bytes(f::kHostname, reinterpret_cast<const uint8_t*>(host.data()), host.size());
    number(f::kObservedUs, n);
  }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(text_.data()); }
  size_t size() const { return text_.size(); }
  static uint64_t key(uint32_t thread, uint64_t n) { return uint64_t{thread} << 32 | (n & 0xffff); }

 private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  void number(uint32_t field, uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void bytes(uint32_t field, const uint8_t* from, size_t size) {
    varint(field << 3 | 2);
    varint(size);
    text_.append(reinterpret_cast<const char*>(from), size);
  }
  std::string text_;
};

// Reads back who made an event; zeros when it is not one of these.
struct Maker {
  uint32_t thread = 0;
  uint64_t n = 0;
};
inline Maker maker_of(const uint8_t* data, size_t size) {
  Maker maker;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; at < size && shift < 64; shift += 7) {
      const uint8_t byte = data[at++];
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < size) {
    const uint64_t tag = varint();
    const uint64_t value = varint();
    if ((tag & 7) == 2) at += value;
    if (tag >> 3 == event::lease_event::kSubnetId) maker.thread = static_cast<uint32_t>(value) - 1;
    if (tag >> 3 == event::lease_event::kObservedUs) maker.n = value;
  }
  return maker;
}

}  // namespace nnoe::test
